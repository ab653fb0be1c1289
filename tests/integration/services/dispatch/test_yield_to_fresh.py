"""Retries and bulk work let fresh news pass, and only for a moment."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from notifier.domain.values import Impact, QueueName, Status
from notifier.services.dispatch.yield_to_high_priority import YieldToHighPriority
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.spine import Spine


@pytest.fixture
def spine(database: Database) -> Spine:
    spine = Spine(database)
    spine.subscriber("shop")
    return spine


def waited(spine: Spine, *, until_done: bool = False) -> float:
    """Return how many seconds somebody stood back; `until_done`: the fresh batches are sent meanwhile."""
    began = spine.now

    def pause(seconds: float) -> None:
        spine.now += timedelta(seconds=seconds)
        if until_done:
            spine.settle_batches()

    YieldToHighPriority(spine.database, spine.clock, pause)()
    return (spine.now - began).total_seconds()


def later(spine: Spine, seconds: float) -> datetime:
    spine.now += timedelta(seconds=seconds)
    return spine.now


def test_nobody_waits_while_there_is_no_fresh_news(spine: Spine) -> None:
    assert waited(spine) == 0


def test_news_that_is_being_planned_or_waits_to_be_sent_is_let_pass(spine: Spine) -> None:
    spine.post(Status.INVESTIGATING)
    assert waited(spine) > 0
    spine.plan_all()
    assert 0 < waited(spine, until_done=True) < 1
    assert waited(spine) == 0


def test_nobody_stands_back_for_longer_than_two_seconds_at_a_time(spine: Spine) -> None:
    spine.post(Status.INVESTIGATING)
    spine.plan_all()
    assert 2 <= waited(spine) < 2.2


def test_a_lane_that_does_not_move_stops_nobody(spine: Spine) -> None:
    spine.post(Status.INVESTIGATING)
    spine.plan_all()
    later(spine, 31)
    assert waited(spine) == 0


def test_retries_and_maintenance_that_was_scheduled_do_not_wait_for_each_other(spine: Spine) -> None:
    spine.post(Status.SCHEDULED, impact=Impact.MAINTENANCE)
    (notice,) = spine.notices()
    assert spine.plan.is_low_priority(notice.id)
    spine.plan_all()
    assert {lane for lane, _ in spine.nudges.attempts} == {QueueName.BULK}
    with spine.database.write() as connection:
        connection.execute(update(t.batch).values(lane=QueueName.RETRY.value))
    assert waited(spine) == 0
