"""Retries and bulk work let fresh news pass, and only for a moment."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from notifier.domain.values import Impact, QueueName, Status
from notifier.services.dispatch.yield_to_high_priority import YieldToHighPriority
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.support.pipeline_harness import Pipeline


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    pipeline = Pipeline(database)
    pipeline.subscriber("shop")
    return pipeline


def waited(pipeline: Pipeline, *, until_done: bool = False) -> float:
    """Return how many seconds somebody stood back; `until_done`: the fresh batches are sent meanwhile."""
    began = pipeline.now

    def pause(seconds: float) -> None:
        pipeline.now += timedelta(seconds=seconds)
        if until_done:
            pipeline.settle_batches()

    YieldToHighPriority(pipeline.database, pipeline.clock, pause).wait()
    return (pipeline.now - began).total_seconds()


def later(pipeline: Pipeline, seconds: float) -> datetime:
    pipeline.now += timedelta(seconds=seconds)
    return pipeline.now


def test_nobody_waits_while_there_is_no_fresh_news(pipeline: Pipeline) -> None:
    assert waited(pipeline) == 0


def test_news_that_is_being_planned_or_waits_to_be_sent_is_let_pass(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING)
    assert waited(pipeline) > 0
    pipeline.plan_all()
    assert 0 < waited(pipeline, until_done=True) < 1
    assert waited(pipeline) == 0


def test_nobody_stands_back_for_longer_than_two_seconds_at_a_time(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING)
    pipeline.plan_all()
    assert 2 <= waited(pipeline) < 2.2


def test_a_lane_that_does_not_move_stops_nobody(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING)
    pipeline.plan_all()
    later(pipeline, 31)
    assert waited(pipeline) == 0


def test_retries_and_maintenance_that_was_scheduled_do_not_wait_for_each_other(pipeline: Pipeline) -> None:
    pipeline.post(Status.SCHEDULED, impact=Impact.MAINTENANCE)
    (notice,) = pipeline.notices()
    assert pipeline.plan.is_low_priority(notice.id)
    pipeline.plan_all()
    assert {queue for queue, _ in pipeline.tasks.attempts} == {QueueName.BULK}
    with pipeline.database.write() as connection:
        connection.execute(update(t.batch).values(lane=QueueName.RETRY.value))
    assert waited(pipeline) == 0
