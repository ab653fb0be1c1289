"""Planned work runs itself, with two schedulers, whatever the clock and people do."""

from datetime import timedelta

from notifier.domain.incidents.automation import AutomationRules
from notifier.domain.incidents.incident import Automation, Window
from notifier.domain.values import Status
from notifier.storage.database.engine import Database
from notifier.storage.incidents import planned_work
from tests.integration.services.planned_work.desk import WINDOW, PlannedDesk

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START, END = WINDOW.start, WINDOW.end or WINDOW.start
AUTOMATIC = AutomationRules(remind=(DAY, HOUR), start=True, complete=True)


def test_planned_work_is_announced_reminded_of_started_and_ended_once_with_two_schedulers(database: Database) -> None:
    desk = PlannedDesk(database, rules=AUTOMATIC)
    announced_at = desk.now
    desk.post(Status.SCHEDULED)
    desk.until(END + DAY)
    assert desk.timeline() == [
        ("scheduled", announced_at),
        ("reminder", START - DAY),
        ("reminder", START - HOUR),
        ("in_progress", START),
        ("completed", END),
    ]
    assert len(desk.notified()) == 5
    assert desk.team_messages() == []


def test_two_schedulers_that_read_the_same_due_work_make_one_event(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED)
    desk.sweep()
    desk.pipeline.now = START
    with database.read() as connection:
        (work,) = planned_work.due(connection, desk.now, 10)
    for scheduler in desk.schedulers:
        scheduler._advance(work, desk.now)
    assert [name for name, _ in desk.timeline()] == ["scheduled", "in_progress"]


def test_an_event_overrides_the_configuration_and_keeps_it_until_another_says_otherwise(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED, automation=Automation(remind=(2 * HOUR,), complete=True))
    desk.until(START - 3 * HOUR)
    desk.post(Status.SCHEDULED)  # says nothing of automation
    desk.until(END)
    assert [(name, at) for name, at in desk.timeline() if name != "scheduled"] == [
        ("reminder", START - 2 * HOUR),
        ("in_progress", START),
        ("completed", END),
    ]


def test_a_reminder_that_is_already_past_is_skipped(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.pipeline.now = START - 2 * HOUR
    desk.post(Status.SCHEDULED)
    desk.until(START)
    assert [name for name, _ in desk.timeline()] == ["scheduled", "reminder", "in_progress"]


def test_moved_work_does_nothing_at_its_old_time_and_everything_at_its_new_one(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED)
    desk.until(START - 2 * HOUR)
    later = Window(START + 5 * HOUR, END + 5 * HOUR)
    desk.post(Status.SCHEDULED, later)
    desk.until(END + DAY)
    assert [(name, at) for name, at in desk.timeline() if name != "scheduled"] == [
        ("reminder", START - DAY),
        ("reminder", START + 4 * HOUR),
        ("in_progress", START + 5 * HOUR),
    ]


def test_a_window_that_only_ends_later_repeats_no_reminder(database: Database) -> None:
    desk = PlannedDesk(database, rules=AUTOMATIC)
    desk.post(Status.SCHEDULED)
    desk.until(START - 2 * HOUR)
    desk.post(Status.SCHEDULED, Window(START, END + HOUR))
    desk.until(END + DAY)
    assert [(name, at) for name, at in desk.timeline() if name != "scheduled"] == [
        ("reminder", START - DAY),
        ("reminder", START - HOUR),
        ("in_progress", START),
        ("completed", END + HOUR),
    ]


def test_canceled_work_does_nothing_more(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED)
    desk.until(START - 2 * HOUR)
    desk.post(Status.CANCELED)
    desk.until(END + DAY)
    assert [name for name, _ in desk.timeline()] == ["scheduled", "reminder", "canceled"]
    assert desk.team_messages() == []


def test_what_a_person_starts_and_ends_is_not_done_again(database: Database) -> None:
    desk = PlannedDesk(database, rules=AUTOMATIC)
    desk.post(Status.SCHEDULED)
    desk.until(START - timedelta(minutes=90))
    desk.post(Status.IN_PROGRESS)
    desk.until(END - HOUR)
    desk.post(Status.COMPLETED)
    desk.until(END + DAY)
    assert [name for name, _ in desk.timeline()] == ["scheduled", "reminder", "in_progress", "completed"]


def test_an_overrun_reminds_the_team_once_and_again_only_when_the_new_end_passes(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED)
    desk.until(END + DAY)
    (message,) = desk.team_messages()
    assert (message["about"], message["id"], message["title"]) == ("maintenance_over", "db-1", "Databaseverhuizing")
    assert message["url"] == "https://status.example/console/incident?id=db-1"
    desk.post(Status.IN_PROGRESS, Window(START, END + 2 * DAY))
    desk.until(END + 3 * DAY)
    assert len(desk.team_messages()) == 2
    assert [name for name, _ in desk.timeline()][-1] == "in_progress"


def test_after_an_outage_of_the_schedulers_only_the_last_step_is_taken(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED)
    desk.pipeline.now = START - timedelta(minutes=30)  # both reminders were missed
    desk.sweep()
    assert [name for name, _ in desk.timeline()] == ["scheduled", "reminder"]
    desk.pipeline.now = END + HOUR
    desk.sweep()
    assert [name for name, _ in desk.timeline()] == ["scheduled", "reminder"]
    assert len(desk.team_messages()) == 1


def test_work_that_is_held_back_from_readers_tells_nobody(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED, notify=False)
    desk.until(END)
    assert [name for name, _ in desk.timeline()][-1] == "in_progress"
    assert desk.notified() == []


def test_the_incident_answers_what_it_does_by_itself(database: Database) -> None:
    desk = PlannedDesk(database)
    desk.post(Status.SCHEDULED)
    assert desk.history.incident("db-1")["automation"] == {
        "remind": [86400.0, 3600.0],
        "start": True,
        "complete": False,
        "repeat": None,
    }
    desk.pipeline.now += HOUR
    desk.post(Status.SCHEDULED, automation=Automation(remind=(), start=False))
    desk.pipeline.now += HOUR
    desk.post(Status.SCHEDULED, number="later")
    assert desk.history.incident("db-1")["automation"] == {
        "remind": [],
        "start": False,
        "complete": False,
        "repeat": None,
    }
