"""Mail workers on a pipeline, with providers controlled by the test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from notifier.channels.base import MailReceipt, MailSender, RateBudget
from notifier.domain.errors import DeliveryError
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.messages.brand import Brand
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Channel
from notifier.queueing.rate_limiter import LocalRateLimiter
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.dispatch.attempt import Attempt
from notifier.services.dispatch.email import MailAttempt
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.plan import BATCH_SIZES
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.mail.failover import ProviderFailover
from notifier.services.mail.links import Links
from notifier.services.ports import Clock, Life, NotWatched, TaskQueue
from notifier.services.providers.circuits import Circuits
from notifier.services.providers.probes import CallProbes
from notifier.services.security.signed_tokens import Tokens
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.support.pipeline_harness import START, Pipeline, RecordingTaskQueue

BRAND = Brand(
    name={"en": "MyOnlineStore"},
    from_email={"en": "status@shop.example"},
    default_locale="en",
    locales=("en",),
    timezone="Europe/Amsterdam",
)


NO_RULES: Mapping[Channel, TranslationRule] = {}


@dataclass
class Provider:
    """Accepts mail requests, or fails as configured: one entry of `faults` per request, then none.

    An entry of `apart` decides each address of an accepted request separately, like SMTP.
    """

    name: str = "provider"
    max_batch: int = 1000
    deduplicates: bool = False
    faults: list[Callable[[MailRequest], DeliveryError | None]] = field(default_factory=list)
    down: DeliveryError | None = None
    apart: list[Callable[[str], DeliveryError | None]] = field(default_factory=list)
    requests: list[MailRequest] = field(default_factory=list)
    rate: RateBudget | None = None
    calls: int = 0
    silent: bool = False  # answers nothing, not even a harmless request
    questions: int = 0

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        del deadline
        self.calls += 1
        if self.down is not None:
            raise self.down
        fault = self.faults.pop(0)(request) if self.faults else None
        if fault is not None:
            raise fault
        self.requests.append(request)
        judge = self.apart.pop(0) if self.apart else lambda _address: None
        failed = {item.delivery_id: fault for item in request.recipients if (fault := judge(item.address))}
        names = [item.delivery_id for item in request.recipients if item.delivery_id not in failed]
        number = f"msg-{len(self.requests)}"
        return MailReceipt(provider_message_id=number, accepted_ids=names, failed=failed, rate=self.rate)

    def answers(self, *, deadline: datetime) -> bool:
        del deadline
        self.questions += 1
        return not self.silent

    def close(self) -> None:
        """Nothing was opened."""

    @property
    def addresses(self) -> list[str]:
        return sorted(recipient.address for request in self.requests for recipient in request.recipients)

    def mails_to(self, address: str) -> list[str]:
        """Return the texts of the mails sent to one address, in order."""
        return [
            request.content.text
            for request in self.requests
            for recipient in request.recipients
            if recipient.address == address
        ]


class Watch:
    """One clock for workers and sandbox: rate headers and deadlines agree. Sleeping advances it."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant

    def rest(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)

    def unix(self) -> float:
        return self.instant.timestamp()


@dataclass
class EmailHarness:
    """A pipeline with mail workers."""

    pipeline: Pipeline
    attempt: Attempt

    def work(self) -> None:
        """Plan and attempt what is enqueued, until nothing is left to do now."""
        while self.pipeline.tasks.plans or self.pipeline.tasks.attempts:
            self.pipeline.plan_all()
            enqueued, self.pipeline.tasks.attempts = self.pipeline.tasks.attempts, []
            for _, batch_id in enqueued:
                with self.pipeline.database.read() as connection:
                    found = connection.execute(select(t.batch.c.channel).where(t.batch.c.id == batch_id)).scalar()
                if found == Channel.EMAIL:
                    self.attempt.run(batch_id)

    def later(self, seconds: float) -> None:
        self.pipeline.later(seconds)
        self.work()


def build_harness(
    database: Database,
    *providers: MailSender,
    batch_size: int = 1_000,
    evidence: timedelta = timedelta(0),
    translations: Mapping[Channel, TranslationRule] = NO_RULES,
    clock: Clock | None = None,
    tasks: TaskQueue | None = None,
    rest: Callable[[float], None] = lambda _seconds: None,
    owner: str = "worker",
    life: Life | None = None,
) -> EmailHarness:
    """Build a pipeline with mail workers; given clock and queue, several can share a database.

    `evidence`: how long the providers' events may take.
    """
    pipeline = Pipeline(database, translations=translations, time=clock, tasks=tasks or RecordingTaskQueue())
    pipeline.sweep = replace(pipeline.sweep, mail_waits=lambda: evidence - LEASE)
    pipeline.plan = replace(pipeline.plan, batch_sizes={**BATCH_SIZES, Channel.EMAIL: batch_size})
    record = RecordOutcome(
        database, pipeline.clock, pipeline.tasks, owner, spread=lambda: 0.0, life=life or NotWatched()
    )
    renderer = Renderer(BRAND, (), "https://status.example", templates_dir(), locales_dir())
    links = Links("https://status.example", Tokens(["k" * 32], pipeline.clock))
    kept = (database, pipeline.clock, pipeline.tasks, Channel.EMAIL)
    circuits = Circuits(*kept, repeats_doubts=lambda _provider: not evidence)
    names = {Channel.EMAIL: [provider.name for provider in providers]}
    pipeline.sweep = replace(pipeline.sweep, chores=(CallProbes(database, {Channel.EMAIL: circuits}, lambda: names),))
    route = ProviderFailover(providers, pipeline.clock, LocalRateLimiter(pipeline.clock), circuits)
    mail = MailAttempt(
        database, pipeline.clock, renderer, links, route, record, LEASE, lambda _provider: evidence, rest
    )
    channels = {Channel.EMAIL: mail}
    return EmailHarness(
        pipeline, Attempt(database, pipeline.clock, pipeline.tasks, owner, channels, translations=translations)
    )


def subscribe(harness: EmailHarness, number: int) -> list[str]:
    names = [f"shop-{place}" for place in range(number)]
    for name in names:
        harness.pipeline.subscriber(name)
    return sorted(f"{name}@example.com" for name in names)


def states(harness: EmailHarness) -> set[str]:
    return {
        state for notice in harness.pipeline.notices() for state in harness.pipeline.delivery_states(notice.id).values()
    }
