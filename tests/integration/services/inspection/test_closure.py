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
from tests.support.pipeline_harness import START, Pipeline

DELIVERED = DeliveryState.DELIVERED


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database)


def notify(pipeline: Pipeline, status: Status, state: DeliveryState = DELIVERED) -> None:
    """Announce an update; the provider took it (or not) from everybody it was meant for."""
    pipeline.now += timedelta(minutes=30)
    pipeline.post(status)
    pipeline.plan_all()
    pipeline.settle_batches(state)


def detach(pipeline: Pipeline, key: int, **values: Any) -> None:
    """Give a recipient's delivery of the newest notification a state of its own."""
    newest = pipeline.notices()[-1].id
    mine = (t.delivery.c.notification_id == newest) & (t.delivery.c.recipient_id == key)
    with pipeline.database.write() as connection:
        connection.execute(update(t.delivery).where(mine).values(**values))


def audit(pipeline: Pipeline) -> dict[str, Any]:
    (found,) = Closure(pipeline.database).audit(incident_id="inc-1")["incidents"]
    return dict(found)


def reasons(found: dict[str, Any]) -> dict[str, str]:
    assert {each["channel"] for each in found["exceptions"]} <= {"email"}
    return {each["recipient"]: each["reason"] for each in found["exceptions"]}


def test_where_everybody_was_told_there_is_no_exception(pipeline: Pipeline) -> None:
    for name in ("shop-1", "shop-2"):
        pipeline.subscriber(name)
    notify(pipeline, Status.INVESTIGATING)
    pipeline.subscriber("late")
    notify(pipeline, Status.MONITORING, DeliveryState.ACCEPTED)
    notify(pipeline, Status.RESOLVED, DeliveryState.ACCEPTED)
    assert audit(pipeline) == {"id": "inc-1", "told_start": 3, "told_end": 3, "exceptions": []}


def test_who_was_not_told_of_the_end_stands_there_with_a_reason(pipeline: Pipeline) -> None:
    names = ("fine", "left", "gone", "bounces", "sleeps", "stopped", "failed", "nowhere")
    numbers = {name: pipeline.subscriber(name) for name in names}
    notify(pipeline, Status.INVESTIGATING)
    s = t.subscriber.c
    with pipeline.database.write() as connection:
        connection.execute(update(t.subscriber).where(s.external_id == "left").values(state="unsubscribed"))
        connection.execute(update(t.subscriber).where(s.external_id == "stopped").values(state="suppressed"))
        connection.execute(delete(t.subscriber).where(s.external_id == "gone"))
    notify(pipeline, Status.RESOLVED)
    due_at = START + timedelta(hours=9)
    queued = DeliveryState.QUEUED.value
    detach(pipeline, numbers["bounces"], state=DeliveryState.BOUNCED.value)
    detach(pipeline, numbers["sleeps"], state=queued, reason=Reason.QUIET_HOURS.value, due_at=due_at)
    detach(pipeline, numbers["failed"], state=DeliveryState.FAILED.value, reason=Reason.REJECTED.value)
    lost = (t.delivery.c.recipient_id == numbers["nowhere"]) & (
        t.delivery.c.notification_id == pipeline.notices()[-1].id
    )
    with pipeline.database.write() as connection:
        connection.execute(delete(t.delivery).where(lost))
    found = audit(pipeline)
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


def test_who_wants_the_end_alone_was_told_of_the_start_by_being_in_scope(pipeline: Pipeline) -> None:
    pipeline.subscriber("all")
    final = pipeline.subscriber("end-alone", Preferences(updates=UpdateLevel.RESOLUTION))
    notify(pipeline, Status.INVESTIGATING)
    notify(pipeline, Status.RESOLVED)
    assert (audit(pipeline)["told_start"], audit(pipeline)["told_end"]) == (2, 2)
    detach(pipeline, final, state=DeliveryState.QUEUED.value, reason=Reason.SERVER_ERROR.value, attempts=2)
    found = audit(pipeline)
    assert (found["told_start"], found["told_end"]) == (2, 1)
    assert reasons(found) == {"end-alone": "waiting: retry (server error)"}


def test_the_end_of_an_earlier_round_is_not_the_end(pipeline: Pipeline) -> None:
    for name in ("shop-1", "shop-2"):
        pipeline.subscriber(name)
    for status in (Status.INVESTIGATING, Status.RESOLVED, Status.INVESTIGATING):
        notify(pipeline, status)
    notify(pipeline, Status.RESOLVED, DeliveryState.QUEUED)
    assert reasons(audit(pipeline)) == dict.fromkeys(("shop-1", "shop-2"), "waiting: to be sent")
    pipeline.settle_batches()
    notify(pipeline, Status.POSTMORTEM)
    assert audit(pipeline)["exceptions"] == []


def test_an_end_that_waits_for_a_window_is_owed_to_all(pipeline: Pipeline) -> None:
    pipeline.policies = {channel: policy for channel, policy in pipeline.policies.items() if channel is Channel.EMAIL}
    pipeline.subscriber("shop-1")
    notify(pipeline, Status.INVESTIGATING)
    pipeline.now += timedelta(seconds=1)
    pipeline.post(Status.RESOLVED, automatic=True)
    assert reasons(audit(pipeline)) == {"shop-1": "waiting: it has not been announced here yet"}


def test_only_incidents_that_are_over_are_looked_at(pipeline: Pipeline) -> None:
    closure = Closure(pipeline.database)
    with pytest.raises(NotFoundError):
        closure.audit(incident_id="inc-1")
    pipeline.subscriber("shop-1")
    notify(pipeline, Status.INVESTIGATING)
    with pytest.raises(ConflictError, match="is not over"):
        closure.audit(incident_id="inc-1")
    assert closure.audit() == {"incidents": []}
    notify(pipeline, Status.RESOLVED)
    assert [item["id"] for item in closure.audit(since=pipeline.now)["incidents"]] == ["inc-1"]
    assert closure.audit(since=pipeline.now + timedelta(seconds=1)) == {"incidents": []}


def test_of_pruned_deliveries_it_says_so_rather_than_that_nobody_was_told(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop-1")
    notify(pipeline, Status.INVESTIGATING)
    notify(pipeline, Status.RESOLVED)
    pipeline.now += timedelta(days=400)
    prune = Prune(
        pipeline.database,
        pipeline.clock,
        Retention(deliveries=timedelta(days=90), events=None, provider_events=None, audit=None),
    )
    prune.run()
    expected: dict[str, Any] = {"id": "inc-1", "told_start": None, "told_end": None, "exceptions": [], "pruned": True}
    assert audit(pipeline) == expected


def test_a_message_that_makes_no_sense_does_not_hide_the_others(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop-1")
    notify(pipeline, Status.INVESTIGATING)
    notify(pipeline, Status.IDENTIFIED)
    notify(pipeline, Status.RESOLVED)
    spoiled = t.notification.c.id == pipeline.notices()[1].id
    with pipeline.database.write() as connection:
        connection.execute(update(t.notification).where(spoiled).values(content={}))
    assert (audit(pipeline)["told_start"], audit(pipeline)["told_end"]) == (1, 1)
