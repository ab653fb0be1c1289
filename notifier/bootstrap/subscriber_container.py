"""Who listens, and the trail of who changed what: all that a long list needs, and nothing that words or sends."""

from notifier.bootstrap.cached_property import cached_property
from notifier.bootstrap.container import Container
from notifier.domain.recipients.subscriber import Vocabulary
from notifier.services.operations.policy_audit import PolicyAudit
from notifier.services.security.audit import Actor, AuditLog
from notifier.services.subscribers.bulk_export import ExportSubscribers
from notifier.services.subscribers.bulk_import import ImportSubscribers
from notifier.services.subscribers.manage import Subscribers


class SubscriberContainer(Container):
    """One installation, as `notifier subscribers` sees it."""

    @cached_property
    def component_keys(self) -> frozenset[str]:
        """The parts of the platform that events and preferences may name."""
        return frozenset(component.key for component in self.settings.components())

    @cached_property
    def locales(self) -> frozenset[str]:
        """The locales offered."""
        return frozenset(self.settings.brand().locales)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words subscribers and endpoints may use."""
        brand = self.settings.brand()
        return Vocabulary(
            components=self.component_keys,
            locales=self.locales,
            default_locale=brand.default_locale,
            default_timezone=brand.timezone,
        )

    @cached_property
    def subscribers(self) -> Subscribers:
        """Who listens."""
        return Subscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @cached_property
    def subscriber_import(self) -> ImportSubscribers:
        """Lists in."""
        return ImportSubscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @cached_property
    def subscriber_export(self) -> ExportSubscribers:
        """Lists out."""
        return ExportSubscribers(self.database)

    @cached_property
    def audit(self) -> AuditLog:
        """Who changed what."""
        return AuditLog(self.database, self.addresses.load())

    def note_policy(self, actor: Actor) -> None:
        """Let the audit trail know the configuration that is in force from now on, if it is another than before."""
        deployment = self.settings.deployment
        further = {"public_url", "email_providers", "webhook_allow_networks"}
        policy = self.settings.house.model_dump(mode="json") | deployment.model_dump(mode="json", include=further)
        PolicyAudit(self.database, self.clock)(policy, actor)
