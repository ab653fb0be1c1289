"""Take news of our own Statuspage the way its source is configured: announce it, propose it, or only record it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from notifier.domain.incidents.status_news import IncidentNews
from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceMode, SourceRules
from notifier.services.events.integrations import IngestStatuspage
from notifier.services.security.audit import SYSTEM
from notifier.services.signals.proposals import Proposing
from notifier.services.signals.take_report import RECORD_MODE, TakeReport
from notifier.storage.incidents import timeline

ReportOf = Callable[[IncidentNews, str, datetime], Report]


@dataclass(frozen=True, slots=True)
class TakePageNews:
    """Takes what polls of one source find. Safe to repeat."""

    rules: SourceRules
    announcing: IngestStatuspage
    reports: TakeReport
    report_of: ReportOf

    def take(self, news: IncidentNews, since: datetime) -> None:
        """Take the news of one incident. `since`: the first poll; what was over before is not announced.

        Raises:
            UnavailableError: The database does not answer.
        """
        if self.rules.mode is SourceMode.PUBLISH:
            if not self._is_history(news, since):
                self.announcing.take(news, SYSTEM.by_way_of(self.rules.kind, self.rules.name))
            return
        report = self.report_of(news, self.rules.name, self.reports.clock())
        if self.rules.mode is SourceMode.RECORD:
            self.reports.take(replace(report, ignored=report.ignored or RECORD_MODE))
        else:
            self.reports.take(report, Proposing(template_id=self.rules.template))

    def _is_history(self, news: IncidentNews, since: datetime) -> bool:
        """Whether an incident was over, and unknown here, before the page was polled."""
        newest = news.events[-1]
        if not newest.update.status.is_over or newest.update.ordered_at >= since:
            return False
        with self.reports.database.read() as connection:
            return timeline.get_incident(connection, newest.incident.id) is None
