"""Planned work through the spine: announced, moved, started, called off; whoever was told of it is told of its end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from notifier.domain.incidents.incident import Window
from notifier.domain.incidents.notice import MessageKind
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, ComponentStatus, Impact, Outcome, Status, UpdateLevel
from notifier.storage.database.codec import notice_from_json
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline
from tests.support.pipeline_harness import PLANNED, Pipeline

LATER = Window(PLANNED.start + timedelta(days=2), PLANNED.start + timedelta(days=2, hours=3))
LAST = Window(PLANNED.start + timedelta(days=4), PLANNED.start + timedelta(days=4, hours=3))
MILESTONES = Preferences(updates=UpdateLevel.MILESTONES)


def notices(pipeline: Pipeline, channel: Channel = Channel.EMAIL) -> list[Any]:
    return [notice_from_json(row.content) for row in pipeline.notices(channel)]


def everybody(pipeline: Pipeline) -> None:
    pipeline.plan_all()
    pipeline.settle_batches()


def steps(pipeline: Pipeline, told: Sequence[tuple[Status, Window]]) -> None:
    """Hand in one update after another, each beyond the window of the one before, and let all of it arrive."""
    for status, window in told:
        pipeline.post(status, window=window)
        everybody(pipeline)
        pipeline.later(3_600)
        everybody(pipeline)


def test_an_update_with_another_window_is_told_as_moved_from_what_its_readers_knew(database: Database) -> None:
    pipeline = Pipeline(database)
    pipeline.subscriber("anna")
    steps(pipeline, [(Status.SCHEDULED, PLANNED), (Status.SCHEDULED, PLANNED), (Status.SCHEDULED, LATER)])
    first, same, moved = notices(pipeline)
    assert first.moved_from(0) is same.moved_from(1) is None
    assert moved.moved_from(2) == PLANNED
    assert moved.moved_from(0) is None  # who is new to it knows of no other time
    kinds = [notice.kind_for(notice.sequence - 1) for notice in (first, same, moved)]
    assert kinds == [
        MessageKind.MAINTENANCE_SCHEDULED,
        MessageKind.MAINTENANCE_UPDATED,
        MessageKind.MAINTENANCE_MOVED,
    ]


def test_another_end_alone_is_told_as_moved_too(database: Database) -> None:
    pipeline = Pipeline(database)
    pipeline.subscriber("anna")
    longer = Window(PLANNED.start, PLANNED.start + timedelta(hours=4))
    steps(pipeline, [(Status.SCHEDULED, PLANNED), (Status.SCHEDULED, longer)])
    last = notices(pipeline)[-1]
    assert (last.kind_for(1), last.moved_from(1)) == (MessageKind.MAINTENANCE_MOVED, PLANNED)


def test_a_window_corrected_in_place_is_announced_as_moved_on_every_channel(database: Database) -> None:
    pipeline = Pipeline(database)
    pipeline.post(Status.SCHEDULED, "The same words.", update_id="upd-1", window=PLANNED)
    pipeline.now += timedelta(hours=1)
    receipt = pipeline.post(Status.SCHEDULED, "The same words.", update_id="upd-1", window=LATER)
    assert receipt.outcome is Outcome.ACCEPTED
    for channel in Channel:
        assert notices(pipeline, channel)[-1].moved_from(1) == PLANNED


def test_moved_twice_within_the_window_of_a_channel_is_moved_once_from_what_it_told(database: Database) -> None:
    """The webhook told all three; the mail, which gathers, knows the first and the last."""
    pipeline = Pipeline(database)
    pipeline.post(Status.SCHEDULED, window=PLANNED)
    pipeline.post(Status.SCHEDULED, window=LATER)
    pipeline.post(Status.SCHEDULED, window=LAST)
    pipeline.later(600)
    assert notices(pipeline)[-1].moved_from(1) == PLANNED
    assert notices(pipeline)[-1].incident.window == LAST
    assert [notice.moved_from(notice.sequence - 1) for notice in notices(pipeline, Channel.WEBHOOK)] == [
        None,
        PLANNED,
        LATER,
    ]


def test_milestones_of_planned_work_are_its_announcement_every_move_its_start_and_its_end(ledger: Database) -> None:
    pipeline = Pipeline(ledger)
    pipeline.subscriber("milla", MILESTONES)
    told = [
        (Status.SCHEDULED, PLANNED),
        (Status.SCHEDULED, LATER),
        (Status.IN_PROGRESS, LATER),
        (Status.VERIFYING, LATER),
        (Status.COMPLETED, LATER),
    ]
    steps(pipeline, told)
    assert ["milla" in pipeline.delivery_states(row.id) for row in pipeline.notices()] == [
        True,
        True,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("wanted", [UpdateLevel.ALL, UpdateLevel.MILESTONES, UpdateLevel.RESOLUTION])
def test_whoever_was_told_of_the_announcement_is_told_that_it_is_canceled_and_nobody_else(
    ledger: Database, wanted: UpdateLevel
) -> None:
    pipeline = Pipeline(ledger)
    pipeline.subscriber("told", Preferences(updates=wanted))
    pipeline.subscriber("not-planned", Preferences(maintenance=False))
    pipeline.post(Status.SCHEDULED, window=PLANNED)
    everybody(pipeline)
    pipeline.subscriber("too-late")
    pipeline.post(Status.CANCELED, window=PLANNED, components=())
    everybody(pipeline)
    announced, canceled = pipeline.notices()
    assert canceled.urgency == "flush_on"
    assert pipeline.delivery_states(canceled.id) == {"told": "accepted"}
    notice = notice_from_json(canceled.content)
    assert (notice.closes, notice.kind_for(1)) == (True, MessageKind.MAINTENANCE_CANCELED)
    assert [(part.key, part.status) for part in notice.incident.components] == [
        ("checkout", ComponentStatus.OPERATIONAL)
    ]
    assert ("told" in pipeline.delivery_states(announced.id)) == (wanted is not UpdateLevel.RESOLUTION)


def test_the_end_without_components_is_stored_and_told_with_all_of_them_operational(database: Database) -> None:
    pipeline = Pipeline(database)
    pipeline.post(Status.INVESTIGATING, components=("checkout", "api"))
    pipeline.post(Status.RESOLVED, components=())
    parts = notices(pipeline)[-1].incident.components
    assert {part.key: part.status for part in parts} == {
        "checkout": ComponentStatus.OPERATIONAL,
        "api": ComponentStatus.OPERATIONAL,
    }
    with database.read() as connection:
        row = timeline.get_incident(connection, "inc-1")
    assert row is not None
    assert row.components == [{"key": key, "status": "operational"} for key in ("checkout", "api")]


def test_the_same_end_from_another_producer_that_names_the_components_is_a_duplicate(ledger: Database) -> None:
    pipeline = Pipeline(ledger)
    pipeline.post(Status.INVESTIGATING, components=("checkout",))
    pipeline.post(Status.RESOLVED, "Over.", components=())
    assert pipeline.post(Status.RESOLVED, "Over.", components=("checkout",)).outcome is Outcome.DUPLICATE


def test_a_source_that_never_said_when_is_kept_to_ourselves_until_it_does(ledger: Database) -> None:
    pipeline = Pipeline(ledger)
    receipt = pipeline.post(Status.SCHEDULED, window=None, impact=Impact.MAINTENANCE)
    assert (receipt.outcome, pipeline.notices()) == (Outcome.RECORDED, [])
    assert "neither a start nor an end" in receipt.reason
    assert pipeline.post(Status.SCHEDULED, window=PLANNED).outcome is Outcome.ACCEPTED
