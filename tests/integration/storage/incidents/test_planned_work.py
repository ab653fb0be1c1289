"""When planned work is looked at, and what was done, over schedulers that do not know each other."""

from datetime import timedelta

from notifier.storage.database.engine import Database
from notifier.storage.incidents import planned_work
from tests.support.pipeline_harness import START

HOUR = timedelta(hours=1)


def touch(database: Database, incident_id: str = "db-1") -> None:
    with database.write() as connection:
        planned_work.touch(connection, incident_id, START)


def test_a_change_makes_it_due_again_and_outdates_what_was_decided_before(database: Database) -> None:
    touch(database)
    with database.write() as connection:
        (work,) = planned_work.due(connection, START, 10)
        assert planned_work.look_again(connection, work, START + HOUR)
        assert planned_work.due(connection, START, 10) == []
    touch(database)
    with database.write() as connection:
        assert not planned_work.look_again(connection, work, None)
        assert len(planned_work.due(connection, START, 10)) == 1


def test_a_step_is_done_by_whoever_comes_first(database: Database) -> None:
    touch(database)
    with database.write() as connection:
        assert planned_work.mark_done(connection, "db-1", ["a", "b"])
        assert not planned_work.mark_done(connection, "db-1", ["a"])
        assert not planned_work.mark_done(connection, "unknown", ["a"])
        (work,) = planned_work.due(connection, START, 10)
    assert work.done == {"a", "b"}


def test_only_planned_work_is_touched_by_what_may_be_a_disruption(database: Database) -> None:
    touch(database)
    with database.write() as connection:
        planned_work.touch_known(connection, "inc-1", START)
        planned_work.touch_known(connection, "db-1", START - HOUR)
        assert [work.incident_id for work in planned_work.due(connection, START, 10)] == ["db-1"]
