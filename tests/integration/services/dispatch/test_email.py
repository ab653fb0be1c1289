"""Every way a call to a mail provider can end, to the end: what becomes of the recipients, after how many requests and
how long, and whether anybody is told twice. The strict sandbox over HTTP, SendGrid's own client, an SMTP peer.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.channels.base import MailReceipt, MailSender
from notifier.channels.email.sendgrid import SendGridSender
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.domain.messages.message import MailRequest
from notifier.domain.providers.mail_event import MailEvent, MailEventKind, MailEvents
from notifier.domain.values import Reason, Status
from notifier.inbound import sendgrid_rules
from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.credentials import SENDGRID_API_KEY
from notifier.services.provider_events.record import RecordProviderEvents
from notifier.services.security.address_hash import AddressHasher
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts
from tests.contract.channels.scripted_smtp import SmtpPeer, smtp_peer
from tests.sandbox_server import RunningSandbox, running_sandbox, until
from tests.support.email_harness import EmailHarness, Watch, build_harness, states, subscribe

EVIDENCE = timedelta(seconds=180)
PEOPLE = 4
_FIRST, _LONG = 5, 60  # seconds


class Impatient(SendGridSender):
    """Its first request has a moment only; all others have all the time they need, however slow the machine is."""

    _MOMENT = timedelta(milliseconds=200)
    _asked = False

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        if not self._asked:
            self._asked, deadline = True, self._clock() + self._MOMENT
        return super().send(request, deadline=deadline)


@dataclass
class Scene:
    """A house whose mail goes to a sandbox, and to an SMTP peer where there is one."""

    harness: EmailHarness
    watch: Watch
    sandbox: RunningSandbox
    peer: SmtpPeer | None

    def begin(self) -> None:
        subscribe(self.harness, PEOPLE)
        self.publish(Status.INVESTIGATING)

    def publish(self, status: Status) -> None:
        self.harness.pipeline.post(status)
        self.harness.work()

    def run(self, seconds: float) -> None:
        """Let time pass, in longer and longer steps, until everything is told or given up."""
        begun, passed = self.watch.instant, 0.0
        while passed < seconds and states(self.harness) & {"queued", "sending"}:
            self.watch.rest(min(1 if passed < _FIRST else 5 if passed < _LONG else 15, seconds - passed))
            self.harness.later(0)
            passed = (self.watch.instant - begun).total_seconds()

    def report(self) -> None:
        """Hand in what the sandbox would report: `processed` for every mail it took."""
        found = [mail for mail, _ in self.sandbox.state.ledger.deliveries["email"].items()]
        events = tuple(
            MailEvent(id=f"e-{name}", kind=MailEventKind.PROCESSED, at=self.watch.instant, delivery_id=name)
            for name in found
        )
        database = self.harness.pipeline.database
        RecordProviderEvents(database, self.harness.pipeline.clock, AddressHasher(database), sendgrid_rules).record(
            MailEvents(events, 0)
        )

    @property
    def requests(self) -> int:
        with self.harness.pipeline.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM attempt").scalar_one())

    @property
    def told(self) -> int:
        return len(self.sandbox.state.ledger.deliveries["email"])

    @property
    def twice(self) -> int:
        return self.sandbox.state.ledger.duplicates("email")

    def alert_keys(self) -> list[str]:
        with self.harness.pipeline.database.read() as connection:
            return [row.key for row in alerts.current(connection)]


@contextmanager
def scene(
    ledger: Database,
    *,
    smtp: bool = False,
    sendgrid: type[SendGridSender] = SendGridSender,
    evidence: timedelta = EVIDENCE,
) -> Iterator[Scene]:
    watch = Watch()
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(SandboxConfig(clock=watch.unix)))
        sender = sendgrid(api_key=SENDGRID_API_KEY, clock=watch, base_url=sandbox.sendgrid_url)
        senders: list[MailSender] = [stack.enter_context(closing(sender))]
        peer = stack.enter_context(smtp_peer()) if smtp else None
        if peer is not None:
            server = SmtpServer(host="127.0.0.1", port=peer.port)
            senders.append(stack.enter_context(closing(SmtpSender(server, clock=watch))))
        harness = build_harness(ledger, *senders, evidence=evidence, clock=watch, rest=watch.rest)
        yield Scene(harness, watch, sandbox, peer)


@dataclass(frozen=True)
class Row:
    """A fault of the first request, and what it comes to. `within`: seconds; `told`: how many mails were accepted."""

    name: str
    fault: Mapping[str, Any]
    requests: int
    after: float  # at least so long
    within: float
    twice: int = 0  # where no event tells of it
    reason: Reason | None = None
    sendgrid: type[SendGridSender] = SendGridSender


STATUS, TIMED_OUT = "status", Reason.TIMED_OUT
ROWS = [
    Row("429", {"kind": STATUS, "status": 429}, 2, 1, 4, reason=Reason.RATE_LIMITED),
    Row("429 with Retry-After", {"kind": STATUS, "status": 429, "headers": {"Retry-After": "40"}}, 2, 40, 45),
    Row("500", {"kind": STATUS, "status": 500}, 2, 2, 4, reason=Reason.SERVER_ERROR),
    Row("503", {"kind": STATUS, "status": 503}, 2, 2, 4, reason=Reason.SERVER_ERROR),
    Row("408", {"kind": STATUS, "status": 408}, 2, 2, 4, reason=Reason.SERVER_ERROR),
    Row("302", {"kind": "redirect"}, 2, 2, 4, reason=Reason.REDIRECTED),
    Row("413 is halved at once", {"kind": STATUS, "status": 413}, 3, 0, 1, reason=Reason.TOO_LARGE),
    Row("400 of no recipient is halved", {"kind": STATUS, "status": 400}, 3, 0, 1, reason=Reason.REJECTED),
    Row("502 before acceptance", {"kind": STATUS, "status": 502}, 2, 180, 190, reason=Reason.OUTCOME_UNKNOWN),
    Row("502 after it", {"kind": STATUS, "status": 502, "after_accept": True}, 2, 180, 190, twice=PEOPLE),
    Row("504 after it", {"kind": STATUS, "status": 504, "after_accept": True}, 2, 180, 190, twice=PEOPLE),
    Row("hung up before", {"kind": "drop_before"}, 2, 180, 190, reason=Reason.OUTCOME_UNKNOWN),
    Row("hung up after", {"kind": "drop_after_accept"}, 2, 180, 190, twice=PEOPLE, reason=Reason.OUTCOME_UNKNOWN),
    Row("half an answer", {"kind": "truncate"}, 2, 180, 190, twice=PEOPLE, reason=Reason.OUTCOME_UNKNOWN),
    Row("silent before", {"kind": "drop_before", "delay": 60}, 2, 180, 190, reason=TIMED_OUT, sendgrid=Impatient),
    Row(
        "silent after",
        {"kind": "delay", "delay": 60, "after_accept": True},
        2,
        180,
        190,
        twice=PEOPLE,
        reason=TIMED_OUT,
        sendgrid=Impatient,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_everybody_is_told_and_only_a_doubt_without_evidence_tells_twice(ledger: Database, row: Row) -> None:
    with scene(ledger, sendgrid=row.sendgrid) as found:
        found.sandbox.fault("sendgrid", count=1, **row.fault)
        begun = found.watch.instant
        found.begin()
        found.run(300)
        waited = (found.watch.instant - begun).total_seconds()
        until(lambda: (found.told, found.twice) == (PEOPLE, row.twice))  # it may be at work when our time is over
        assert states(found.harness) == {"accepted"}
        assert found.requests == row.requests
        assert row.after <= waited <= row.within
        with ledger.read() as connection:
            reasons = set(connection.exec_driver_sql("SELECT reason FROM attempt").scalars())
        assert row.reason is None or row.reason in reasons


@pytest.mark.parametrize("row", [row for row in ROWS if row.twice], ids=lambda row: row.name)
def test_with_events_a_doubt_tells_nobody_twice(ledger: Database, row: Row) -> None:
    with scene(ledger, sendgrid=row.sendgrid) as found:
        found.sandbox.fault("sendgrid", count=1, **row.fault)
        found.begin()
        found.run(1)
        until(lambda: found.told == PEOPLE)  # as above
        found.report()
        found.run(300)
        assert (found.told, found.twice) == (PEOPLE, 0)
        assert states(found.harness) == {"accepted"}
        assert found.requests == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_only_a_person_can_mend_stops_the_lane_until_then(ledger: Database, status: int) -> None:
    with scene(ledger) as found:
        found.sandbox.fault("sendgrid", "status", status=status)
        found.begin()
        found.run(600)
        assert states(found.harness) == {"queued"}
        assert found.alert_keys() == ["email:sendgrid"]
        assert found.requests <= 13
        found.sandbox.call("DELETE", "/sandbox/faults")
        found.run(75)
        assert (found.told, found.twice, states(found.harness)) == (PEOPLE, 0, {"accepted"})
        assert found.alert_keys() == []


def test_what_all_share_and_the_provider_refuses_is_asked_once(ledger: Database) -> None:
    with scene(ledger) as found:
        fault = {"message": "Header can not be one of the reserved keys.", "field": "headers", "help": None}
        found.sandbox.fault("sendgrid", "status", status=400, body=json.dumps({"errors": [fault]}))
        found.begin()
        found.run(10)
        assert (found.told, found.requests, states(found.harness)) == (0, 1, {"failed"})


def test_one_malformed_address_costs_nobody_else_the_mail(ledger: Database) -> None:
    with scene(ledger) as found:
        found.harness.pipeline.subscriber("odd", email="owner@shop.123")  # no top-level domain is a number
        found.begin()
        found.run(10)
        (notice,) = found.harness.pipeline.notices()
        told = found.harness.pipeline.delivery_states(notice.id)
        assert told.pop("odd") == "failed"
        assert set(told.values()) == {"accepted"}
        assert (found.told, found.requests) == (PEOPLE, 2)


def test_a_provider_down_for_good_is_replaced_within_its_breakers_time_and_used_again_afterwards(
    ledger: Database,
) -> None:
    with scene(ledger, smtp=True) as found:
        assert found.peer is not None
        found.sandbox.fault("sendgrid", "status", status=503)
        begun = found.watch.instant
        found.begin()
        found.run(60)
        assert (found.watch.instant - begun).total_seconds() <= 15
        assert (found.told, len(found.peer.notes.taken)) == (0, PEOPLE)
        found.sandbox.call("DELETE", "/sandbox/faults")
        found.watch.rest(300)
        found.publish(Status.RESOLVED)
        assert (found.told, len(found.peer.notes.taken)) == (PEOPLE, PEOPLE)
        assert found.twice == 0


def test_without_events_a_silent_provider_is_left_at_once_and_the_next_incident_does_not_wait_for_it(
    ledger: Database,
) -> None:
    with scene(ledger, smtp=True, sendgrid=Impatient, evidence=timedelta(0)) as found:
        assert found.peer is not None
        found.sandbox.fault("sendgrid", "drop_before", delay=60)
        found.begin()  # no time passes but that of the time-out
        assert (found.told, len(found.peer.notes.taken)) == (0, PEOPLE)
        asked = found.requests
        found.watch.rest(60)
        found.publish(Status.RESOLVED)
        assert (found.told, len(found.peer.notes.taken)) == (0, 2 * PEOPLE)
        assert found.requests == asked + 1  # nothing was risked with the silent one, which answers no question


def test_a_doubt_is_never_handed_to_the_second_provider_before_its_evidence_is_due(ledger: Database) -> None:
    with scene(ledger, smtp=True) as found:
        assert found.peer is not None
        found.sandbox.fault("sendgrid", "drop_after_accept")
        found.begin()
        found.run(179)
        assert (found.told, found.twice, found.peer.notes.taken) == (PEOPLE, 0, [])
        found.report()
        found.run(300)
        assert (found.told, found.twice, found.peer.notes.taken) == (PEOPLE, 0, [])
