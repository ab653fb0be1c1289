"""Take a report in: one transaction finds the signals it continues, stores them, and proposes what follows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.ids import new_ulid
from notifier.domain.proposals.grouping import Grouped, group_report
from notifier.domain.proposals.signal import Report, Signal
from notifier.domain.values import Outcome
from notifier.services.events.integrations import IntegrationReceipt
from notifier.services.ports import Clock
from notifier.services.signals.proposals import Proposals, Proposing
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.proposals import drafts, signals

MAX_ID = 200
RECORD_MODE = "only recorded: the source has mode record"
_NOTHING = "the request tells of nothing that could be a disruption"


def event_id_of(report: Report) -> str:
    """Return the id of a report's event: the same on every repeat, whichever member of a cluster sends it."""
    return f"{report.kind}:{report.source}:{report.change}"[:MAX_ID]


def nothing_told(kind: str, source: str) -> IntegrationReceipt:
    """Return the answer to a request that holds no report."""
    name = f"{kind}:{source}"
    return IntegrationReceipt(
        event_id=name, incident_id=None, update_id=name, outcome=Outcome.RECORDED, reason=_NOTHING
    )


@dataclass(frozen=True)
class TakeReport:
    """Takes reports whose source may not announce: they become signals and drafts. Safe to repeat."""

    database: Database
    clock: Clock
    proposals: Proposals
    merge_within: timedelta

    def take(self, report: Report, how: Proposing | None = None) -> IntegrationReceipt:
        """Store a report and propose what follows from it; without `how` nothing is proposed, only recorded.

        Raises:
            UnavailableError: the database does not answer; the sender repeats.
        """
        now = self.clock()
        with self.database.write() as connection:
            grouped = self.keep(connection, report, now)
            main = grouped.signals[0].after if grouped.signals else None
            if how is not None and any(change.is_change for change in grouped.signals):
                self._propose(connection, grouped, how, now)
                main = signals.find(connection, main.id) if main is not None else None
        return recorded(report, main, grouped)

    def keep(self, connection: Connection, report: Report, now: datetime) -> Grouped:
        """Store what a report says of signals."""
        signals.lock_source(connection, report.source)
        grouped = self._grouped(connection, report, now)
        if any(change.is_change for change in grouped.signals):
            signals.lock_proposals(connection)
            for draft_id in sorted({change.after.draft_id or "" for change in grouped.signals} - {""}):
                drafts.find(connection, draft_id, lock=True)  # before the signals, as who publishes does
        signals.keep(connection, grouped, report.source, now)
        if any(change.is_change and change.before for change in grouped.signals):
            ids = [change.after.id for change in grouped.signals]
            signals.forget_ended(connection, ids, now - self.merge_within)
        return grouped

    def _grouped(self, connection: Connection, report: Report, now: datetime) -> Grouped:
        group = signals.group_key(report.group)
        known = signals.known(connection, report.source, [alert.key for alert in report.alerts], group)
        new_id = f"sig_{new_ulid(now)}"
        return group_report(report, known, group=group, new_id=new_id, now=now, merge_within=self.merge_within)

    def _propose(self, connection: Connection, grouped: Grouped, how: Proposing, now: datetime) -> None:
        for change in grouped.signals:
            if change.is_change:
                stored = signals.find(connection, change.after.id)
                if stored is not None:
                    self.proposals.follow(connection, replace(change, after=stored), how, now)


def recorded(report: Report, main: Signal | None, grouped: Grouped, reason: str = "") -> IntegrationReceipt:
    """Return the answer to a report that announced nothing."""
    return IntegrationReceipt(
        event_id=event_id_of(report),
        update_id=f"{report.kind}:{report.change}"[:MAX_ID],
        outcome=Outcome.RECORDED,
        reason=reason or _reason(main, grouped),
        signal_id=main.id if main else None,
        draft_id=main.draft_id if main else None,
        incident_id=main.incident_id if main else None,
    )


def _reason(main: Signal | None, grouped: Grouped) -> str:
    if main is None:
        return "nothing was open that this could close"
    if main.reason:
        return main.reason
    if not any(change.is_change for change in grouped.signals):
        return "a repeat of what is known"
    if main.draft_id is not None:
        return "proposed as a draft; nobody is notified until a person publishes it"
    return "belongs to an incident that is open" if main.incident_id else "recorded; nobody is notified"
