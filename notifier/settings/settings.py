"""The one object the whole configuration is. Built by `load_settings`; services never see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from notifier.domain.errors import ConfigError
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
from notifier.settings.sources import MaintenanceSection, TeamSection, default_source_rules

_SANDBOX_EVIDENCE = 5.0  # seconds: it reports twice a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that was configured, checked, as values of the domain.

    Reading an attribute touches nothing. Methods that make something say so: `ensure_data_dir`, `secret_keys`,
    `admin_token`.
    """

    config: ConfigFile
    deployment: Deployment
    credentials: Mapping[str, str] = field(repr=False)  # by variable
    home: Path
    config_file: Path | None

    # --- who speaks ---

    def brand(self) -> Brand:
        """The brand in each of its locales."""
        return Brand(**self.config.brand.model_dump(exclude={"templates"}))

    def own_templates(self) -> Path | None:
        """The operator's folder of templates; None without one. It may not exist."""
        named = self.config.brand.templates
        beside = self.config_file.parent if self.config_file else self.home
        return beside / Path(named).expanduser() if named else None

    def components(self) -> tuple[Component, ...]:
        """The parts of the platform, in the order of the file."""
        return tuple(Component(key=section.key, name=section.name) for section in self.config.components)

    def account_values(self) -> tuple[Account, ...]:
        """The social media accounts without their credentials: for planning, which needs neither secret nor network."""
        return tuple(_account(section) for section in self.config.accounts)

    def accounts(self) -> tuple[AccountSpec, ...]:
        """The accounts with what sending needs.

        Raises:
            ConfigError: a credential is missing, or an account lives in a sandbox that is not known to run.
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

    # --- how it speaks ---

    def coalesce_policy(self, channel: Channel) -> CoalescePolicy:
        """How long a channel may hold updates back."""
        coalesce = self.config.coalesce
        overrides = {
            Channel.EMAIL: coalesce.email,
            Channel.SOCIAL: coalesce.social,
            Channel.WEBHOOK: coalesce.webhook,
        }
        return coalesce.policy(overrides[channel])

    def translation_rule(self, channel: Channel) -> TranslationRule:
        """What a channel does about a text that lacks its reader's language; partners get all languages anyway."""
        section = self.config.translation
        own = {Channel.EMAIL: section.email, Channel.SOCIAL: section.social}.get(channel)
        return section.rule(own) if own is not None else TranslationRule()

    @property
    def webhooks(self) -> WebhooksSection:
        """`[webhooks]`: what partners' endpoints may be, and when one that fails is given up."""
        return self.config.webhooks

    def guard_policy(self) -> BlastGuardPolicy:
        """What waits for a person before it goes out."""
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
        """How many tasks of a lane one worker process works on at once."""
        return int(getattr(self.config.workers, queue.value))

    @property
    def webhook_processes(self) -> int:
        """How many processes `notifier up` posts webhooks with."""
        return self.config.workers.webhook_processes

    @property
    def drain_seconds(self) -> float:
        """How long a stopping worker may take for the batch in hand."""
        return self.config.workers.drain

    @property
    def lease(self) -> timedelta:
        """How long a worker holds a batch before others may take it for lost."""
        return timedelta(seconds=self.config.workers.lease)

    def retention(self) -> Retention:
        """How long the ledger keeps what."""
        days = self.config.retention.model_dump()
        return Retention(**{name: timedelta(days=number) if number else None for name, number in days.items()})

    # --- where news comes from ---

    def sources(self) -> tuple[SourceRules, ...]:
        """The sources that are configured; others work with the defaults of `source_rules`."""
        return tuple(section.rules() for section in self.config.sources)

    def source_rules(self, kind: SourceKind, name: str) -> SourceRules | None:
        """The rules of a source, configured or not; None when that name is configured as another kind."""
        found = next((section for section in self.config.sources if section.name == name), None)
        if found is None:
            return default_source_rules(kind, name)
        return found.rules() if found.kind is kind else None

    def upstreams(self) -> tuple[UpstreamRules, ...]:
        """The status pages of other providers that are polled."""
        return tuple(section.rules() for section in self.config.upstreams)

    def templates(self) -> tuple[Template, ...]:
        """The prepared texts of the file."""
        return tuple(section.template() for section in self.config.templates)

    def draft_rules(self) -> DraftRules:
        """How long drafts and signals may take."""
        return self.config.drafts.rules()

    @property
    def maintenance(self) -> MaintenanceSection:
        """`[maintenance]`: what planned work does by itself, unless its event says otherwise."""
        return self.config.maintenance

    @property
    def team(self) -> TeamSection:
        """`[team]`: where the people who operate this are reminded."""
        return self.config.team

    # --- whom it is handed to ---

    def email_providers(self) -> tuple[EmailProviderSpec, ...]:
        """The mail providers in the order of failing over.

        Raises:
            ConfigError: a provider lacks its key or address, or the sandbox is not known to run.
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
        """The key that signs SendGrid's events (base64 DER), None where none is known."""
        configured = self.deployment.sendgrid_event_public_key
        if configured is not None or SANDBOX not in self.deployment.email_providers:
            return configured
        running = announced_sandbox(self.data_dir)
        return running.event_public_key if running else None

    def mail_evidence(self, provider: str | None = None) -> timedelta:
        """How long to wait for events that tell what became of a request without an answer; zero where none come.

        Args:
            provider: Whose request it was; by default, that of a worker that vanished with it.
        """
        reporting = SANDBOX if SANDBOX in self.deployment.email_providers else "sendgrid"
        if (provider or reporting) != reporting or self.event_public_key() is None:
            return timedelta(0)
        seconds = self.limits.mail_evidence
        return timedelta(seconds=min(seconds, _SANDBOX_EVIDENCE) if reporting == SANDBOX else seconds)

    @property
    def uses_sandbox(self) -> bool:
        """Whether a provider or an account is the local stand-in."""
        in_sandbox = any(section.base_url == SANDBOX for section in self.config.accounts)
        return in_sandbox or SANDBOX in self.deployment.email_providers

    def sandbox_url(self) -> str:
        """Where the sandbox listens: NOTIFIER_SANDBOX_URL, else what a running `notifier up` announced.

        Raises:
            ConfigError: neither is there.
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
        """Refuse a provider or an account that lacks what it needs (the sandbox apart, which starts later)."""
        for name in self.deployment.email_providers:
            if name != SANDBOX:
                self._email_provider(name)
        for section in self.config.accounts:
            if section.base_url != SANDBOX:
                self._credentials_of(section)

    # --- where things are ---

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute; it may not exist yet."""
        return self.home / Path(self.deployment.data_dir).expanduser()

    def ensure_data_dir(self) -> Path:
        """Make the data folder (mode 0700) unless it is there.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            return private_dir(self.data_dir)
        except OSError as error:
            raise ConfigError("NOTIFIER_DATA_DIR", f"{self.data_dir} cannot be used: {error.strerror}") from error

    def database_url(self) -> SecretStr:
        """The database: SQLite in the data folder unless configured."""
        return self.deployment.database_url or SecretStr(f"sqlite:///{self.data_dir / 'notifier.sqlite3'}")

    def queue_addresses(self) -> QueueAddresses:
        """Where broker and Redis are; starts nothing."""
        redis, broker = self.deployment.redis_url, self.deployment.broker_url
        return queue_addresses(
            data_dir=self.data_dir,
            redis_url=redis.get_secret_value() if redis else None,
            broker_url=broker.get_secret_value() if broker else None,
        )

    def url(self, path: str) -> str:
        """The public address of a path such as `/en/incidents/inc-1`."""
        return f"{self.deployment.public_url}/{path.lstrip('/')}"

    # --- keys ---

    def secret_keys(self) -> tuple[SecretStr, ...]:
        """Keys for tokens and encryption at rest: the first signs, all verify. Made on first use unless configured."""
        if self.deployment.secret_keys:
            return self.deployment.secret_keys
        return generated(self.ensure_data_dir(), "secret-keys", "NOTIFIER_SECRET_KEYS")

    def admin_token(self) -> SecretStr:
        """The API key with all scopes. Made on first use unless configured."""
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
