"""Closure: who was told of the start has been told of the end, or stands there with a reason."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from notifier.domain.errors import ConflictError, NotFoundError
from notifier.domain.messages.brand import Retention
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, DeliveryState, Reason, Status, UpdateLevel
from notifier.services.inspection.closure import Closure, is_explained_throughout
from notifier.services.operations.retention import Prune
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.spine import START, Spine

DELIVERED = DeliveryState.DELIVERED


@pytest.fixture
def spine(database: Database) -> Spine:
    return Spine(database)


def told(spine: Spine, status: Status, state: DeliveryState = DELIVERED) -> None:
    """Announce an update; the provider took it (or not) from everybody it was meant for."""
    spine.now += timedelta(minutes=30)
    spine.post(status)
    spine.plan_all()
    spine.settle_batches(state)


def detach(spine: Spine, key: int, **values: Any) -> None:
    """Give a recipient's delivery of the newest notification a state of its own."""
    newest = spine.notices()[-1].id
    mine = (t.delivery.c.notification_id == newest) & (t.delivery.c.recipient_id == key)
    with spine.database.write() as connection:
        connection.execute(update(t.delivery).where(mine).values(**values))


def audit(spine: Spine) -> dict[str, Any]:
    (found,) = Closure(spine.database)(incident_id="inc-1")["incidents"]
    return dict(found)


def reasons(found: dict[str, Any]) -> dict[str, str]:
    assert {each["channel"] for each in found["exceptions"]} <= {"email"}
    return {each["recipient"]: each["reason"] for each in found["exceptions"]}


def test_where_everybody_was_told_there_is_no_exception(spine: Spine) -> None:
    for name in ("shop-1", "shop-2"):
        spine.subscriber(name)
    told(spine, Status.INVESTIGATING)
    spine.subscriber("late")
    told(spine, Status.MONITORING, DeliveryState.ACCEPTED)
    told(spine, Status.RESOLVED, DeliveryState.ACCEPTED)
    assert audit(spine) == {"id": "inc-1", "told_start": 3, "told_end": 3, "exceptions": []}


def test_who_was_not_told_of_the_end_stands_there_with_a_reason(spine: Spine) -> None:
    names = ("fine", "left", "gone", "bounces", "sleeps", "stopped", "failed", "nowhere")
    numbers = {name: spine.subscriber(name) for name in names}
    told(spine, Status.INVESTIGATING)
    s = t.subscriber.c
    with spine.database.write() as connection:
        connection.execute(update(t.subscriber).where(s.external_id == "left").values(state="unsubscribed"))
        connection.execute(update(t.subscriber).where(s.external_id == "stopped").values(state="suppressed"))
        connection.execute(delete(t.subscriber).where(s.external_id == "gone"))
    told(spine, Status.RESOLVED)
    due_at = START + timedelta(hours=9)
    queued = DeliveryState.QUEUED.value
    detach(spine, numbers["bounces"], state=DeliveryState.BOUNCED.value)
    detach(spine, numbers["sleeps"], state=queued, reason=Reason.QUIET_HOURS.value, due_at=due_at)
    detach(spine, numbers["failed"], state=DeliveryState.FAILED.value, reason=Reason.REJECTED.value)
    lost = (t.delivery.c.recipient_id == numbers["nowhere"]) & (t.delivery.c.notification_id == spine.notices()[-1].id)
    with spine.database.write() as connection:
        connection.execute(delete(t.delivery).where(lost))
    found = audit(spine)
    assert (found["told_start"], found["told_end"]) == (8, 1)
    assert reasons(found) == {
        "left": "unsubscribed, or chose not to hear of it",
        "erased": "erased or removed since",
        "bounces": "bounced",
        "sleeps": f"waiting: quiet hours until {due_at:%Y-%m-%dT%H:%M:%SZ}",
        "stopped": "the address is suppressed",
        "failed": "failed: rejected",
        "nowhere": "unknown: no message of the end was meant for them",
    }


