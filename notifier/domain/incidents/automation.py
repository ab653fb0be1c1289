"""What planned work does by itself, decided without side effects.

A task's key names its window, so that nothing is done twice and nothing at an old time after a move.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.domain.incidents.incident import Automation, Incident, Window
from notifier.domain.incidents.snapshot import Earlier
from notifier.domain.values import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationRules:
    """Automation with nothing left open. `repeat` is an RFC 5545 rule."""

    remind: tuple[timedelta, ...] = ()
    start: bool = False
    complete: bool = False
    repeat: str | None = None

    def overridden(self, wanted: Automation | None) -> "AutomationRules":
        """Return these rules with what an incident wants differently."""
        if wanted is None:
            return self
        return AutomationRules(
            remind=self.remind if wanted.remind is None else wanted.remind,
            start=self.start if wanted.start is None else wanted.start,
            complete=self.complete if wanted.complete is None else wanted.complete,
            repeat=wanted.repeat,
        )


class Step(StrEnum):
    """What can be done."""

    REMIND = "remind"
    START = "start"
    COMPLETE = "complete"
    OVERRUN = "overrun"  # the team is reminded that the window is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do. `at` is when it was due; `key` is unique within the incident.

    `skips`: keys of older reminders that this one replaces.
    """

    step: Step
    at: datetime
    key: str
    skips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWork:
    """Planned work as the public knows it. `window_known_at`: when this window was announced."""

    window: Window
    status: Status
    window_known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What is due now, and when to look again; None: nothing is left to do."""

    task: Task | None = None
    next_at: datetime | None = None


def wanted_automation(described: Iterable[Incident]) -> Automation | None:
    """Return what the newest description with a wish says; one without keeps the wish before.

    `described`: the incident as its public updates describe it, oldest first.
    """
    wishes = [incident.automation for incident in described if incident.automation is not None]
    return wishes[-1] if wishes else None


def series_start(described: Iterable[Incident]) -> Window | None:
    """Return the window that a series began with: that of the first update with its present rule.

    A later move of that window is a move of one occurrence, not of the series.
    """
    rule: str | None = None
    first: Window | None = None
    for incident in described:
        wish = incident.automation
        if wish is not None and wish.repeat != rule:
            rule, first = wish.repeat, incident.window
    return first if rule is not None else None


def planned_work(earlier: Sequence[Earlier]) -> PlannedWork | None:
    """Return how planned work stands, from its public timeline in order; None if it is not planned work."""
    latest = earlier[-1] if earlier else None
    window = latest.incident.window if latest is not None else None
    if latest is None or window is None or not latest.status.is_maintenance:
        return None
    known_at = latest.ordered_at
    for entry in reversed(earlier):
        if entry.incident.window != window:
            break
        known_at = entry.ordered_at
    return PlannedWork(window=window, status=latest.status, window_known_at=known_at)


def agenda(work: PlannedWork, rules: AutomationRules, done: Collection[str], now: datetime) -> Agenda:
    """Return the next task of planned work, if one is due, and when to look again.

    Call again after a task: its event changes the status, its key joins `done`.
    """
    if work.status.is_over:
        return Agenda()
    tasks = [task for task in _tasks(work, rules, now) if task.key not in done]
    due = [task for task in tasks if task.at <= now]
    later = min((task.at for task in tasks if task.at > now), default=None)
    started = [task for task in due if task.step is not Step.REMIND]
    if started:  # what begins or ends a window replaces what was due before it
        return Agenda(task=started[-1], next_at=later)
    reminders = [task for task in due if task.at > work.window_known_at and now < work.window.start]
    if not reminders:
        return Agenda(next_at=later)
    *missed, last = sorted(reminders, key=lambda task: task.at)
    skips = tuple(task.key for task in missed)
    return Agenda(task=Task(step=last.step, at=last.at, key=last.key, skips=skips), next_at=later)


def _tasks(work: PlannedWork, rules: AutomationRules, now: datetime) -> list[Task]:
    """Return everything that this window asks for, in order of time."""
    start, end = work.window
    tasks: list[Task] = []
    if work.status is Status.SCHEDULED:
        tasks += [_reminder(start, offset) for offset in sorted(set(rules.remind), reverse=True)]
        if rules.start and (end is None or now < end):
            tasks.append(Task(step=Step.START, at=start, key=_key(start, Step.START)))
    if end is not None and work.window_known_at < end:
        ends = rules.complete and (rules.start or work.status is not Status.SCHEDULED)
        step = Step.COMPLETE if ends else Step.OVERRUN
        tasks.append(Task(step=step, at=end, key=_key(end, step)))
    return tasks


def _reminder(start: datetime, offset: timedelta) -> Task:
    seconds = offset.total_seconds()
    return Task(step=Step.REMIND, at=start - offset, key=f"{_key(start, Step.REMIND)}-{seconds:g}")


def _key(moment: datetime, step: Step) -> str:
    return f"{moment:%Y%m%dT%H%M%S}Z-{step}"
