"""Who listens, and the trail of who changed what: all that a long list needs, and nothing that words or sends."""

from importlib import import_module

from notifier.bootstrap.core import Core
from notifier.bootstrap.once import once
from notifier.domain.errors import ConfigError
from notifier.domain.subscriber import Vocabulary
from notifier.services.accounts import sync_accounts
from notifier.services.audit import Actor, AuditLog
from notifier.services.policy_audit import PolicyAudit
from notifier.services.subscriber_export import ExportSubscribers
from notifier.services.subscriber_import import ImportSubscribers
from notifier.services.subscribers import Subscribers
from notifier.storage import revision


class People(Core):
    """One installation, as `notifier subscribers` sees it."""

    @once
    def component_keys(self) -> frozenset[str]:
        """The parts of the platform that events and preferences may name."""
        return frozenset(component.key for component in self.settings.components())

    @once
    def locales(self) -> frozenset[str]:
        """The locales offered."""
        return frozenset(self.settings.brand().locales)

    @once
    def vocabulary(self) -> Vocabulary:
        """The words subscribers and endpoints may use."""
        brand = self.settings.brand()
        return Vocabulary(
            components=self.component_keys,
            locales=self.locales,
            default_locale=brand.default_locale,
            default_timezone=brand.timezone,
        )

    @once
    def subscribers(self) -> Subscribers:
        """Who listens."""
        return Subscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @once
    def subscriber_import(self) -> ImportSubscribers:
        """Lists in."""
        return ImportSubscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @once
    def subscriber_export(self) -> ExportSubscribers:
        """Lists out."""
        return ExportSubscribers(self.database)

    @once
    def audit(self) -> AuditLog:
        """Who changed what."""
        return AuditLog(self.database, self.addresses.load())

    def note_policy(self, actor: Actor) -> None:
        """Let the audit trail know the configuration that is in force from now on, if it is another than before."""
        deployment = self.settings.deployment
        further = {"public_url", "email_providers", "webhook_allow_networks"}
        policy = self.settings.house.model_dump(mode="json") | deployment.model_dump(mode="json", include=further)
        PolicyAudit(self.database, self.clock)(policy, actor)

    def migrate(self) -> None:
        """Bring the schema up to date, and the accounts in line with the settings; leaves no connection open."""
        import_module("notifier.storage.schema").upgrade(self.database)  # loads what only migrations need
        sync_accounts(self.database, self.settings.account_values())
        self.database.close()  # who migrates may fork next, and a connection is nothing to share

    def ensure_schema(self) -> None:
        """See that the schema is the one this version needs; a database of one machine is brought up to date at once.

        A server's schema is left to the operator: other versions may be running on it.

        Raises:
            ConfigError: a server's schema is missing or of another version.
            UnavailableError: the database does not answer.
        """
        found = revision.current(self.database)
        if found == revision.HEAD:
            return
        if not self.database.is_sqlite:
            raise ConfigError("NOTIFIER_DATABASE_URL", f"schema {found or 'missing'}: run `notifier db upgrade`")
        self.migrate()
