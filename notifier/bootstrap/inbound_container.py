"""What only the API process needs: inbound webhooks, provider events, deduplication."""

import hashlib

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.cached_property import cached_property
from notifier.bootstrap.proposals import build_reports
from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.proposals.source_rules import SourceKind
from notifier.inbound import sendgrid_rules
from notifier.inbound.integrations import ComponentNames
from notifier.inbound.sources.alert_texts import neutral_texts
from notifier.inbound.sources.requests import ReadingRules
from notifier.queueing.dedup_filter import RedisDedupFilter
from notifier.services.events.deduplicate import DedupFilter, Deduplicate
from notifier.services.events.integrations import IngestStatuspage
from notifier.services.provider_events.record import RecordProviderEvents
from notifier.services.security.audit import AuditLog
from notifier.services.signals.manage import Signals
from notifier.services.signals.publish_report import PublishReport
from notifier.services.signals.take_once import TakeOnce
from notifier.services.signals.take_report import TakeReport


class InboundContainer:
    """The use cases behind an installation's inbound calls."""

    def __init__(self, container: ApiContainer) -> None:
        """Open nothing yet."""
        self._container = container

    @cached_property
    def component_names(self) -> ComponentNames:
        """Maps other systems' component names to ours."""
        return ComponentNames(self._container.settings.components())

    def reading(self, kind: SourceKind, source: str, locale: str | None) -> ReadingRules:
        """Return how to read a source: as it is configured, or with the defaults.

        Raises:
            InvalidInputError: The source is configured as another kind, or the locale is not offered.
        """
        rules, vocabulary = self._container.settings.source_rules(kind, source), self._container.vocabulary
        if rules is None:
            raise InvalidInputError([FieldError("kind", f"source {source!r} is configured as another kind")])
        if locale is not None and locale not in vocabulary.locales:
            raise InvalidInputError([FieldError("locale", vocabulary.locale_fault(locale))])
        written = rules.languages[0] if rules.languages else rules.locale
        language = locale or written or vocabulary.default_locale
        return ReadingRules(source=rules, components=self.component_names, locale=language)

    @cached_property
    def reports(self) -> TakeReport:
        """Turns reports into signals and drafts."""
        return build_reports(self._container)

    @cached_property
    def signals(self) -> Signals:
        """Signals."""
        return Signals(self._container.database, self._container.clock, self.reports.proposals)

    @cached_property
    def publishing(self) -> PublishReport:
        """Announces the reports of sources that may."""
        texts = neutral_texts(self._container.locales)
        return PublishReport(self.reports, self._container.ingest, texts)

    @cached_property
    def messages(self) -> TakeOnce:
        """Tells messages that come again."""
        return TakeOnce(self._container.database, self._container.clock)

    @cached_property
    def statuspage(self) -> IngestStatuspage:
        """Ingests Statuspage webhooks."""
        container = self._container
        return IngestStatuspage(container.database, container.clock, container.ingest)

    @cached_property
    def feedback(self) -> RecordProviderEvents:
        """Records SendGrid events."""
        container = self._container
        return RecordProviderEvents(container.database, container.clock, container.addresses, sendgrid_rules)

    @cached_property
    def repeats(self) -> Deduplicate:
        """Answers repeated events."""
        return Deduplicate(self._container.database)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit trail."""
        return self._container.audit

    @cached_property
    def seen(self) -> DedupFilter:
        """The shared filter for repeats. Build it in a thread: it queries the database."""
        pepper = self._container.addresses.load()
        namespace = hashlib.sha256(b"seen events" + pepper).hexdigest()[:16]
        return RedisDedupFilter(self._container.settings.queue_addresses().redis, namespace)
