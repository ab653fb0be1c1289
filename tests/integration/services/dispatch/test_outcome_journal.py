"""An answer that is known is never thrown away: nobody is written to again because the ledger was away."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from notifier.domain.errors import UnavailableError
from notifier.domain.values import Channel, DeliveryState, QueueName, Reason, Status
from notifier.services.dispatch.durable_write import NotRecordedError, RetryingTransaction
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.outcome_journal import Accepted, KnownOutcome, OutcomeJournal
from notifier.services.operations.dead_workers import DeadWorkers
from notifier.services.operations.worker_locks import WorkerLocks, this_host
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries, worker_processes
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from tests.support.email_harness import EmailHarness, Provider, build_harness, states, subscribe
from tests.support.fake_endpoints import EndpointHarness, endpoint_harness
from tests.support.pipeline_harness import START

OWNER = f"{this_host()}-9-abcdef"


class Outage:
    """Lets no transaction that writes begin, once it has begun itself."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._database, self._patches = database, monkeypatch

    def begin(self, *_: object) -> None:
        self._patches.setattr(self._database, "write", self._refuse)

    def end(self) -> None:
        self._patches.undo()

    @staticmethod
    def _refuse() -> NoReturn:
        raise UnavailableError("database: the connection was refused")


@pytest.fixture
def outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> Outage:
    return Outage(database, monkeypatch)


def ending(folder: Path) -> RetryingTransaction:
    """Return the patience of a process that is to end at its first pause."""
    stopping = threading.Event()
    stopping.set()
    return RetryingTransaction(stopping, OutcomeJournal(folder, OWNER))


def successor(harness: EmailHarness | EndpointHarness, database: Database, folder: Path) -> DeadWorkers:
    folder.mkdir(exist_ok=True)
    (folder / f"{OWNER}.lock").touch()
    notes = OutcomeJournal(folder, "another")
    return DeadWorkers(database, harness.pipeline.clock, locks=WorkerLocks(folder), notes=notes)


def a_mail_taken_and_not_recorded(database: Database, outage: Outage, folder: Path) -> tuple[EmailHarness, Provider]:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider, owner=OWNER)
    mail: Any = next(iter(harness.attempt.channels.values()))
    mail = replace(mail, record=replace(mail.record, transaction=ending(folder)))
    harness.attempt = replace(harness.attempt, channels=dict.fromkeys(harness.attempt.channels, mail))
    subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    provider.faults.append(outage.begin)
    with pytest.raises(NotRecordedError):
        harness.work()
    outage.end()
    return harness, provider


def test_who_comes_next_finds_the_note_and_nobody_is_written_to_again(
    database: Database, outage: Outage, tmp_path: Path
) -> None:
    harness, provider = a_mail_taken_and_not_recorded(database, outage, tmp_path / "workers")
    assert states(harness) == {"sending"}
    (note,) = (tmp_path / "workers").glob("*.json")
    assert note.stat().st_mode & 0o777 == 0o600
    assert "@" not in note.read_text()
    look = successor(harness, database, tmp_path / "workers")
    assert look.check_locks() == 0  # nothing is in doubt
    assert states(harness) == {"accepted"}
    harness.later(LEASE.total_seconds() + 60)
    assert len(provider.requests) == 1
    assert list((tmp_path / "workers").iterdir()) == []


def test_a_note_still_counts_when_the_lease_was_taken_away_and_nobody_tried_since(
    database: Database, outage: Outage, tmp_path: Path
) -> None:
    harness, provider = a_mail_taken_and_not_recorded(database, outage, tmp_path / "workers")
    with database.write() as connection:
        worker_processes.end_leases(connection, OWNER, harness.pipeline.now, mail_waits=-LEASE)
    assert states(harness) == {"queued"}
    successor(harness, database, tmp_path / "workers").check_locks()
    assert states(harness) == {"accepted"}
    harness.later(LEASE.total_seconds() + 60)
    assert len(provider.requests) == 1


def test_a_note_of_a_batch_that_others_have_sent_meanwhile_changes_nothing(
    database: Database, outage: Outage, tmp_path: Path
) -> None:
    harness, _ = a_mail_taken_and_not_recorded(database, outage, tmp_path / "workers")
    with database.write() as connection:
        worker_processes.end_leases(connection, OWNER, harness.pipeline.now, mail_waits=-LEASE)
    now = harness.pipeline.now
    another = build_harness(database, Provider(name="smtp"), owner="another", clock=lambda: now)
    with database.read() as connection:
        (batch,) = connection.exec_driver_sql("SELECT id FROM batch WHERE channel = 'email'").scalars()
    another.attempt.run(batch)
    successor(harness, database, tmp_path / "workers").check_locks()
    assert states(harness) == {"accepted"}
    with database.read() as connection:
        tries = connection.exec_driver_sql("SELECT number, provider FROM attempt").all()
    assert [tuple(row) for row in tries] == [(2, "smtp")]


