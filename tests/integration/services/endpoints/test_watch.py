"""An endpoint that fails for days: its owner is warned, it is disabled, asked again, and catches up."""

from datetime import datetime

import pytest

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
WARNING = "[MyOnlineStore] Your webhook endpoint does not answer"
NOTICE = "[MyOnlineStore] Your webhook endpoint is disabled"


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


@pytest.fixture
def watched(sqlite_database: Database) -> Watched:
    return Watched(sqlite_database)


def test_the_owner_is_warned_and_told_and_the_endpoint_disabled_after_five_days(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", owner_email="ops@weak.example")
    harness.endpoint("sound", owner_email="ops@sound.example")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    watched.hours(71)
    assert watched.mails == []
    watched.hours(2)
    assert watched.mails == [("ops@weak.example", WARNING)]
    watched.hours(45)
    assert harness.row("weak").state == "active"
    watched.hours(3)
    assert watched.mails == [("ops@weak.example", WARNING), ("ops@weak.example", NOTICE)]
    assert (harness.row("weak").state, harness.row("weak").state_reason) == ("disabled", "it failed for days")
    assert harness.row("sound").state == "active"
    warning, notice = (request.content.text for request in watched.post.requests)
    assert "https://weak.example/" in warning
    assert "HTTP 503" in warning
    assert "7 March 2026" in warning  # five days after the first failure
    assert "failed for too long" in notice


def test_the_owner_of_an_endpoint_that_says_it_is_gone_is_told(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("gone", owner_email="ops@gone.example")
    harness.line.answers[url_of("gone")] = gone
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    watched.hours(1)
    assert watched.mails == [("ops@gone.example", NOTICE)]
    assert "410" in watched.post.requests[0].content.text


def test_a_warning_that_has_lost_its_point_is_not_sent(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", owner_email="ops@weak.example")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.later(72 * HOUR)
    watched.watch.run()
    harness.line.answers.clear()
    harness.later(24 * HOUR)
    watched.hours(1)
    assert watched.mails == []


def test_any_success_resets_the_record(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", owner_email="ops@weak.example")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    watched.hours(50)
    assert harness.row("weak").failing_since is not None
    harness.line.answers.clear()
    watched.hours(30)
    assert (harness.row("weak").failing_since, harness.row("weak").failed_attempts) == (None, 0)
    watched.hours(60)
    assert (watched.mails, harness.row("weak").state) == ([], "active")


def test_a_disabled_endpoint_is_asked_by_signed_tests_and_gets_everything_once_it_answers(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak")
    watched.fail_until_disabled("weak")
    for status in (Status.IDENTIFIED, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
    before = len(harness.posted("weak"))
    watched.hours(3)
    asked = harness.posted("weak")[before:]
    assert {request.delivery_id[:4] for request in asked} == {"tst_"}
    assert [b"endpoint.test" in request.body for request in asked] == [True, True]
    assert harness.row("weak").state == "disabled"
    harness.line.answers.clear()
    watched.hours(4)
    assert harness.row("weak").state == "active"
    heard = [message for message in harness.heard("weak")[before + 2 :] if message["type"] != "endpoint.test"]
    assert [message["type"] for message in heard] == ["incident.created", "incident.updated", "incident.resolved"]
    assert [message["data"]["sequence"] for message in heard] == [1, 2, 3]
    assert [state for state, _, _ in harness.states("weak")] == ["accepted"] * 3


def test_one_that_wants_the_latest_gets_the_present_state_of_each_incident(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", mode="latest")
    watched.fail_until_disabled("weak")
    for status in (Status.IDENTIFIED, Status.MONITORING):
        harness.pipeline.post(status)
        harness.work()
    harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")
    harness.work()
    before = len(harness.posted("weak"))
    harness.line.answers.clear()
    watched.hours(2)
    heard = [message for message in harness.heard("weak")[before:] if message["type"] != "endpoint.test"]
    assert sorted((message["data"]["incident"]["id"], message["data"]["sequence"]) for message in heard) == [
        ("inc-1", 3),
        ("inc-2", 1),
    ]
    newest = next(message for message in heard if message["data"]["incident"]["id"] == "inc-1")
    assert [update["status"] for update in newest["data"]["updates"]] == ["investigating", "identified", "monitoring"]


def test_an_endpoint_that_says_it_is_gone_is_not_asked_again(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak")
    watched.fail_until_disabled("weak")
    harness.line.answers[url_of("weak")] = gone
    watched.hours(2)
    asked = len(harness.posted("weak"))
    watched.hours(48)
    assert len(harness.posted("weak")) == asked
    assert (harness.row("weak").state, harness.row("weak").probe_at) == ("disabled", None)
