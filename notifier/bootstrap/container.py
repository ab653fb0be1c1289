"""What every process needs: settings, database, queue, and the shared use cases.

Everything is built on first use, and this module imports only what the scheduler needs, so that
processes start fast. Senders are in `bootstrap/mail.py`, `hooks.py` and `posts.py`, imported only
by workers of their queue.
"""

import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier.bootstrap.cached_property import cached_property
from notifier.domain.errors import ConfigError
from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.providers.provider_names import account_label, mail_label
from notifier.domain.recipients.endpoint_health import HealthPolicy
from notifier.domain.values import Channel
from notifier.files import make_private
from notifier.observability import get_logger
from notifier.queueing import embedded
from notifier.queueing.producer import Producer
from notifier.services.dispatch.outcome_journal import OutcomeJournal
from notifier.services.dispatch.plan import BATCH_SIZES, Plan
from notifier.services.dispatch.regroup import Regroup
from notifier.services.dispatch.yield_to_high_priority import YieldToHighPriority
from notifier.services.events.announce import Announce
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.events.ingest import Ingest
from notifier.services.isolation import Isolation
from notifier.services.metrics_buffer import MetricsBuffer
from notifier.services.operations.dead_workers import DeadWorkers
from notifier.services.operations.heartbeat import Heartbeat
from notifier.services.operations.retention import Prune
from notifier.services.operations.sweep import Sweep
from notifier.services.operations.worker_locks import WorkerLocks, this_host
from notifier.services.ports import TaskQueue
from notifier.services.providers.circuits import Circuits
from notifier.services.providers.status import Providers
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.secret_keys import KeyRing
from notifier.services.social.accounts import sync_accounts
from notifier.services.team.reminders import TeamReminders
from notifier.settings import Settings
from notifier.storage.database.engine import Database
from notifier.storage.schema import version

_log = get_logger(__name__)
_SHORT_RANGE = 5_000  # recipients
# How long a probe reserves its place: as long as a request, or a post with its picture, may take.
_PROBE_MARGIN, _POST_SECONDS = 3.0, 60.0


def utc_now() -> datetime:
    """The clock of every process."""
    return datetime.now(UTC)


