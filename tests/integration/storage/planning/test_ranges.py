"""An audience planned range by range: everybody is told once, however it is cut and whoever plans."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Status
from notifier.services.dispatch.plan import Plan
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.support.pipeline_harness import Pipeline

_LOCALES = ("nl", "en", "de")


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    pipeline = Pipeline(database)
    for number in range(60):
        listens = frozenset({"checkout"} if number % 3 else {"pos"})
        locale = _LOCALES[number % len(_LOCALES)]
        pipeline.subscriber(f"shop-{number}", Preferences(components=listens), locale=locale)
    return pipeline


def in_short_ranges(pipeline: Pipeline) -> Plan:
    return replace(pipeline.plan, first_range=5, range_size=4, row_range_size=4)


def test_everybody_is_told_once_though_the_audience_is_cut_by_what_the_first_range_came_to(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING)
    (notice,) = pipeline.notices()
    assert in_short_ranges(pipeline).run(notice.id) == 40
    assert set(pipeline.delivery_states(notice.id)) == {f"shop-{number}" for number in range(60) if number % 3}
    with pipeline.database.read() as connection:
        ranges = connection.execute(select(t.plan_range).where(t.plan_range.c.notification_id == notice.id)).all()
    assert len(ranges) > 5
    assert {row.state for row in ranges} == {"done"}
    assert notice.id in [row.id for row in pipeline.notices() if row.state == "planned"]


def test_a_batch_counts_whom_it_tells_and_speaks_one_language(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING)
    (notice,) = pipeline.notices()
    in_short_ranges(pipeline).run(notice.id)
    with pipeline.database.read() as connection:
        sizes = {row.id: row.size for row in connection.execute(select(t.batch.c.id, t.batch.c.size))}
        members = connection.execute(
            select(t.delivery.c.batch_id, t.batch.c.locale, t.subscriber.c.locale.label("own"))
            .join(t.batch, t.batch.c.id == t.delivery.c.batch_id)
            .join(t.subscriber, t.subscriber.c.id == t.delivery.c.recipient_id)
        ).all()
    assert Counter(row.batch_id for row in members) == sizes
    assert all(row.locale == row.own for row in members)


def test_two_planners_at_once_plan_nobody_twice(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING)
    (notice,) = pipeline.notices()
    plan = in_short_ranges(pipeline)
    with ThreadPoolExecutor(2) as both:
        assert sum(both.map(plan.run, [notice.id, notice.id])) == 40
    plan.run(notice.id)  # whoever was first may have left the end to the other
    assert len(pipeline.delivery_states(notice.id)) == 40
    assert [row.state for row in pipeline.notices()] == ["planned"]
