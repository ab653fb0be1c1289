"""Mail: providers in failover order, and batch attempts."""

import hashlib
from collections.abc import Sequence

from notifier.bootstrap.container import Container
from notifier.bootstrap.words import build_renderer
from notifier.channels.base import MailSender
from notifier.channels.email.sendgrid import SendGridSender
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.channels.team_webhook import TeamWebhook
from notifier.domain.messages.transactional_mail import ABOUT_ENDPOINTS, TransactionalKind
from notifier.domain.values import Channel
from notifier.queueing.rate_limiter import RedisRateLimiter
from notifier.services.dispatch.email import MailAttempt
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.endpoints.mails import EndpointMails, MailWriterByKind
from notifier.services.mail.failover import ProviderFailover
from notifier.services.mail.links import Links
from notifier.services.mail.transactional import SendTransactionalMail, Writer
from notifier.services.ports import Clock
from notifier.services.security.signed_tokens import Tokens
from notifier.services.subscribers.mails import SubscriberMails
from notifier.services.team.reminders import TeamMails
from notifier.services.team.webhook import PostTeamReminders
from notifier.settings import EmailProviderSpec, SendGridSpec

_SANDBOX_PATH = "/sendgrid"


def build(container: Container, record: RecordOutcome) -> MailAttempt:
    """Build the batch attempt; opens nothing.

    Raises:
        ConfigError: A provider lacks its key or address.
    """
    links = Links(container.settings.deployment.public_url, Tokens(container.secret_keys, container.clock))
    renderer, lease = build_renderer(container), container.settings.lease
    evidence = container.settings.mail_evidence
    return MailAttempt(container.database, container.clock, renderer, links, _route(container), record, lease, evidence)


def build_transactional_mail(container: Container) -> SendTransactionalMail:
    """Build the sender of transactional mail; opens nothing.

    Raises:
        ConfigError: A provider lacks its key or address.
    """
    public_url = container.settings.deployment.public_url
    brand = container.settings.brand()
    to_subscribers = SubscriberMails(container.addresses, Tokens(container.secret_keys, container.clock), public_url)
    to_owners = EndpointMails(public_url, brand.default_locale, brand.timezone, container.health_policy)
    to_team = TeamMails(tuple(container.settings.team.email), brand.default_locale, brand.timezone)
    writers: dict[TransactionalKind, Writer] = dict.fromkeys(ABOUT_ENDPOINTS, to_owners)
    writer = MailWriterByKind({**writers, TransactionalKind.TEAM_REMINDER: to_team}, to_subscribers)
    return SendTransactionalMail(
        container.database,
        container.clock,
        writer,
        build_renderer(container),
        _route(container),
        container.owner,
        container.isolation,
    )


def build_team_webhook(container: Container) -> PostTeamReminders:
    """Build what posts the team's reminders; opens nothing."""
    url, timeout = container.settings.team.webhook, container.settings.limits.webhook_timeout
    hook = TeamWebhook(url, timeout=timeout) if url else None
    return PostTeamReminders(container.database, container.clock, hook, container.owner, container.isolation)


def _route(container: Container) -> ProviderFailover:
    specs = container.settings.email_providers()
    rate_limiter = RedisRateLimiter(container.settings.queue_addresses().redis, _accounts(specs), container.clock)
    seconds = container.settings.limits.mail_timeout
    senders = [_sender(spec, container.clock, seconds) for spec in specs]
    return ProviderFailover(senders, container.clock, rate_limiter, container.circuits[Channel.EMAIL])


def _accounts(specs: Sequence[EmailProviderSpec]) -> str:
    """Hash our provider accounts: installations with the same accounts share their rate limits."""
    credentials = [
        f"{spec.url} {spec.api_key.get_secret_value()}"
        if isinstance(spec, SendGridSpec)
        else f"{spec.username}@{spec.host}:{spec.port}"
        for spec in specs
    ]
    return hashlib.sha256("\n".join(credentials).encode()).hexdigest()[:16]


def _sender(spec: EmailProviderSpec, clock: Clock, timeout: float) -> MailSender:
    if isinstance(spec, SendGridSpec):
        url = spec.url + (_SANDBOX_PATH if spec.name == "sandbox" else "")
        key = spec.api_key.get_secret_value()
        return SendGridSender(api_key=key, clock=clock, base_url=url, name=spec.name, timeout=timeout)
    server = SmtpServer(
        host=spec.host,
        port=spec.port,
        implicit_tls=spec.implicit_tls,
        username=spec.username,
        password=spec.password.get_secret_value() if spec.password else None,
    )
    return SmtpSender(server, clock=clock, name=spec.name)
