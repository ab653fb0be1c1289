"""Recurring planned work: occurrences are announced ahead, each an incident of its own."""

from datetime import UTC, datetime, timedelta

from notifier.domain.incidents.automation import AutomationRules
from notifier.domain.incidents.incident import Automation, Window
from notifier.domain.values import Status
from notifier.storage.database.engine import Database
from tests.integration.services.planned_work.desk import PlannedDesk

HOUR = timedelta(hours=1)
# Tuesdays, 02:00 to 04:00 in Amsterdam; summer time begins on 29 March.
FIRST = Window(datetime(2026, 3, 17, 1, 0, tzinfo=UTC), datetime(2026, 3, 17, 3, 0, tzinfo=UTC))
POSTED = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
RULES = AutomationRules(remind=(HOUR,), start=True, complete=True)
WEEKLY = Automation(repeat="FREQ=WEEKLY")


def a_series(database: Database, automation: Automation = WEEKLY) -> PlannedDesk:
    desk = PlannedDesk(database, rules=RULES, start=POSTED)
    desk.post(Status.SCHEDULED, FIRST, automation)
    desk.sweep()
    return desk


def windows(desk: PlannedDesk) -> dict[str, str]:
    found = desk.history.incidents(limit=50)
    return {item["id"]: item["scheduled_for"] for item in found}


def test_the_next_two_occurrences_within_two_weeks_are_announced(database: Database) -> None:
    desk = a_series(database)
    assert windows(desk) == {"db-1": "2026-03-17T01:00:00Z", "db-1-20260324": "2026-03-24T01:00:00Z"}
    assert desk.timeline("db-1-20260324") == [("scheduled", POSTED)]
    assert desk.history.incident("db-1-20260324")["updates"][0]["body"]["nl"].startswith("Woorden")


def test_a_series_runs_itself_across_a_clock_change_with_two_schedulers(database: Database) -> None:
    desk = a_series(database)
    desk.until(datetime(2026, 4, 1, 0, 0, tzinfo=UTC))
    assert windows(desk) == {
        "db-1": "2026-03-17T01:00:00Z",
        "db-1-20260324": "2026-03-24T01:00:00Z",
        "db-1-20260331": "2026-03-31T00:00:00Z",  # still 02:00 in Amsterdam
        "db-1-20260407": "2026-04-07T00:00:00Z",
        "db-1-20260414": "2026-04-14T00:00:00Z",
    }
    began = datetime(2026, 3, 31, 0, 0, tzinfo=UTC)
    assert desk.timeline("db-1-20260331")[1:] == [
        ("reminder", began - HOUR),
        ("in_progress", began),
        ("completed", began + 2 * HOUR),
    ]
    assert desk.history.incident("db-1-20260331")["automation"]["repeat"] is None


def test_canceling_the_series_cancels_what_is_announced_and_announces_no_more(database: Database) -> None:
    desk = a_series(database)
    desk.pipeline.now += HOUR
    desk.post(Status.CANCELED, FIRST)
    desk.until(FIRST.start + timedelta(days=10))
    assert set(windows(desk)) == {"db-1", "db-1-20260324"}
    assert [name for name, _ in desk.timeline("db-1-20260324")] == ["scheduled", "canceled"]


def test_a_moved_occurrence_moves_no_other(database: Database) -> None:
    desk = a_series(database)
    desk.pipeline.now += HOUR
    desk.post(Status.SCHEDULED, Window(FIRST.start + HOUR, FIRST.start + 3 * HOUR))
    desk.until(FIRST.start + timedelta(days=1))
    assert windows(desk)["db-1-20260331"] == "2026-03-31T00:00:00Z"


def test_a_rule_that_has_ended_announces_nothing(database: Database) -> None:
    desk = a_series(database, Automation(repeat="FREQ=WEEKLY;COUNT=1"))
    desk.until(FIRST.start + timedelta(days=8))
    assert set(windows(desk)) == {"db-1"}
