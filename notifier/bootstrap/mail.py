"""How mail leaves: the providers in the order of failing over, and the attempt on a batch."""

from notifier.bootstrap.core import Core
from notifier.bootstrap.words import build_renderer
from notifier.channels.base import MailSender
from notifier.channels.email.sendgrid import SendGridSender
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.services.attempt_mail import MailAttempt
from notifier.services.links import Links
from notifier.services.outcomes import Record
from notifier.services.ports import Clock
from notifier.services.route import MailRoute
from notifier.services.tokens import Tokens
from notifier.settings import EmailProviderSpec, SendGridSpec

_SANDBOX_PATH = "/sendgrid"


def build(core: Core, record: Record) -> MailAttempt:
    """Build the attempt; opens nothing.

    Raises:
        ConfigError: a provider lacks its key or address.
    """
    senders = [_sender(spec, core.clock) for spec in core.settings.email_providers()]
    links = Links(core.settings.deployment.public_url, Tokens(core.secret_keys, core.clock))
    route = MailRoute(senders, core.clock)
    return MailAttempt(core.database, core.clock, build_renderer(core), links, route, record, core.settings.lease)


def _sender(spec: EmailProviderSpec, clock: Clock) -> MailSender:
    if isinstance(spec, SendGridSpec):
        url = spec.url + (_SANDBOX_PATH if spec.name == "sandbox" else "")
        return SendGridSender(api_key=spec.api_key.get_secret_value(), clock=clock, base_url=url, name=spec.name)
    server = SmtpServer(
        host=spec.host,
        port=spec.port,
        implicit_tls=spec.implicit_tls,
        username=spec.username,
        password=spec.password.get_secret_value() if spec.password else None,
    )
    return SmtpSender(server, clock=clock, name=spec.name)
