"""Sending again what has arrived: within bounds, through the guard, on the record, and never what is not shown."""

from dataclasses import replace

import pytest

from notifier.domain.errors import ConflictError, InvalidInputError
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import Channel, DeliveryState, Status
from notifier.services.dispatch.replay import Replay, ReplayOrder
from notifier.services.security.audit import Actor
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.operations import audit
from tests.support.email_harness import EmailHarness, Provider, build_harness, subscribe

ME = Actor("key:ann", "192.0.2.7")
ARRIVED = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)


@pytest.fixture
def harness(database: Database) -> EmailHarness:
    built = build_harness(database, Provider())
    subscribe(built, 3)
    built.pipeline.post(Status.INVESTIGATING, update_id="u")
    built.work()
    return built


def a_replay(harness: EmailHarness, policy: BlastGuardPolicy | None = None) -> Replay:
    pipeline = harness.pipeline
    return Replay(pipeline.database, pipeline.clock, pipeline.regroup, policy or BlastGuardPolicy())


def first(harness: EmailHarness) -> str:
    return str(harness.pipeline.notices()[0].public_id)


def entries(database: Database) -> list[AnyRow]:
    with database.read() as connection:
        rows = audit.page(connection, limit=9, before=None)
    return [row for row in rows if row.action == "deliveries.replayed"]


def test_what_has_arrived_is_sent_again_only_within_bounds(harness: EmailHarness) -> None:
    order = ReplayOrder(channel=Channel.EMAIL, states=ARRIVED)
    for ask in (a_replay(harness).count, lambda each: a_replay(harness).run(each, ME, may_announce=True)):
        with pytest.raises(InvalidInputError) as refused:
            ask(order)
        assert [error.field for error in refused.value.errors] == ["since"]
    assert a_replay(harness).count(replace(order, since=harness.pipeline.now)) == 3
    assert a_replay(harness).count(ReplayOrder(channel=Channel.EMAIL)) == 0  # nothing failed


def test_a_replay_is_on_the_record_with_its_number_and_order(harness: EmailHarness, database: Database) -> None:
    order = ReplayOrder(notification_id=first(harness), states=ARRIVED)
    assert a_replay(harness).count(order) == 3
    assert entries(database) == []
    assert a_replay(harness).run(order, ME, may_announce=False) == 3
    (entry,) = entries(database)
    assert (entry.actor, entry.origin) == ("key:ann", "192.0.2.7")
    assert (entry.object_kind, entry.object_id) == ("notification", first(harness))
    asked = {"notification_id": first(harness), "states": ["accepted", "delivered"]}
    assert entry.detail == {"number": 3, "order": asked}


@pytest.mark.parametrize(
    ("policy", "setting"),
    [
        (BlastGuardPolicy(hold_above=2), "guard.hold_above (2)"),
        (BlastGuardPolicy(needs_announce=True), "guard.needs_announce"),
    ],
)
def test_the_guard_refuses_what_it_would_hold(
    harness: EmailHarness, database: Database, policy: BlastGuardPolicy, setting: str
) -> None:
    order = ReplayOrder(notification_id=first(harness), states=ARRIVED)
    with pytest.raises(ConflictError, match="guard") as refused:
        a_replay(harness, policy).run(order, ME, may_announce=False)
    assert setting in str(refused.value)
    assert entries(database) == []
    assert set(harness.pipeline.delivery_states(harness.pipeline.notices()[0].id).values()) == {"accepted"}
    assert a_replay(harness, BlastGuardPolicy(hold_above=3, needs_announce=True)).run(order, ME, may_announce=True) == 3


def test_words_that_are_no_longer_shown_are_not_sent_again(harness: EmailHarness) -> None:
    harness.later(61)
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    last = harness.pipeline.notices()[-1].public_id
    assert a_replay(harness).count(ReplayOrder(notification_id=last, states=ARRIVED)) == 3
    harness.pipeline.post(Status.INVESTIGATING, update_id="u", visible=False)
    for name in (first(harness), last):  # the last one bears the words of the first update too
        assert a_replay(harness).count(ReplayOrder(notification_id=name, states=ARRIVED)) == 0