@pytest.mark.parametrize(
    ("reason", "explained"),
    [("bounced", True), ("erased or removed since", True), ("waiting: to be sent", True), ("unknown: why", False)],
)
def test_every_exception_but_an_unknown_one_has_its_reason(reason: str, explained: bool) -> None:  # noqa: FBT001
    assert is_explained_throughout([{"exceptions": []}, {"exceptions": [{"reason": reason}]}]) is explained


def test_who_wants_the_end_alone_was_told_of_the_start_by_being_in_scope(spine: Spine) -> None:
    spine.subscriber("all")
    final = spine.subscriber("end-alone", Preferences(updates=UpdateLevel.RESOLUTION))
    told(spine, Status.INVESTIGATING)
    told(spine, Status.RESOLVED)
    assert (audit(spine)["told_start"], audit(spine)["told_end"]) == (2, 2)
    detach(spine, final, state=DeliveryState.QUEUED.value, reason=Reason.SERVER_ERROR.value, attempts=2)
    found = audit(spine)
    assert (found["told_start"], found["told_end"]) == (2, 1)
    assert reasons(found) == {"end-alone": "waiting: retry (server error)"}


def test_the_end_of_an_earlier_round_is_not_the_end(spine: Spine) -> None:
    for name in ("shop-1", "shop-2"):
        spine.subscriber(name)
    for status in (Status.INVESTIGATING, Status.RESOLVED, Status.INVESTIGATING):
        told(spine, status)
    told(spine, Status.RESOLVED, DeliveryState.QUEUED)
    assert reasons(audit(spine)) == dict.fromkeys(("shop-1", "shop-2"), "waiting: to be sent")
    spine.settle_batches()
    told(spine, Status.POSTMORTEM)
    assert audit(spine)["exceptions"] == []


def test_an_end_that_waits_for_a_window_is_owed_to_all(spine: Spine) -> None:
    spine.policies = {channel: policy for channel, policy in spine.policies.items() if channel is Channel.EMAIL}
    spine.subscriber("shop-1")
    told(spine, Status.INVESTIGATING)
    spine.now += timedelta(seconds=1)
    spine.post(Status.RESOLVED, automatic=True)
    assert reasons(audit(spine)) == {"shop-1": "waiting: it has not been announced here yet"}


def test_only_incidents_that_are_over_are_looked_at(spine: Spine) -> None:
    closure = Closure(spine.database)
    with pytest.raises(NotFoundError):
        closure(incident_id="inc-1")
    spine.subscriber("shop-1")
    told(spine, Status.INVESTIGATING)
    with pytest.raises(ConflictError, match="is not over"):
        closure(incident_id="inc-1")
    assert closure() == {"incidents": []}
    told(spine, Status.RESOLVED)
    assert [item["id"] for item in closure(since=spine.now)["incidents"]] == ["inc-1"]
    assert closure(since=spine.now + timedelta(seconds=1)) == {"incidents": []}


def test_of_pruned_deliveries_it_says_so_rather_than_that_nobody_was_told(spine: Spine) -> None:
    spine.subscriber("shop-1")
    told(spine, Status.INVESTIGATING)
    told(spine, Status.RESOLVED)
    spine.now += timedelta(days=400)
    prune = Prune(
        spine.database,
        spine.clock,
        Retention(deliveries=timedelta(days=90), events=None, provider_events=None, audit=None),
    )
    prune()
    expected: dict[str, Any] = {"id": "inc-1", "told_start": None, "told_end": None, "exceptions": [], "pruned": True}
    assert audit(spine) == expected


def test_a_message_that_makes_no_sense_does_not_hide_the_others(spine: Spine) -> None:
    spine.subscriber("shop-1")
    told(spine, Status.INVESTIGATING)
    told(spine, Status.IDENTIFIED)
    told(spine, Status.RESOLVED)
    spoiled = t.notification.c.id == spine.notices()[1].id
    with spine.database.write() as connection:
        connection.execute(update(t.notification).where(spoiled).values(content={}))
    assert (audit(spine)["told_start"], audit(spine)["told_end"]) == (1, 1)
