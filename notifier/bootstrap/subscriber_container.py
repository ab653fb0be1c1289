"""Subscribers and the audit trail: what a long list needs, without rendering or sending."""

from notifier.bootstrap.cached_property import cached_property
from notifier.bootstrap.container import Container
from notifier.domain.recipients.subscriber import Vocabulary
from notifier.services.operations.policy_audit import PolicyAudit
from notifier.services.security.audit import Actor, AuditLog
from notifier.services.subscribers.bulk_export import ExportSubscribers
from notifier.services.subscribers.bulk_import import ImportSubscribers
from notifier.services.subscribers.manage import Subscribers


class SubscriberContainer(Container):
    """One installation, for `notifier subscribers`."""

    @cached_property
    def component_keys(self) -> frozenset[str]:
        """Component keys that events and preferences may use."""
        return frozenset(component.key for component in self.settings.components())

    @cached_property
    def locales(self) -> frozenset[str]:
        """The offered locales."""
        return frozenset(self.settings.brand().locales)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Values that subscribers and endpoints may use."""
        brand = self.settings.brand()
        return Vocabulary(
            components=self.component_keys,
            locales=self.locales,
            default_locale=brand.default_locale,
            default_timezone=brand.timezone,
        )

    @cached_property
    def subscribers(self) -> Subscribers:
        """Manages subscribers."""
        return Subscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @cached_property
    def subscriber_import(self) -> ImportSubscribers:
        """Imports lists."""
        return ImportSubscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @cached_property
    def subscriber_export(self) -> ExportSubscribers:
        """Exports lists."""
        return ExportSubscribers(self.database)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit trail."""
        return AuditLog(self.database, self.addresses.load())

    def note_policy(self, actor: Actor) -> None:
        """Record the configuration in the audit trail if it changed."""
        deployment = self.settings.deployment
        further = {"public_url", "email_providers", "webhook_allow_networks"}
        policy = self.settings.config.model_dump(mode="json") | deployment.model_dump(mode="json", include=further)
        PolicyAudit(self.database, self.clock).record(policy, actor)
