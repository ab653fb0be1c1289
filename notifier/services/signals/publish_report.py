"""Announce what a source reports, where its configuration lets it: through the guard, in neutral words."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.incidents.alert_texts import UPDATE_PREFIX, AlertTexts
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.proposals.grouping import Grouped
from notifier.domain.proposals.signal import Report, Signal, SignalState
from notifier.domain.values import Impact, Status
from notifier.services.events.ingest import Ingest
from notifier.services.events.integrations import IntegrationReceipt, receipt_of
from notifier.services.security.audit import SYSTEM, Actor
from notifier.services.signals.take_report import TakeReport, event_id_of, recorded
from notifier.storage.incidents import alert_incidents
from notifier.storage.incidents.alert_incidents import AlertIncident
from notifier.storage.proposals import signals

_AGAIN = timedelta(hours=1)
_GROUP_DIGITS = 16


@dataclass(frozen=True)
class PublishReport:
    """Takes reports whose source may announce. The signal decides which incident its alerts belong to.

    So alerts that continue, or end, under another group key continue and end their incident.
    """

    reports: TakeReport
    ingest: Ingest
    texts: AlertTexts

    def take(self, report: Report, actor: Actor = SYSTEM, *, guarded: bool = False) -> IntegrationReceipt:
        """Store a report and hand in what it means for its incident. Stopped half-way, its repeat does the rest.

        Raises:
            UnavailableError: the database does not answer; the sender repeats.
        """
        now = self.reports.clock()
        with self.reports.database.write() as connection:
            grouped = self.reports.keep(connection, report, now)
        signal = grouped.signals[0].after if grouped.signals else None
        if report.ignored or (signal is not None and signal.state is SignalState.IGNORED):
            return recorded(report, signal, grouped)
        event_id = f"{report.kind}:{report.source}:{signal.id}:{signal.changes}" if signal else event_id_of(report)
        episode = self._episode(report, signal, event_id, now)
        is_firing = signal is not None and signal.ended_at is None
        if refused := _why_recorded(episode, is_firing=is_firing):
            receipt = recorded(report, signal, grouped, refused)
            return replace(receipt, incident_id=episode.incident.id if episode else None)
        incident = self._incident(report, signal, episode, now)
        update = self._update(report, event_id, is_firing=is_firing, now=now)
        event = Event(
            id=event_id,
            incident=incident,
            update=update,
            source=f"{report.kind}:{report.source}",
            automatic=True,
            guarded=guarded,
        )
        receipt = receipt_of(self.ingest.take(actor.signed(event)))
        self._join(grouped, incident.id)
        return replace(receipt, signal_id=signal.id if signal else None)

    def _episode(self, report: Report, signal: Signal | None, event_id: str, now: datetime) -> AlertIncident | None:
        """Return the incident that the report continues; trouble long after an end is another one."""
        with self.reports.database.read() as connection:
            own = signal.incident_id if signal is not None else None
            found = alert_incidents.find(connection, own) if own else None
            found = found or alert_incidents.newest(connection, _prefix(report))
            known = alert_incidents.known_events(connection, [event_id])
        is_old = found is not None and found.status.is_over and now - found.posted_at > _AGAIN
        return None if is_old and not known else found

    def _incident(
        self, report: Report, signal: Signal | None, episode: AlertIncident | None, now: datetime
    ) -> Incident:
        began = min((alert.started_at for alert in report.alerts if alert.started_at), default=None)
        components = signal.components if signal else {}
        return Incident(
            id=episode.incident.id if episode else f"{_prefix(report)}{began or now:%Y%m%dT%H%M%S}",
            title=report.facts.get("title") or self.texts.title,
            impact=signal.impact if signal else episode.incident.impact if episode else Impact.MINOR,
            components=tuple(AffectedComponent(key=key, status=status) for key, status in components.items()),
            components_known=bool(components),
            started_at=began or (episode.incident.started_at if episode else now),
        )

    def _update(self, report: Report, event_id: str, *, is_firing: bool, now: datetime) -> Update:
        own = report.facts.get("body") if is_firing else None
        return Update(
            id=f"{UPDATE_PREFIX}{event_id.partition(':')[2]}",
            status=Status.INVESTIGATING if is_firing else Status.MONITORING,
            body=own or (self.texts.firing if is_firing else self.texts.calm),
            posted_at=now,
        )

    def _join(self, grouped: Grouped, incident_id: str) -> None:
        """Note the incident on the report's signals, unless they have it."""
        missing = [change.after.id for change in grouped.signals if change.after.incident_id != incident_id]
        if missing:
            with self.reports.database.write() as connection:
                signals.join_incident(connection, missing, incident_id)


def _prefix(report: Report) -> str:
    """How the ids of all incidents of a group begin."""
    return f"{report.source}.{signals.group_key(report.group)[:_GROUP_DIGITS]}-"


def _why_recorded(episode: AlertIncident | None, *, is_firing: bool) -> str | None:
    if episode is None:
        return None if is_firing else "nothing was open that this could close"
    if not episode.is_automatic:
        return "a person has taken this incident over"
    if episode.status.is_over and not is_firing:
        return "the incident is over already"
    return None
