"""Planned work runs itself: reminders, start, end, and a word to the team when the window is over."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import quote

from notifier.domain.errors import OutdatedError
from notifier.domain.incidents.automation import AutomationRules, Step, Task, agenda
from notifier.domain.incidents.maintenance_texts import MaintenanceText
from notifier.domain.messages.brand import Brand, localized
from notifier.domain.messages.team import TeamMessage, TeamSubject
from notifier.domain.values import Status
from notifier.observability import get_logger
from notifier.services.events.ingest import Ingest
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.planned_work.automatic_events import Story, automatic_event, read_story
from notifier.services.planned_work.series import Series
from notifier.services.ports import Clock
from notifier.services.team.reminders import TeamReminders
from notifier.storage.database.engine import Database
from notifier.storage.incidents import planned_work
from notifier.storage.incidents.planned_work import DueWork

_log = get_logger(__name__)
_LIMIT = 100
_TEXTS = {
    Step.REMIND: MaintenanceText.REMINDER,
    Step.START: MaintenanceText.STARTED,
    Step.COMPLETE: MaintenanceText.COMPLETED,
}


@dataclass(frozen=True)
class RunPlannedWork:
    """A chore of the sweep. Any number of schedulers may run it: ids follow from the window.

    `rules` are the defaults of `[maintenance]`; `console_url` ends without a slash.
    """

    database: Database
    clock: Clock
    ingest: Ingest
    team: TeamReminders
    series: Series
    rules: AutomationRules
    brand: Brand
    console_url: str
    isolate: Isolate = UNGUARDED

    name = "planned_work"

    def run(self) -> int:
        """Do the next step of everything that is due; returns how many incidents were looked at."""
        now = self.clock()
        with self.database.read() as connection:
            due = planned_work.due(connection, now, _LIMIT)
        for work in due:
            self.isolate.run("planned_work", work.incident_id, partial(self._advance, work, now))
        return len(due)

    def _advance(self, work: DueWork, now: datetime) -> None:
        """Do one step; after it, the work is still due, and looked at again in the next round."""
        with self.database.read() as connection:
            story = read_story(connection, work.incident_id)
        next_at: datetime | None = None
        if story is not None:
            rules = self.rules.overridden(story.automation)
            plan = agenda(story.work, rules, work.done, now)
            if plan.task is not None:
                self._do(story, plan.task, now)
                return
            times = (plan.next_at, self._keep_series(story, rules, work, now))
            next_at = min((time for time in times if time is not None), default=None)
        with self.database.write() as connection:
            planned_work.look_again(connection, work, next_at)

    def _keep_series(self, story: Story, rules: AutomationRules, work: DueWork, now: datetime) -> datetime | None:
        if rules.repeat is None:
            return None
        if story.work.status is Status.CANCELED:
            self.series.cancel(work.done, now)
            return None
        return self.series.extend(story, rules.repeat, work.done, now)

    def _do(self, story: Story, task: Task, now: datetime) -> None:
        if task.step is Step.OVERRUN:
            self._remind_team(story, task, now)
            return
        event = automatic_event(story, task.key, _TEXTS[task.step], self.brand.locales, now)
        try:
            receipt = self.ingest.take(event)
        except OutdatedError:
            return  # somebody posted meanwhile: the next round decides anew
        with self.database.write() as connection:
            planned_work.mark_done(connection, story.incident.id, [task.key, *task.skips])
        _log.info(
            "planned_work_advanced",
            incident_id=story.incident.id,
            step=task.step.value,
            outcome=receipt.outcome.value,
        )

    def _remind_team(self, story: Story, task: Task, now: datetime) -> None:
        incident = story.incident
        message = TeamMessage(
            about=TeamSubject.MAINTENANCE_OVER,
            id=incident.id,
            title=localized(incident.title, self.brand.default_locale, "en"),
            url=f"{self.console_url}/incident?id={quote(incident.id, safe='')}",
            since=task.at,
        )
        with self.database.write() as connection:
            if planned_work.mark_done(connection, incident.id, [task.key]):
                self.team.remind(connection, message, now)
