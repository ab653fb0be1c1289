"""Planned work in compressed time: two schedulers on one database, and a clock that the test moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from notifier.domain.incidents.automation import AutomationRules
from notifier.domain.incidents.incident import Automation, Event, Incident, Update, Window
from notifier.domain.messages.brand import Brand
from notifier.domain.values import Channel, Impact, Status
from notifier.services.events.ingest import Receipt
from notifier.services.inspection.history import History
from notifier.services.planned_work.run import RunPlannedWork
from notifier.services.planned_work.series import Series
from notifier.services.team.reminders import TeamReminders
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.notifications import notifications
from tests.support.pipeline_harness import PLANNED, START, Pipeline

BRAND = Brand(
    name={"en": "MyOnlineStore"},
    from_email={"en": "status@shop.example"},
    default_locale="nl",
    locales=("nl", "en"),
    timezone="Europe/Amsterdam",
)
_MOST_STEPS = 200
DEFAULTS = AutomationRules(remind=(timedelta(days=1), timedelta(hours=1)), start=True, complete=False)
WINDOW = Window(PLANNED.start + timedelta(days=2), PLANNED.end + timedelta(days=2) if PLANNED.end else None)


@dataclass
class PlannedDesk:
    """Planned work and two schedulers; `rules` are the defaults of `[maintenance]`."""

    database: Database
    rules: AutomationRules = DEFAULTS
    start: datetime = START
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(self.database, now=self.start)
        self.schedulers = [self._scheduler(), self._scheduler()]
        self.history = History(self.database, automation=self.rules)

    def _scheduler(self) -> RunPlannedWork:
        pipeline = self.pipeline
        series = Series(self.database, pipeline.ingest, ZoneInfo(BRAND.timezone), BRAND.locales)
        return RunPlannedWork(
            self.database,
            pipeline.clock,
            pipeline.ingest,
            TeamReminders(has_webhook=True),
            series,
            self.rules,
            BRAND,
            "https://status.example/console",
        )

    @property
    def now(self) -> datetime:
        return self.pipeline.now

    def post(
        self, status: Status, window: Window = WINDOW, automation: Automation | None = None, **more: Any
    ) -> Receipt:
        """A person posts an update of `db-1`."""
        number = more.get("number") or f"{status}-{self.now:%d%H%M}"
        incident = Incident(
            id=more.get("incident_id", "db-1"),
            title={"nl": "Databaseverhuizing", "en": "Database move"},
            impact=Impact.MAINTENANCE,
            scheduled_for=window.start,
            scheduled_until=window.end,
            automation=automation,
        )
        body: Mapping[str, str] = {"en": f"Words of {number}.", "nl": f"Woorden van {number}."}
        update = Update(id=f"upd-{number}", status=status, body=body, posted_at=self.now)
        return self.pipeline.ingest.take(
            Event(id=f"evt-{number}", incident=incident, update=update, notify=more.get("notify", True))
        )

    def until(self, moment: datetime) -> None:
        """Let time pass: both schedulers sweep whenever something is due, and at the end."""
        for _ in range(_MOST_STEPS):
            at = self._next_at()
            if at is None or at > moment:
                self.pipeline.now = moment
                self.sweep()
                return
            self.pipeline.now = max(self.now, at)
            self.sweep()
        raise AssertionError("something stays due for ever")

    def _next_at(self) -> datetime | None:
        with self.database.read() as connection:
            found: datetime | None = connection.execute(select(func.min(t.planned_work.c.next_at))).scalar_one()
        return found

    def sweep(self) -> None:
        """Both schedulers take everything that is due."""
        for _ in range(3):
            for scheduler in self.schedulers:
                scheduler.run()
        self.pipeline.sweep.run()

    def timeline(self, incident_id: str = "db-1") -> list[tuple[str, datetime]]:
        """Return the statuses of the timeline with their times; a reminder as `reminder`."""
        updates = self.history.incident(incident_id)["updates"]
        return [
            (
                "reminder" if "-remind-" in item["id"] else item["status"],
                datetime.fromisoformat(item["posted_at"]),
            )
            for item in updates
        ]

    def notified(self, incident_id: str = "db-1") -> list[str]:
        """Return the update ids of each notification by mail."""
        with self.database.read() as connection:
            rows = notifications.of_incident(connection, incident_id)
        return ["+".join(row.update_ids) for row in rows if row.channel == Channel.EMAIL.value]

    def team_messages(self) -> list[Mapping[str, Any]]:
        """Return what was queued for the team's webhook."""
        with self.database.read() as connection:
            return list(connection.execute(select(t.outbox.c.detail)).scalars())
