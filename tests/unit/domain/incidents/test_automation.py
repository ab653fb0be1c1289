"""What planned work does by itself, decided from its window, its status and what was done."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.domain.incidents.automation import (
    Agenda,
    AutomationRules,
    PlannedWork,
    Step,
    agenda,
    series_start,
    wanted_automation,
)
from notifier.domain.incidents.incident import Automation, Incident, Window
from notifier.domain.values import Impact, Status

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)
END = START + 2 * HOUR
RULES = AutomationRules(remind=(24 * HOUR, HOUR), start=True)


def work(status: Status = Status.SCHEDULED, *, known: timedelta = 48 * HOUR, end: datetime | None = END) -> PlannedWork:
    return PlannedWork(window=Window(START, end), status=status, window_known_at=START - known)


def step(at: datetime, status: Status = Status.SCHEDULED, rules: AutomationRules = RULES) -> Step | None:
    task = agenda(work(status), rules, (), at).task
    return None if task is None else task.step


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (START - 25 * HOUR, None),
        (START - 24 * HOUR, Step.REMIND),
        (START - HOUR, Step.REMIND),
        (START, Step.START),
        (END - HOUR, Step.START),
        (END, Step.OVERRUN),
    ],
)
def test_each_step_has_its_time(at: datetime, expected: Step | None) -> None:
    assert step(at) is expected


def test_the_next_look_is_at_the_next_step() -> None:
    assert agenda(work(), RULES, (), START - 30 * HOUR) == Agenda(next_at=START - 24 * HOUR)


def test_of_several_missed_reminders_one_is_sent() -> None:
    task = agenda(work(), RULES, (), START - HOUR / 2).task
    assert task is not None
    assert (task.at, len(task.skips)) == (START - HOUR, 1)
    assert agenda(work(), RULES, (task.key, *task.skips), START - HOUR / 2).task is None


def test_a_reminder_from_before_the_announcement_is_skipped() -> None:
    assert agenda(work(known=2 * HOUR), RULES, (), START - 2 * HOUR) == Agenda(next_at=START - HOUR)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELED])
def test_what_is_over_does_nothing_more(status: Status) -> None:
    assert agenda(work(status), RULES, (), END + HOUR) == Agenda()


def test_what_a_person_started_is_neither_reminded_of_nor_started() -> None:
    assert step(START - HOUR, Status.IN_PROGRESS) is None
    assert step(START, Status.VERIFYING) is None


def test_the_end_is_announced_only_where_that_is_wanted_and_the_work_began() -> None:
    completes = AutomationRules(complete=True)
    assert step(END, Status.IN_PROGRESS, completes) is Step.COMPLETE
    assert step(END, Status.SCHEDULED, completes) is Step.OVERRUN
    assert step(END, Status.SCHEDULED, AutomationRules(start=True, complete=True)) is Step.COMPLETE


def test_a_window_without_an_end_never_overruns() -> None:
    assert agenda(work(Status.IN_PROGRESS, end=None), RULES, (), END + 100 * HOUR) == Agenda()


def test_a_key_names_its_window_so_that_a_move_begins_anew() -> None:
    first = agenda(work(), RULES, (), START).task
    moved = PlannedWork(
        window=Window(START + HOUR, END + HOUR), status=Status.SCHEDULED, window_known_at=START - 48 * HOUR
    )
    second = agenda(moved, RULES, (first.key if first else "",), START + HOUR).task
    assert first is not None
    assert second is not None
    assert first.key != second.key


def test_wishes_override_what_they_name_and_stay_until_others_are_said() -> None:
    wish = Automation(remind=(), complete=True)
    assert RULES.overridden(wish) == AutomationRules(remind=(), start=True, complete=True)
    assert RULES.overridden(None) == RULES
    assert wanted_automation([described(wish), described(None)]) == wish
    assert wanted_automation([described(None)]) is None


def described(wish: Automation | None, start: datetime = START) -> Incident:
    return Incident(
        id="db", title={"en": "t"}, impact=Impact.MAINTENANCE, scheduled_for=start, scheduled_until=END, automation=wish
    )


def test_a_series_begins_with_the_window_of_its_rule_and_not_with_a_later_move() -> None:
    weekly, daily = Automation(repeat="FREQ=WEEKLY"), Automation(repeat="FREQ=DAILY")
    story = [described(weekly), described(None, START + HOUR)]
    assert series_start(story) == Window(START, END)
    assert series_start([*story, described(daily, START + HOUR)]) == Window(START + HOUR, END)
    assert series_start([*story, described(Automation())]) is None
