"""Follow the incidents of another provider's page: as reports, as links, and when they vanish."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from notifier.domain.proposals.draft import DraftState
from notifier.domain.proposals.signal import UPSTREAM, Signal, SignalState
from notifier.domain.proposals.source_rules import UpstreamMode, UpstreamRules
from notifier.domain.proposals.upstream import INCIDENT, VANISHED, UpstreamIncident, report_of
from notifier.observability import get_logger
from notifier.services.drafts import propose
from notifier.services.ports import Clock
from notifier.services.signals.proposals import Proposing
from notifier.services.signals.take_report import TakeReport
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.incidents import links, open_incidents
from notifier.storage.proposals import drafts, signals

_log = get_logger(__name__)
_GONE = "its page no longer lists it, and did not say that it ended"


@dataclass(frozen=True, slots=True)
class FollowUpstream:
    """The signals of one upstream."""

    rules: UpstreamRules
    database: Database
    clock: Clock
    reports: TakeReport

    def ids(self) -> set[str]:
        """Return the incidents of the page that have not ended, as far as we know."""
        return {_incident_of(signal) for signal in self._open()}

    def lost(self, listed: Collection[str], *, again: bool) -> set[str]:
        """Return which of them are not `listed`; `again`: those too that had vanished before."""
        gone = (signal for signal in self._open() if again or not signal.facts.get(VANISHED))
        return {_incident_of(signal) for signal in gone} - set(listed)

    def take(self, incident: UpstreamIncident, page: str) -> None:
        """Report what the page says of an incident; a repeat changes nothing."""
        report = report_of(incident, page, self.rules, self.clock())
        proposing = Proposing(template_id=self.rules.template) if self.rules.mode is UpstreamMode.DRAFT else None
        self.reports.take(report, proposing)

    def vanished(self, incidents: Collection[str]) -> None:
        """Note that incidents are on none of the page's lists. They have not ended: nothing else changes."""
        if not incidents:
            return
        now = self.clock()
        with self.database.write() as connection:
            signals.lock_source(connection, self.rules.name)
            signals.lock_proposals(connection)
            for signal in signals.unended(connection, self.rules.name, UPSTREAM):
                if _incident_of(signal) not in incidents or signal.facts.get(VANISHED):
                    continue
                draft = drafts.find(connection, signal.draft_id, lock=True) if signal.draft_id else None
                if draft is not None and draft.state is DraftState.OPEN:
                    propose.note(connection, draft, f"{draft.reason}; {_GONE}", now)
                reason = signal.reason if signal.state is SignalState.IGNORED else _GONE
                signals.save(connection, replace(signal, reason=reason, facts={**signal.facts, VANISHED: True}))
                _log.warning("upstream_incident_vanished", upstream=self.rules.name, incident=_incident_of(signal))

    def link(self) -> None:
        """With mode `link`: link what fires on our open incidents on the same components. Nobody is notified."""
        if self.rules.mode is not UpstreamMode.LINK:
            return
        firing = [one for one in self._open() if one.state is SignalState.FIRING and one.link and one.components]
        for signal in firing:
            with self.database.write() as connection:
                self._link(connection, signal)

    def _link(self, connection: Connection, signal: Signal) -> None:
        incident = open_incidents.running_on(connection, signal.components)
        if incident is None or signal.link is None:
            return
        if links.add(connection, incident.id, signal.link, self.clock()):
            signals.join_incident(connection, [signal.id], incident.id)
            _log.info("upstream_linked", upstream=self.rules.name, incident_id=incident.id, link=signal.link)

    def _open(self) -> list[Signal]:
        with self.database.read() as connection:
            return signals.unended(connection, self.rules.name, UPSTREAM)


def _incident_of(signal: Signal) -> str:
    return str(signal.facts.get(INCIDENT, ""))
