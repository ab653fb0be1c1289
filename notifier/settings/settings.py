"""The whole configuration as one object. Built by `load_settings`; services never see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from notifier.domain.errors import ConfigError
from notifier.domain.incidents.automation import AutomationRules
from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.messages.brand import Account, Brand, Component, Retention
from notifier.domain.proposals.source_rules import DraftRules, SourceKind, SourceRules, UpstreamRules
from notifier.domain.proposals.template import Template
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import Channel, QueueName
from notifier.files import private_dir
from notifier.queueing.addresses import QueueAddresses, queue_addresses
from notifier.settings.config_file import SANDBOX, AccountSection, ConfigFile, LimitsSection, WebhooksSection
from notifier.settings.deployment import Deployment, Network
from notifier.settings.environment import CREDENTIAL_FIELDS, account_variable
from notifier.settings.keys import generated
from notifier.settings.providers import (
    USUAL_BASE_URLS,
    AccountSpec,
    EmailProviderSpec,
    SendGridSpec,
    smtp_spec,
)
from notifier.settings.sandbox import SENDGRID_API_KEY, announced_sandbox, sandbox_credentials
from notifier.settings.sources import TeamSection, default_source_rules

_SANDBOX_EVIDENCE = 5.0  # seconds: the sandbox reports twice a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The checked configuration, as domain values.

    Attributes have no side effects. Methods that create something are named for it:
    `ensure_data_dir`, `secret_keys`, `admin_token`.
    """

    config: ConfigFile
    deployment: Deployment
    credentials: Mapping[str, str] = field(repr=False)  # by variable
    home: Path
    config_file: Path | None

    # --- brand, components and accounts ---

    def brand(self) -> Brand:
        """The brand in each of its locales."""
        return Brand(**self.config.brand.model_dump(exclude={"templates"}))

    def own_templates(self) -> Path | None:
        """The operator's template folder, which may not exist; None if not configured."""
        named = self.config.brand.templates
        beside = self.config_file.parent if self.config_file else self.home
        return beside / Path(named).expanduser() if named else None

    def components(self) -> tuple[Component, ...]:
        """The components, in the order of the file."""
        return tuple(Component(key=section.key, name=section.name) for section in self.config.components)

    def account_values(self) -> tuple[Account, ...]:
        """The social accounts without credentials; planning needs neither secrets nor network."""
        return tuple(_account(section) for section in self.config.accounts)

    def accounts(self) -> tuple[AccountSpec, ...]:
        """The accounts with everything needed to send.

        Raises:
            ConfigError: A credential is missing, or an account's sandbox is not known to run.
        """
        return tuple(self._account_spec(section) for section in self.config.accounts)

    def _account_spec(self, section: AccountSection) -> AccountSpec:
        account = _account(section)
        if section.base_url == SANDBOX:
            keys = sandbox_credentials(section.platform, section.name)
            return AccountSpec(account=account, base_url=self.sandbox_url(), credentials=keys, in_sandbox=True)
        base_url = section.base_url or USUAL_BASE_URLS[section.platform]
        return AccountSpec(account=account, base_url=base_url, credentials=self._credentials_of(section))

    def _credentials_of(self, section: AccountSection) -> dict[str, SecretStr]:
        found = {}
        for name in CREDENTIAL_FIELDS[section.platform]:
            variable = account_variable(section.name, name)
            if variable not in self.credentials:
                raise ConfigError(variable, f"is missing: the account {section.name!r} cannot post without it")
            found[name] = SecretStr(self.credentials[variable])
        return found

    # --- channels, limits and workers ---

    def coalesce_policy(self, channel: Channel) -> CoalescePolicy:
        """A channel's coalescing policy."""
        coalesce = self.config.coalesce
        overrides = {
            Channel.EMAIL: coalesce.email,
            Channel.SOCIAL: coalesce.social,
            Channel.WEBHOOK: coalesce.webhook,
        }
        return coalesce.policy(overrides[channel])

    def translation_rule(self, channel: Channel) -> TranslationRule:
        """A channel's rule for texts not in the reader's language; partners get all languages."""
        section = self.config.translation
        own = {Channel.EMAIL: section.email, Channel.SOCIAL: section.social}.get(channel)
        return section.rule(own) if own is not None else TranslationRule()

    @property
    def webhooks(self) -> WebhooksSection:
        """`[webhooks]`: allowed endpoints, and when a failing one is disabled."""
        return self.config.webhooks

    def guard_policy(self) -> BlastGuardPolicy:
        """What the blast guard holds for an operator's release."""
        section = self.config.guard
        return BlastGuardPolicy(
            hold_above=section.hold_above or None,
            needs_announce=section.needs_announce,
            hold_older_than=timedelta(seconds=section.hold_older_than) if section.hold_older_than else None,
        )

    @property
    def limits(self) -> LimitsSection:
        """`[limits]`: sizes in bytes, times in seconds."""
        return self.config.limits

    def concurrency(self, queue: QueueName) -> int:
        """The number of concurrent tasks of a queue per worker process."""
        return int(getattr(self.config.workers, queue.value))

    @property
    def webhook_processes(self) -> int:
        """The number of webhook processes that `notifier up` starts."""
        return self.config.workers.webhook_processes

    @property
    def drain_seconds(self) -> float:
        """How long a stopping worker may take to finish its batch."""
        return self.config.workers.drain

    @property
    def lease(self) -> timedelta:
        """How long a worker may hold a batch before it counts as lost."""
        return timedelta(seconds=self.config.workers.lease)

    def retention(self) -> Retention:
        """How long data is kept, by kind."""
        days = self.config.retention.model_dump()
        return Retention(**{name: timedelta(days=number) if number else None for name, number in days.items()})

    # --- sources of events ---

    def sources(self) -> tuple[SourceRules, ...]:
        """The configured sources; others use the defaults of `source_rules`."""
        return tuple(section.rules() for section in self.config.sources)

    def source_rules(self, kind: SourceKind, name: str) -> SourceRules | None:
        """The rules of a source, configured or not; None if the name is of another kind."""
        found = next((section for section in self.config.sources if section.name == name), None)
        if found is None:
            return default_source_rules(kind, name)
        return found.rules() if found.kind is kind else None

    def upstreams(self) -> tuple[UpstreamRules, ...]:
        """The polled status pages of other providers."""
        return tuple(section.rules() for section in self.config.upstreams)

    def templates(self) -> tuple[Template, ...]:
        """The prepared texts of the file."""
        return tuple(section.template() for section in self.config.templates)

    def draft_rules(self) -> DraftRules:
        """The time limits of drafts and signals."""
        return self.config.drafts.rules()

    @property
    def maintenance(self) -> AutomationRules:
        """`[maintenance]`: automation of planned work, unless its event overrides it."""
        return self.config.maintenance.rules()

    @property
    def team(self) -> TeamSection:
        """`[team]`: where operators get reminders."""
        return self.config.team

    # --- providers ---

    def email_providers(self) -> tuple[EmailProviderSpec, ...]:
        """The mail providers in failover order.

        Raises:
            ConfigError: A provider lacks its key or address, or the sandbox is not known to run.
        """
        return tuple(self._email_provider(name) for name in self.deployment.email_providers)

    def _email_provider(self, name: str) -> EmailProviderSpec:
        if name == SANDBOX:
            return SendGridSpec(name=SANDBOX, url=self.sandbox_url(), api_key=SENDGRID_API_KEY)
        if name == "sendgrid":
            key = self.deployment.sendgrid_api_key
            if key is None:
                raise ConfigError("NOTIFIER_SENDGRID_API_KEY", "is missing: NOTIFIER_EMAIL_PROVIDERS names sendgrid")
            return SendGridSpec(name=name, url=self.deployment.sendgrid_url, api_key=key)
        url = self.deployment.smtp_url
        if url is None:
            raise ConfigError("NOTIFIER_SMTP_URL", "is missing: NOTIFIER_EMAIL_PROVIDERS names smtp")
        return smtp_spec(url)

    def webhook_networks(self) -> tuple[Network, ...]:
        """Networks that webhooks may reach besides public addresses."""
        return self.deployment.webhook_allow_networks

    def event_public_key(self) -> str | None:
        """The public key of SendGrid's event signatures (base64 DER), if known."""
        configured = self.deployment.sendgrid_event_public_key
        if configured is not None or SANDBOX not in self.deployment.email_providers:
            return configured
        running = announced_sandbox(self.data_dir)
        return running.event_public_key if running else None

    def mail_evidence(self, provider: str | None = None) -> timedelta:
        """How long to wait for a provider's events about a request without an answer.

        Zero if it sends no events.

        Args:
            provider: The request's provider; by default, that of a dead worker's request.
        """
        reporting = SANDBOX if SANDBOX in self.deployment.email_providers else "sendgrid"
        if (provider or reporting) != reporting or self.event_public_key() is None:
            return timedelta(0)
        seconds = self.limits.mail_evidence
        return timedelta(seconds=min(seconds, _SANDBOX_EVIDENCE) if reporting == SANDBOX else seconds)

    @property
    def uses_sandbox(self) -> bool:
        """Whether any provider or account is the local sandbox."""
        in_sandbox = any(section.base_url == SANDBOX for section in self.config.accounts)
        return in_sandbox or SANDBOX in self.deployment.email_providers

    def sandbox_url(self) -> str:
        """The sandbox's URL: NOTIFIER_SANDBOX_URL, or what a running `notifier up` announced.

        Raises:
            ConfigError: Neither exists.
        """
        if self.deployment.sandbox_url is not None:
            return self.deployment.sandbox_url
        running = announced_sandbox(self.data_dir)
        if running is None:
            raise ConfigError(
                "NOTIFIER_SANDBOX_URL", "no sandbox runs here: start `notifier up`, or say where one listens"
            )
        return running.url

    def check_providers(self) -> None:
        """Reject incomplete providers and accounts, except the sandbox's, which starts later."""
        for name in self.deployment.email_providers:
            if name != SANDBOX:
                self._email_provider(name)
        for section in self.config.accounts:
            if section.base_url != SANDBOX:
                self._credentials_of(section)

    # --- data folder, database, queue and URLs ---

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute; it may not exist yet."""
        return self.home / Path(self.deployment.data_dir).expanduser()

    def ensure_data_dir(self) -> Path:
        """Create the data folder (mode 0700) if it is missing.

        Raises:
            ConfigError: It cannot be created.
        """
        try:
            return private_dir(self.data_dir)
        except OSError as error:
            raise ConfigError("NOTIFIER_DATA_DIR", f"{self.data_dir} cannot be used: {error.strerror}") from error

    def database_url(self) -> SecretStr:
        """The database URL; by default SQLite in the data folder."""
        return self.deployment.database_url or SecretStr(f"sqlite:///{self.data_dir / 'notifier.sqlite3'}")

    def queue_addresses(self) -> QueueAddresses:
        """The addresses of broker and Redis; starts nothing."""
        redis, broker = self.deployment.redis_url, self.deployment.broker_url
        return queue_addresses(
            data_dir=self.data_dir,
            redis_url=redis.get_secret_value() if redis else None,
            broker_url=broker.get_secret_value() if broker else None,
        )

    def url(self, path: str) -> str:
        """Return the public URL of a path such as `/en/incidents/inc-1`."""
        return f"{self.deployment.public_url}/{path.lstrip('/')}"

    # --- keys ---

    def secret_keys(self) -> tuple[SecretStr, ...]:
        """Keys for tokens and encryption at rest: the first signs, all verify.

        Generated on first use unless configured.
        """
        if self.deployment.secret_keys:
            return self.deployment.secret_keys
        return generated(self.ensure_data_dir(), "secret-keys", "NOTIFIER_SECRET_KEYS")

    def admin_token(self) -> SecretStr:
        """The API key with all scopes; generated on first use unless configured."""
        configured = self.deployment.admin_token
        return configured or generated(self.ensure_data_dir(), "admin-token", "NOTIFIER_ADMIN_TOKEN")[0]


def _account(section: AccountSection) -> Account:
    return Account(
        name=section.name,
        platform=section.platform,
        locale=section.languages[0],
        locales=tuple(section.locales),
        with_link=section.with_link,
        with_card=section.with_card,
        hashtags=section.hashtags,
    )
