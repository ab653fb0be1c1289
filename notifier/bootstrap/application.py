"""What every process of an installation has: settings, database, queue, and the use cases that need no sender.

Everything is built on first use, so that a process opens only what it works with. Senders are built in
`bootstrap/worker.py`: the API never imports a provider's library.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import text

from notifier.bootstrap.once import once
from notifier.channels.base import SessionStore
from notifier.channels.webhook import EngineLimits, TargetPolicy, Timeouts, WebhookEngine, validate_headers
from notifier.domain.coalesce import CoalescePolicy
from notifier.domain.errors import UnavailableError
from notifier.domain.subscriber import Vocabulary
from notifier.domain.values import Channel
from notifier.inbound.events import check_known, parse_event
from notifier.queueing import embedded
from notifier.queueing.producer import Producer
from notifier.rendering.renderer import Renderer
from notifier.resources import locales_dir, templates_dir
from notifier.services.accounts import sync_accounts
from notifier.services.addresses import AddressKeys
from notifier.services.announce import Announce
from notifier.services.api_keys import ApiKeys
from notifier.services.endpoint_secrets import EndpointSecrets
from notifier.services.endpoint_tests import EndpointTests
from notifier.services.endpoints import Endpoints
from notifier.services.gather import Gather
from notifier.services.history import History
from notifier.services.ingest import Ingest, Receipt
from notifier.services.links import Links
from notifier.services.plan import BATCH_SIZES, Plan
from notifier.services.ports import Nudge
from notifier.services.replay import Replay
from notifier.services.secretbox import SecretBox
from notifier.services.sessions import AccountSessions
from notifier.services.subscribers import Subscribers
from notifier.services.sweep import Sweep
from notifier.services.tokens import Tokens
from notifier.settings import Settings
from notifier.storage import schema
from notifier.storage.engine import Database


def utc_now() -> datetime:
    """The clock of every process."""
    return datetime.now(UTC)


class Application:
    """One installation, as one process sees it."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self.settings = settings
        self.clock = utc_now

    @once
    def database(self) -> Database:
        """The ledger."""
        self.settings.ensure_data_dir()
        return Database(self.settings.database_url().get_secret_value())

    @once
    def producer(self) -> Producer:
        """The way to the workers."""
        return Producer(self.settings.queue_addresses().broker)

    @property
    def nudge(self) -> Nudge:
        """The producer, as use cases see it."""
        return self.producer

    @once
    def policies(self) -> Mapping[Channel, CoalescePolicy]:
        """The coalescing policy of each channel."""
        return {channel: self.settings.coalesce_policy(channel) for channel in Channel}

    @once
    def component_keys(self) -> frozenset[str]:
        """The parts of the platform that events and preferences may name."""
        return frozenset(component.key for component in self.settings.components())

    @once
    def locales(self) -> frozenset[str]:
        """The locales offered."""
        return frozenset(self.settings.brand().locales)

    @once
    def ingest(self) -> Ingest:
        """Take events in."""
        return Ingest(self.database, self.policies, self.clock, self.nudge)

    @once
    def announce(self) -> Announce:
        """Look at windows that end."""
        return Announce(self.database, self.policies, self.clock, self.nudge)

    @once
    def plan(self) -> Plan:
        """Plan audiences."""
        sizes = {**BATCH_SIZES, Channel.EMAIL: self.settings.limits.batch_size}
        return Plan(self.database, self.clock, self.nudge, batch_sizes=sizes)

    @once
    def gather(self) -> Gather:
        """Make batches of what is due again."""
        return Gather(self.database, self.clock, self.nudge)

    @once
    def sweep(self) -> Sweep:
        """See that everything happens."""
        return Sweep(self.database, self.clock, self.nudge, self.announce, self.gather)

    @once
    def history(self) -> History:
        """What happened."""
        return History(self.database)

    @once
    def replay(self) -> Replay:
        """Send again."""
        return Replay(self.database, self.clock, self.gather)

    @once
    def secret_keys(self) -> tuple[str, ...]:
        """Keys for tokens and encryption at rest: the first makes, all open."""
        return tuple(key.get_secret_value() for key in self.settings.secret_keys())

    @once
    def api_keys(self) -> ApiKeys:
        """Who may call."""
        return ApiKeys(self.database, self.clock, self.settings.admin_token().get_secret_value())

    @once
    def tokens(self) -> Tokens:
        """Signed links."""
        return Tokens(self.secret_keys, self.clock)

    @once
    def links(self) -> Links:
        """The links a message carries."""
        return Links(self.settings.deployment.public_url, self.tokens)

    @once
    def renderer(self) -> Renderer:
        """Words every message."""
        settings = self.settings
        return Renderer(
            settings.brand(),
            settings.components(),
            settings.deployment.public_url,
            templates_dir(),
            locales_dir(),
        )

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
    def addresses(self) -> AddressKeys:
        """Hashes addresses."""
        return AddressKeys(self.database)

    @once
    def subscribers(self) -> Subscribers:
        """Who listens."""
        return Subscribers(self.database, self.clock, self.vocabulary, self.addresses)

    @once
    def endpoint_secrets(self) -> EndpointSecrets:
        """Opens what endpoints' rows keep sealed."""
        return EndpointSecrets(SecretBox(self.secret_keys, "endpoint"))

    @once
    def endpoints(self) -> Endpoints:
        """Partners' endpoints."""
        return Endpoints(
            self.database,
            self.clock,
            self.vocabulary,
            self.endpoint_secrets,
            vet=self.engine.check_url,
            check_headers=validate_headers,
        )

    @once
    def endpoint_tests(self) -> EndpointTests:
        """Tests of endpoints, at somebody's request."""
        return EndpointTests(self.endpoints, self.renderer, self.engine, self.clock)

    @once
    def engine(self) -> WebhookEngine:
        """The webhook engine: one per process; opens nothing before its first use."""
        limits = EngineLimits(timeouts=Timeouts(total=self.settings.limits.webhook_timeout))
        policy = TargetPolicy(allow_networks=self.settings.webhook_networks())
        return WebhookEngine(policy=policy, limits=limits)

    @once
    def sessions(self) -> SessionStore:
        """Logins at providers, encrypted at rest."""
        return AccountSessions(self.database, SecretBox(self.secret_keys, "account session"), self.clock)

    def publish(self, body: bytes | str) -> Receipt:
        """Take one event as JSON.

        Raises:
            InvalidInputError: names every field at fault.
            UnavailableError: the database does not answer; nothing was stored.
        """
        event = parse_event(body, now=self.clock())
        check_known(event, self.component_keys, self.locales)
        return self.ingest(event)

    def migrate(self) -> None:
        """Bring the schema up to date, and the accounts in line with the settings."""
        schema.upgrade(self.database)
        sync_accounts(self.database, self.settings.account_values())

    def readiness(self) -> dict[str, str]:
        """Return what each store says: `ok`, or one sentence."""
        return {"database": self._database_state(), "broker": self._broker_state()}

    def _database_state(self) -> str:
        try:
            with self.database.read() as connection:
                connection.execute(text("SELECT 1"))
            found = schema.current(self.database)
        except UnavailableError as error:
            return str(error)
        return "ok" if found == schema.head() else f"schema {found or 'missing'}: run `notifier db upgrade`"

    def _broker_state(self) -> str:
        return "ok" if self.producer.is_reachable() else "the broker does not answer"

    def ensure_broker(self) -> None:
        """Start the embedded Redis where none is configured and none runs.

        Raises:
            ConfigError: it does not start.
        """
        addresses = self.settings.queue_addresses()
        if addresses.embedded:
            embedded.ensure(self.settings.data_dir)

    def close(self) -> None:
        """Let go of connections."""
        if "engine" in self.__dict__:
            self.engine.close()
        if "producer" in self.__dict__:
            self.producer.close()
        if "database" in self.__dict__:
            self.database.close()