def test_an_answer_that_comes_after_the_lease_was_taken_ends_the_doubt(database: Database) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider)
    subscribe(harness, 2)

    def taken_away(*_: object) -> None:
        with database.write() as connection:
            worker_processes.end_leases(connection, "worker", harness.pipeline.now, mail_waits=-LEASE)

    harness.pipeline.post(Status.INVESTIGATING)
    provider.faults.append(taken_away)
    harness.work()
    assert states(harness) == {"accepted"}
    harness.later(LEASE.total_seconds() + 60)
    assert len(provider.requests) == 1


def test_endpoints_that_took_their_message_do_not_get_it_again(
    database: Database, outage: Outage, tmp_path: Path
) -> None:
    harness = endpoint_harness(database)
    for name in ("a", "b"):
        harness.endpoint(name)
    record = replace(harness.hooks.record, owner=OWNER, transaction=ending(tmp_path / "workers"))
    hooks = replace(harness.hooks, record=record)
    harness.attempt = replace(harness.attempt, owner=OWNER, channels=dict.fromkeys(harness.attempt.channels, hooks))
    harness.pipeline.post(Status.INVESTIGATING)
    harness.line.answers["https://a.example/"] = outage.begin
    with pytest.raises(NotRecordedError):
        harness.work()
    outage.end()
    assert successor(harness, database, tmp_path / "workers").check_locks() == 1
    harness.line.answers.clear()
    harness.later(11)
    harness.later(11)
    assert [len(harness.posted(name)) for name in ("a", "b")] == [1, 1]
    assert [harness.states(name)[0][0] for name in ("a", "b")] == ["accepted", "accepted"]
    assert "ok" not in "".join(path.read_text() for path in (tmp_path / "workers").glob("*.json"))


def test_what_had_not_left_when_the_database_went_away_is_handed_back_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider(name="sendgrid")
    harness = build_harness(database, provider)
    told = subscribe(harness, 2)

    def away(*_: object) -> None:
        raise UnavailableError("database: the connection was refused")

    harness.pipeline.post(Status.INVESTIGATING)
    with monkeypatch.context() as patches:
        patches.setattr(deliveries, "mail_rows", away)
        harness.work()
    assert states(harness) == {"queued"}
    harness.later(2)
    assert provider.addresses == told


def test_a_note_that_cannot_be_read_is_put_aside(database: Database, tmp_path: Path) -> None:
    harness = build_harness(database, Provider(name="sendgrid"))
    look = successor(harness, database, tmp_path / "workers")
    (tmp_path / "workers" / f"{OWNER}.0.json").write_text("{")
    assert look.check_locks() == 0
    assert [path.name for path in (tmp_path / "workers").iterdir()] == [f"{OWNER}.0.unreadable"]


def test_what_takes_long_is_noted_before_anybody_says_that_the_database_is_away(tmp_path: Path) -> None:
    seconds, notes = [0.0], OutcomeJournal(tmp_path / "workers", OWNER)
    notes.seconds = lambda: seconds[0]
    batch = Batch(
        id=1,
        notification_id=1,
        channel=Channel.EMAIL,
        queue=QueueName.EMAIL,
        locale="en",
        since=0,
        size=1,
        attempts=1,
        needs_recheck=False,
        unknown=False,
        provider=None,
        lease_until=START + LEASE,
    )
    tried = AttemptRow(None, 1, START, 7, "accepted", None, None, "msg-1", "sendgrid")
    gone = DeliveryOverride(recipient_key=7, state=DeliveryState.SUPPRESSED, reason=Reason.UNSUBSCRIBED)
    accepted = Accepted(provider="sendgrid", message_id="msg-1")
    known = KnownOutcome(batch=batch, owner=OWNER, at=START, tries=[tried], overrides=[gone], accepted=accepted)
    with notes.keep(known):
        notes.write_down(older_than=1.0)
        assert not notes.has_any()
        seconds[0] = 2.0
        notes.write_down(older_than=1.0)
        assert notes.read(OWNER) == [known]
    assert not notes.has_any()


def test_files_keep_their_format_so_that_another_version_can_read_them(tmp_path: Path) -> None:
    batch = (
        '{"id": 7, "notification_id": 1, "channel": "email", "lane": "email", "locale": "nl", "since": 0, "size": 3, '
        '"attempts": 1, "settle": true, "unknown": false, "provider": null, "lease_until": null}'
    )
    written = (
        f'{{"batch": {batch}, "owner": "{OWNER}", "at": "2026-11-30T22:00:00Z", "tries": [], '
        '"departures": [{"recipient_key": 5, "state": "failed", "reason": "bad_address"}], "accepted": null}'
    )
    (tmp_path / f"{OWNER}.0.json").write_text(written)
    journal = OutcomeJournal(tmp_path, OWNER)
    (known,) = journal.read(OWNER)
    assert known.batch.needs_recheck
    assert [override.recipient_key for override in known.overrides] == [5]
    journal.remove(OWNER)
    with journal.keep(known):
        journal.write_down()
        again = json.loads((tmp_path / f"{OWNER}.0.json").read_text())
    assert (again["batch"]["settle"], again["departures"][0]["recipient_key"]) == (True, 5)
