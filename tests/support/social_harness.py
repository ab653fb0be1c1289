"""A pipeline whose social workers talk to the sandbox with the real client libraries."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from notifier.channels.base import SocialSender
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.messages.brand import Account, Brand
from notifier.domain.values import Channel, Platform, QueueName
from notifier.queueing.account_lock import LocalAccountLock
from notifier.queueing.rate_limiter import LocalRateLimiter
from notifier.rendering.cards.drawing import paint
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.dispatch.attempt import Attempt, BatchAttempt
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.dispatch.social import PostAttempt
from notifier.services.providers.circuits import Circuits
from notifier.services.providers.probes import CallProbes
from notifier.services.social.accounts import sync_accounts
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.contract.channels.posts import Sessions, bluesky_sender, mastodon_sender, x_sender
from tests.sandbox_server import RunningSandbox
from tests.support.pipeline_harness import Pipeline

BRAND = Brand(
    name={"en": "MyOnlineStore"},
    from_email={"en": "status@shop.example"},
    default_locale="en",
    locales=("nl", "en", "de", "fr"),
    timezone="Europe/Amsterdam",
)
RENDERER = Renderer(BRAND, (), "https://status.shop.example", templates_dir(), locales_dir())
PATIENT, HASTY = (10.0, 20.0), (1.0, 1.0)  # seconds to connect, and to answer
NO_RULES: Mapping[Channel, TranslationRule] = {}
PUBLISHES = {Platform.X: "/tweets", Platform.MASTODON: "/statuses", Platform.BLUESKY: "putRecord"}


def sender_of(
    account: Account, sandbox: RunningSandbox, clock: Callable[[], datetime], timeouts: tuple[float, float] = PATIENT
) -> SocialSender:
    """Return the real sender of an account in the sandbox."""
    if account.platform is Platform.X:
        return x_sender(sandbox.x_url, clock, timeouts=timeouts)
    if account.platform is Platform.MASTODON:
        return mastodon_sender(sandbox.mastodon_url, clock, timeouts=timeouts)
    return bluesky_sender(sandbox.bluesky_url, clock, sessions=Sessions(), timeouts=timeouts)


@dataclass
class SocialHarness:
    """A pipeline with social workers."""

    pipeline: Pipeline
    attempt: Attempt
    sandbox: RunningSandbox
    senders: Mapping[str, SocialSender]
    channels: dict[Channel, BatchAttempt]

    def reword(self, public_url: str) -> None:
        """Render posts as an installation at another public address."""
        moved = Renderer(BRAND, (), public_url, templates_dir(), locales_dir())
        attempt_post = self.channels[Channel.SOCIAL]
        assert isinstance(attempt_post, PostAttempt)
        self.channels[Channel.SOCIAL] = replace(attempt_post, renderer=moved)

    def work(self) -> None:
        """Plan and attempt what is enqueued on the social queues, until nothing is left to do."""
        while self.pipeline.tasks.plans or self.pipeline.tasks.attempts:
            self.pipeline.plan_all()
            enqueued, self.pipeline.tasks.attempts = self.pipeline.tasks.attempts, []
            for queue, batch_id in enqueued:
                if queue in (QueueName.SOCIAL, QueueName.RETRY):
                    self.attempt.run(batch_id)

    def later(self, seconds: float) -> None:
        """Advance the time, sweep, and do what is due."""
        self.pipeline.later(seconds)
        self.work()

    def states(self) -> list[str]:
        """Return the states of all social batches, oldest first."""
        b = t.batch.c
        statement = select(b.state).where(b.channel == Channel.SOCIAL.value).order_by(b.id)
        with self.pipeline.database.read() as connection:
            return list(connection.execute(statement).scalars())

    def until_settled(self, *, step: float = 5.0, steps: int = 80) -> float:
        """Advance the time until no batch is open; returns the seconds passed."""
        for number in range(steps):
            if not {"queued", "sending"}.intersection(self.states()):
                return number * step
            self.later(step)
        return steps * step

    def public(self) -> list[dict[str, Any]]:
        """Return the public posts, oldest first."""
        return [post for post in self.sandbox.get("/sandbox/api/posts")["items"] if not post["deleted"]]


@contextmanager
def social_harness(
    database: Database,
    sandbox: RunningSandbox,
    *accounts: Account,
    translations: Mapping[Channel, TranslationRule] = NO_RULES,
    timeouts: tuple[float, float] = PATIENT,
) -> Iterator[SocialHarness]:
    """Build workers for accounts, named like `acc-de` in the sandbox's credentials (`posts.py`)."""
    pipeline = Pipeline(database, now=datetime.now(UTC), translations=translations)
    sync_accounts(database, accounts)
    senders = {account.name: sender_of(account, sandbox, pipeline.clock, timeouts) for account in accounts}
    circuits = Circuits(database, pipeline.clock, pipeline.tasks, Channel.SOCIAL)
    names = {Channel.SOCIAL: [account.name for account in accounts]}
    pipeline.sweep = replace(pipeline.sweep, chores=(CallProbes(database, {Channel.SOCIAL: circuits}, lambda: names),))
    record = RecordOutcome(database, pipeline.clock, pipeline.tasks, "test", lambda: 0.0)
    attempt_post = PostAttempt(
        database,
        pipeline.clock,
        RENDERER,
        {account.name: account for account in accounts},
        senders,
        record,
        LocalAccountLock(),
        LocalRateLimiter(pipeline.clock),
        circuits,
        paint,
    )
    channels: dict[Channel, BatchAttempt] = {Channel.SOCIAL: attempt_post}
    attempt = Attempt(database, pipeline.clock, pipeline.tasks, "test", channels, translations=translations)
    try:
        yield SocialHarness(pipeline, attempt, sandbox, senders, channels)
    finally:
        attempt_post.close()
