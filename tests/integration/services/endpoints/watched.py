"""A harness whose endpoints are watched, and whose letters leave at once."""

from datetime import datetime

from notifier.channels.base import MailReceipt
from notifier.domain.errors import DeliveryError, PermanentDeliveryError
from notifier.domain.messages.message import HookRequest, MailRequest
from notifier.domain.values import Channel, Reason, Status
from notifier.queueing.rate_limiter import LocalRateLimiter
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.endpoints.mails import EndpointMails
from notifier.services.endpoints.recovery_probe import ProbeEndpoint
from notifier.services.endpoints.watch import WatchEndpoints, write_mail
from notifier.services.mail.failover import ProviderFailover
from notifier.services.mail.transactional import SendTransactionalMail
from notifier.services.providers.circuits import Circuits
from notifier.storage.database.engine import Database
from tests.support.fake_endpoints import BRAND, EndpointHarness, down, endpoint_harness, url_of

HOUR = 3600.0


def gone(_request: HookRequest) -> DeliveryError:
    return PermanentDeliveryError(Reason.GONE, "HTTP 410", status=410)


class Post:
    """Takes the letters."""

    name, max_batch, deduplicates = "provider", 1000, False

    def __init__(self) -> None:
        self.requests: list[MailRequest] = []

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        del deadline
        self.requests.append(request)
        return MailReceipt(provider_message_id="m", accepted_ids=[item.delivery_id for item in request.recipients])

    def answers(self, *, deadline: datetime) -> bool:
        del deadline
        return True

    def close(self) -> None:
        """Nothing was opened."""


class AtOnce:
    """Probes an endpoint as soon as that is asked for."""

    def __init__(self, probe: ProbeEndpoint) -> None:
        self._probe = probe

    def probe(self, endpoint_id: int) -> None:
        self._probe.run(endpoint_id)


class Watched:
    """A house whose endpoints are watched, and whose letters leave at once."""

    def __init__(self, database: Database) -> None:
        self.harness: EndpointHarness = endpoint_harness(database)
        self.post = Post()
        pipeline, hooks = self.harness.pipeline, self.harness.hooks
        wording = Renderer(BRAND, (), "https://status.example", templates_dir(), locales_dir())
        writer = EndpointMails("https://status.example", "en", "Europe/Amsterdam")
        circuits = Circuits(database, pipeline.clock, pipeline.tasks, Channel.EMAIL)
        route = ProviderFailover([self.post], pipeline.clock, LocalRateLimiter(pipeline.clock), circuits)
        self.send = SendTransactionalMail(database, pipeline.clock, writer, wording, route, "worker")
        probe = ProbeEndpoint(database, pipeline.clock, self.harness.line, wording, hooks.secrets, pipeline.regroup)
        self.watch = WatchEndpoints(database, pipeline.clock, write_mail, AtOnce(probe))

    def hours(self, number: float) -> None:
        """Let time pass hour by hour."""
        for _ in range(round(number)):
            self.harness.later(HOUR)
            self.watch.run()
            self.harness.work()
            self.send.run()

    @property
    def mails(self) -> list[tuple[str, str]]:
        """To whom, about what."""
        return [(request.recipients[0].address, request.content.subject) for request in self.post.requests]

    def fail_until_disabled(self, name: str) -> None:
        self.harness.line.answers[url_of(name)] = down
        self.harness.pipeline.post(Status.INVESTIGATING)
        self.harness.work()
        self.hours(5 * 24)
        assert self.harness.row(name).state == "disabled"
