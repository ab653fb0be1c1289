"""The blast guard on real rows: what is held, what a release tells, and what is called off."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from notifier.domain.errors import ConflictError, NotFoundError, UnavailableError
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import Channel, Status
from notifier.services.events.approvals import Release
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.security.audit import Actor
from notifier.storage.database.engine import Database
from notifier.storage.operations import audit
from tests.support.email_harness import EmailHarness, Provider, build_harness

ME = Actor("cli:me", "here")
MERCHANT = "shop-0@example.com"


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def harness(database: Database, provider: Provider) -> EmailHarness:
    built = build_harness(database, provider)
    for number in range(3):
        built.pipeline.subscriber(f"shop-{number}")
    guarded(built, BlastGuardPolicy(hold_above=2))
    return built


def guarded(harness: EmailHarness, policy: BlastGuardPolicy) -> None:
    pipeline, guard = harness.pipeline, BlastGuard(policy)
    pipeline.ingest = replace(pipeline.ingest, guard=guard)


def release(harness: EmailHarness) -> Release:
    pipeline = harness.pipeline
    return Release(pipeline.database, pipeline.policies, pipeline.clock, pipeline.tasks, pipeline.translations)


def updates_in(text: str) -> list[int]:
    return [number for number in range(1, 10) if f"Update number {number}." in text]


def states(harness: EmailHarness) -> list[str]:
    return [row.state for row in harness.pipeline.notices()]


def test_the_answer_says_how_many_it_concerns_and_that_it_is_held(harness: EmailHarness, provider: Provider) -> None:
    receipt = harness.pipeline.post(Status.INVESTIGATING)
    assert (receipt.recipients, receipt.held) == (3, True)
    assert receipt.reason == "will be announced, once approved"
    for _ in range(3):
        harness.later(60)
    assert provider.addresses == []
    assert states(harness) == ["held"]


class Leaving:
    """A database that answers until the first transaction has written, and never again."""

    def __init__(self, database: Database) -> None:
        self._database, self._gone = database, False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.read(writes=True) as connection:
            yield connection
        self._gone = True

    @contextmanager
    def read(self, *, writes: bool = False) -> Iterator[Connection]:
        if self._gone:
            raise UnavailableError("database: gone")
        with (self._database.write if writes else self._database.read)() as connection:
            yield connection


def test_what_is_stored_is_answered_though_the_database_goes_away_then(harness: EmailHarness) -> None:
    pipeline = harness.pipeline
    leaving: Any = Leaving(pipeline.database)
    guard = BlastGuard()
    guard.count(pipeline.database, pipeline.policies)
    pipeline.ingest = replace(pipeline.ingest, database=leaving, guard=guard)
    assert pipeline.post(Status.INVESTIGATING).recipients == 3
    with pytest.raises(UnavailableError):
        pipeline.post(Status.IDENTIFIED)


def test_what_reaches_few_enough_goes_by_itself(harness: EmailHarness, provider: Provider) -> None:
    guarded(harness, BlastGuardPolicy(hold_above=3))
    receipt = harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert (receipt.recipients, receipt.held) == (3, False)
    assert len(provider.addresses) == 3


def test_a_release_tells_what_was_held_before_it_as_one(harness: EmailHarness, provider: Provider) -> None:
    for status in (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING):
        harness.pipeline.post(status)
        harness.later(61)
    last = harness.pipeline.notices()[-1]
    assert release(harness).release(last.public_id, ME) == {"id": last.public_id, "state": "planning"}
    harness.work()
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1, 2, 3]]
    assert states(harness) == ["superseded", "superseded", "planned"]
    assert harness.pipeline.post(Status.RESOLVED).held  # whose word was for this one is not for the next


def test_what_is_called_off_is_told_neither_now_nor_with_the_next(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.post(Status.INVESTIGATING)
    harness.later(61)
    harness.pipeline.post(Status.IDENTIFIED)
    first, second = harness.pipeline.notices()
    assert release(harness).cancel(first.public_id, ME)["state"] == "canceled"
    release(harness).release(second.public_id, ME)
    harness.work()
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[2]]
    assert states(harness) == ["canceled", "planned"]
    said = harness.pipeline.explain.recipient("inc-1", "shop-0")["notifications"]
    assert "was canceled by a colleague before anyone was notified" in said[0]["words"]


def test_who_was_never_told_that_it_began_is_not_told_that_it_ended(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.post(Status.INVESTIGATING)
    release(harness).cancel(harness.pipeline.notices()[0].public_id, ME)
    guarded(harness, BlastGuardPolicy())
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    assert provider.addresses == []


def test_what_waits_keeps_what_was_released_before_on_its_way(harness: EmailHarness, provider: Provider) -> None:
    guarded(harness, BlastGuardPolicy())
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    guarded(harness, BlastGuardPolicy(hold_above=2))
    harness.later(61)
    harness.pipeline.post(Status.IDENTIFIED)
    harness.later(11)
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1]]
    release(harness).release(harness.pipeline.notices()[1].public_id, ME)
    harness.work()
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1], [2]]


def test_partners_get_what_was_held_before_in_order(harness: EmailHarness) -> None:
    guarded(harness, BlastGuardPolicy(needs_announce=True))
    for status in (Status.INVESTIGATING, Status.IDENTIFIED):
        harness.pipeline.post(status, guarded=True)
    names = [row.public_id for row in harness.pipeline.notices(Channel.WEBHOOK)]
    harness.pipeline.tasks.plans.clear()
    release(harness).release(names[1], ME)
    notices = harness.pipeline.notices(Channel.WEBHOOK)
    assert [(row.public_id, row.sequence) for row in notices] == [(names[0], 1), (names[1], 2)]
    assert harness.pipeline.tasks.plans == [row.id for row in notices]


def test_a_key_without_the_right_is_held_where_that_is_asked_for(harness: EmailHarness, provider: Provider) -> None:
    guarded(harness, BlastGuardPolicy(needs_announce=True))
    assert harness.pipeline.post(Status.INVESTIGATING, guarded=True).held
    harness.later(61)
    assert provider.addresses == []
    guarded(harness, BlastGuardPolicy())
    assert not harness.pipeline.post(Status.INVESTIGATING, guarded=True, incident_id="inc-2").held


def test_a_decision_is_made_once_and_is_in_the_audit_trail(harness: EmailHarness, database: Database) -> None:
    harness.pipeline.post(Status.INVESTIGATING)
    public_id = harness.pipeline.notices()[0].public_id
    release(harness).release(public_id, ME)
    for decide in (release(harness).release, release(harness).cancel):
        with pytest.raises(ConflictError):
            decide(public_id, ME)
    with pytest.raises(NotFoundError):
        release(harness).release("ntf_nothing", ME)
    with database.read() as connection:
        entries = audit.page(connection, limit=5, before=None, object_kind="notification", object_ids=(public_id,))
    assert [(entry.action, entry.actor) for entry in entries] == [("notification.released", "cli:me")]
