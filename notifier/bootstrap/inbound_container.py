"""What only the API process needs: inbound webhooks, provider events, deduplication."""

import hashlib

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.cached_property import cached_property
from notifier.domain.incidents.alert_group import AlertWording
from notifier.inbound import sendgrid_rules
from notifier.inbound.alert_texts import neutral_texts
from notifier.inbound.alertmanager import AlertRules
from notifier.inbound.integrations import ComponentNames
from notifier.queueing.dedup_filter import RedisDedupFilter
from notifier.services.events.deduplicate import DedupFilter, Deduplicate
from notifier.services.events.integrations import IngestAlertmanager, IngestStatuspage
from notifier.services.provider_events.record import RecordProviderEvents
from notifier.services.security.audit import AuditLog


class InboundContainer:
    """The use cases behind an installation's inbound calls."""

    def __init__(self, container: ApiContainer) -> None:
        """Open nothing yet."""
        self._container = container

    @cached_property
    def component_names(self) -> ComponentNames:
        """Maps other systems' component names to ours."""
        return ComponentNames(self._container.settings.components())

    @cached_property
    def alert_rules(self) -> AlertRules:
        """How alerts are read."""
        return AlertRules(components=self.component_names)

    @cached_property
    def alert_wording(self) -> AlertWording:
        """How readers are told of alerts."""
        container = self._container
        return AlertWording(texts=neutral_texts(container.locales), locale=container.vocabulary.default_locale)

    @cached_property
    def statuspage(self) -> IngestStatuspage:
        """Ingests Statuspage webhooks."""
        container = self._container
        return IngestStatuspage(container.database, container.clock, container.ingest)

    @cached_property
    def alerts(self) -> IngestAlertmanager:
        """Ingests Alertmanager webhooks."""
        container = self._container
        return IngestAlertmanager(container.database, container.clock, container.ingest, self.alert_wording)

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
