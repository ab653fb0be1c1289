"""3,000 recipients through SendGrid's own client and a storm: 429 every third request, 500 every tenth, and every
fiftieth accepted without an answer. Nobody is lost, and nobody is told twice of whom events can tell.
"""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from notifier.channels.email.sendgrid import SendGridSender
from notifier.domain.ids import address_key
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Status
from notifier.inbound import sendgrid_rules
from notifier.inbound.sendgrid import parse_mail_events
from notifier.sandbox.config import EventWebhook, SandboxConfig
from notifier.sandbox.credentials import SENDGRID_API_KEY
from notifier.services.provider_events.record import RecordProviderEvents
from notifier.services.security.address_hash import AddressHasher
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.notifications import notifications
from notifier.storage.recipients import preferences
from tests.contract.channels.scripted_server import Peer, Reply, scripted
from tests.sandbox_server import RunningSandbox, running_sandbox, until
from tests.support.email_harness import EmailHarness, Watch, build_harness
from tests.support.pipeline_harness import PEPPER, START

PEOPLE, BATCH = 3_000, 30
EVIDENCE = timedelta(seconds=180)


def crowd(database: Database) -> None:
    with database.write() as connection:
        number = preferences.ensure(connection, Preferences())
        same = {
            "kind": "merchant",
            "name": "",
            "locale": "en",
            "timezone": "Europe/Amsterdam",
            "state": "active",
            "preference_id": number,
            "legal_basis": "test",
            "created_at": START,
            "updated_at": START,
        }
        addresses = [f"owner{place}@shop{place}.example" for place in range(PEOPLE)]
        rows = [
            same | {"external_id": f"shop-{place}", "email": email, "address_key": address_key(PEPPER, email)}
            for place, email in enumerate(addresses)
        ]
        connection.execute(t.subscriber.insert(), rows)


def storm(sandbox: RunningSandbox) -> None:
    sandbox.fault("sendgrid", "status", status=429, every=3)
    sandbox.fault("sendgrid", "status", status=500, every=10)
    sandbox.fault("sendgrid", "drop_after_accept", every=50)


def unconfirmed(sandbox: RunningSandbox) -> int:
    return sum(fault.hits for fault in sandbox.state.faults.faults if fault.kind == "drop_after_accept")


def in_hand(harness: EmailHarness) -> int:
    b = t.batch.c
    with harness.pipeline.database.read() as connection:
        statement = select(func.count()).where(b.channel == "email", b.state.in_(["queued", "sending"]))
        return int(connection.execute(statement).scalar_one())


class Reports:
    """Hands the sandbox's events in, as the API does."""

    def __init__(self, harness: EmailHarness, sandbox: RunningSandbox, peer: Peer) -> None:
        self._house, self._sandbox, self._peer = harness, sandbox, peer
        database = harness.pipeline.database
        self._feedback = RecordProviderEvents(database, harness.pipeline.clock, AddressHasher(database), sendgrid_rules)
        self._taken, self._told = 0, set[str]()

    def catch_up(self) -> None:
        """Take events until there is one for every mail that was accepted."""
        mails = self._sandbox.state.ledger.deliveries["email"]
        until(lambda: self._take() >= len(mails))

    def _take(self) -> int:
        bodies = [seen.body for seen in self._peer.requests[self._taken :]]
        self._taken += len(bodies)
        for body in bodies:
            events = parse_mail_events(body, now=self._house.pipeline.now)
            self._told.update(event.delivery_id for event in events.events if event.delivery_id)
            self._feedback.record(events)
        return len(self._told)


@pytest.mark.slow
@pytest.mark.parametrize("with_events", [True, False])
def test_thousands_of_recipients_survive_a_storm(ledger: Database, *, with_events: bool) -> None:
    now = Watch()
    with scripted(Reply(200)) as peer:
        events = EventWebhook(url=peer.url, interval=0.02) if with_events else None
        config = SandboxConfig(clock=now.unix, events=events)
        with running_sandbox(config) as sandbox:
            sender = SendGridSender(api_key=SENDGRID_API_KEY, clock=now, base_url=sandbox.sendgrid_url)
            with closing(sender):
                evidence = EVIDENCE if with_events else timedelta(0)
                harness = build_harness(ledger, sender, batch_size=BATCH, evidence=evidence, clock=now, rest=now.rest)
                crowd(ledger)
                storm(sandbox)
                reports = Reports(harness, sandbox, peer)
                harness.pipeline.post(Status.INVESTIGATING)
                harness.work()
                for _ in range(300):
                    if with_events:
                        reports.catch_up()
                    if not in_hand(harness):
                        break
                    now.instant += timedelta(seconds=3)
                    harness.later(0)
            told = sandbox.state.ledger.deliveries["email"]
            assert unconfirmed(sandbox) >= 2
            assert len(told) == PEOPLE  # lost: 0
            twice = sandbox.state.ledger.duplicates("email")
            assert twice == (0 if with_events else unconfirmed(sandbox) * BATCH)
    (notice,) = harness.pipeline.notices()
    with ledger.read() as connection:
        assert notifications.counts(connection, [notice.id])[notice.id].keys() <= {"accepted", "delivered"}