class Container:
    """One installation, from the view of one process."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self.settings = settings
        self.clock = utc_now
        self._opened = ExitStack()  # closes what was built, newest first

    @cached_property
    def database(self) -> Database:
        """The database of record."""
        self.settings.ensure_data_dir()
        found = Database(self.settings.database_url().get_secret_value())
        self._opened.callback(found.close)
        if found.is_sqlite and found.url.database:
            for suffix in ("", "-wal", "-shm"):
                make_private(Path(found.url.database + suffix))
        return found

    @cached_property
    def schema_fitness(self) -> version.Fitness:
        """Checks whether this version can work with the database's schema."""
        return version.Fitness(self.database)

    def migrate(self) -> None:
        """Upgrade the schema and sync the accounts with the settings; leave no connection open.

        Raises:
            ConfigError: This version cannot upgrade the database.
            UnavailableError: The database does not answer.
        """
        from notifier.storage.schema.migrate import upgrade  # noqa: PLC0415 - loads Alembic

        upgrade(self.database)
        sync_accounts(self.database, self.settings.account_values())
        self.database.close()  # the caller may fork next, and connections must not be shared

    def ensure_ready(self) -> None:
        """Check that schema and secret keys belong to this installation, before doing anything.

        Raises:
            ConfigError: They do not; names the variable and the remedy.
            UnavailableError: The database does not answer.
        """
        self.ensure_schema()
        self.key_ring.check()

    def ensure_schema(self) -> None:
        """Check that the schema is what this version needs; upgrade SQLite at once.

        A server's schema is left to the operator, because other versions may be using it. A newer
        schema is fine: migrations only add.

        Raises:
            ConfigError: A server's schema is missing or older, or a schema differs from its
                migrations.
            UnavailableError: The database does not answer.
        """
        with self.database.read() as connection:
            found = version.state(connection)
        if self.database.is_sqlite and not found.is_fit:
            self.migrate()
        elif fault := self.schema_fitness.fault():
            raise ConfigError("NOTIFIER_DATABASE_URL", fault)
        if found.is_newer:
            _log.warning("schema_newer_than_program", schema=found.revision)

    @cached_property
    def metrics_buffer(self) -> MetricsBuffer:
        """This process's metrics, buffered for the database."""
        found = MetricsBuffer(self.database, self.clock, f"{socket.gethostname()}-{os.getpid()}")
        self._opened.callback(found.close)
        return found

    @cached_property
    def owner(self) -> str:
        """The unique name of this process in its leases; never reused."""
        return f"{this_host()}-{os.getpid()}-{secrets.token_hex(3)}"

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """Sign of life of this process; must be started."""
        return Heartbeat(self.database, self.clock, self.owner)

    @cached_property
    def worker_locks(self) -> WorkerLocks:
        """The locks of this machine's workers."""
        return WorkerLocks(self._workers_folder)

    @property
    def _workers_folder(self) -> Path:
        return self.settings.ensure_data_dir() / "workers"

    @cached_property
    def outcome_journal(self) -> OutcomeJournal:
        """Outcomes that this machine's workers could not write to the database."""
        return OutcomeJournal(self._workers_folder, self.owner)

    @cached_property
    def dead_workers(self) -> DeadWorkers:
        """Ends the leases of dead workers."""
        waits, metrics_sink, locks = self.mail_waits, self.metrics_buffer, self.worker_locks
        return DeadWorkers(self.database, self.clock, waits, metrics_sink, locks, self.outcome_journal)

    @cached_property
    def isolation(self) -> Isolation:
        """Keeps the failure of one unit of work from affecting others."""
        return Isolation(self.database, self.clock)

    @cached_property
    def producer(self) -> Producer:
        """Sends tasks to the workers."""
        found = Producer(self.settings.queue_addresses().broker)
        self._opened.callback(found.close)
        return found

    @property
    def tasks(self) -> TaskQueue:
        """The task queue, as use cases see it."""
        return self.producer

    @cached_property
    def policies(self) -> Mapping[Channel, CoalescePolicy]:
        """The coalescing policy of each channel."""
        return {channel: self.settings.coalesce_policy(channel) for channel in Channel}

    @cached_property
    def translations(self) -> Mapping[Channel, TranslationRule]:
        """Per channel: what to do about a text that lacks the recipient's locale."""
        return {channel: self.settings.translation_rule(channel) for channel in Channel}

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """Keys for tokens and encryption at rest: the first encrypts, all decrypt."""
        return tuple(key.get_secret_value() for key in self.settings.secret_keys())

    @cached_property
    def key_ring(self) -> KeyRing:
        """Checks and rotates those keys."""
        return KeyRing(self.database, self.secret_keys, self.clock)

    @cached_property
    def addresses(self) -> AddressHasher:
        """Hashes addresses."""
        return AddressHasher(self.database)

    @cached_property
    def guard(self) -> BlastGuard:
        """Decides which updates to hold for approval."""
        return BlastGuard(self.settings.guard_policy())

    @cached_property
    def ingest(self) -> Ingest:
        """Stores events."""
        return Ingest(self.database, self.policies, self.clock, self.tasks, self.translations, self.guard)

    @cached_property
    def announce(self) -> Announce:
        """Announces due updates."""
        return Announce(self.database, self.policies, self.clock, self.tasks)

    @cached_property
    def plan(self) -> Plan:
        """Plans audiences."""
        sizes = {**BATCH_SIZES, Channel.EMAIL: self.settings.limits.batch_size}
        plan = Plan(self.database, self.clock, self.tasks, batch_sizes=sizes, isolate=self.isolation)
        # SQLite has one writer: a range must not delay the claims of earlier batches.
        return replace(plan, range_size=10_000, widest=2) if self.database.is_sqlite else plan

    @cached_property
    def yield_to_high_priority(self) -> YieldToHighPriority:
        """Makes low-priority work wait for first attempts."""
        return YieldToHighPriority(self.database, self.clock)

    @cached_property
    def plan_low_priority(self) -> Plan:
        """Plans in short steps, yielding to first attempts in between (SQLite: one writer)."""
        return replace(self.plan, range_size=_SHORT_RANGE, yield_to_high_priority=self.yield_to_high_priority)

    @cached_property
    def regroup(self) -> Regroup:
        """Regroups deliveries that are due again into batches."""
        return Regroup(self.database, self.clock, self.tasks, self.isolation)

    @cached_property
    def circuits(self) -> Mapping[Channel, Circuits]:
        """The shared circuit breakers of providers and accounts."""
        mail, posts = self.settings.limits.mail_timeout + _PROBE_MARGIN, _POST_SECONDS
        evidence = self.settings.mail_evidence
        kept = (self.database, self.clock, self.tasks)
        return {
            Channel.EMAIL: Circuits(*kept, Channel.EMAIL, mail, repeats_doubts=lambda name: not evidence(name)),
            Channel.SOCIAL: Circuits(*kept, Channel.SOCIAL, posts),
        }

    @cached_property
    def providers(self) -> Providers:
        """State of providers and accounts."""
        return Providers(self.database, self.provider_names)

    def provider_names(self) -> Mapping[Channel, Mapping[str, str]]:
        """Configured providers and accounts, by channel, in order: key -> display name."""
        accounts = self.settings.account_values()
        return {
            Channel.EMAIL: {name: mail_label(name) for name in self.settings.deployment.email_providers},
            Channel.SOCIAL: {one.name: account_label(one.platform, one.name) for one in accounts},
        }

    @cached_property
    def team(self) -> TeamReminders:
        """Queues reminders to the people who operate this."""
        return TeamReminders(tuple(self.settings.team.email), has_webhook=bool(self.settings.team.webhook))

    @property
    def health_policy(self) -> HealthPolicy:
        """When to give up on a failing endpoint."""
        wanted = self.settings.webhooks
        return HealthPolicy(
            warn_after=timedelta(seconds=wanted.warn_after), disable_after=timedelta(seconds=wanted.disable_after)
        )

    @cached_property
    def prune(self) -> Prune:
        """Deletes old data."""
        return Prune(self.database, self.clock, self.settings.retention(), isolate=self.isolation)

    @cached_property
    def sweep(self) -> Sweep:
        """The once-a-second sweep."""
        from notifier.bootstrap.sweep import build_sweep  # noqa: PLC0415 - only the scheduler sweeps

        return build_sweep(self)

    def mail_waits(self) -> timedelta:
        """Return how long after its lease a dead worker's mail waits for evidence of delivery."""
        return self.settings.mail_evidence() - self.settings.lease

    def ensure_broker(self) -> None:
        """Start the embedded Redis if none is configured and none runs.

        Raises:
            ConfigError: It does not start.
        """
        addresses = self.settings.queue_addresses()
        if addresses.embedded:
            embedded.ensure(self.settings.data_dir)

    def close(self) -> None:
        """Flush metrics and close connections."""
        self._opened.close()
