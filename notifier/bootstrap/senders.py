"""Senders from settings: the only place that knows which provider is built how."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from notifier.channels.base import MailSender, SessionStore, SocialSender
from notifier.channels.email.sendgrid import SendGridSender
from notifier.channels.email.smtp import SmtpSender
from notifier.channels.email.smtp_session import SmtpServer
from notifier.channels.social.bluesky import BlueskySender
from notifier.channels.social.mastodon import MastodonSender
from notifier.channels.social.x import XSender
from notifier.domain.house import Account
from notifier.domain.values import Platform
from notifier.services.ports import Clock
from notifier.settings import AccountSpec, EmailProviderSpec, SendGridSpec, Settings

# In the sandbox every provider has a path of its own.
_SANDBOX_PATHS: Mapping[Platform, str] = {
    Platform.X: "/x",
    Platform.MASTODON: "/mastodon",
    Platform.BLUESKY: "/bluesky",
}
_SANDBOX_MAIL = "/sendgrid"


def mail_senders(settings: Settings, clock: Clock) -> list[MailSender]:
    """Build the mail providers in the order of failing over; opens nothing.

    Raises:
        ConfigError: a provider lacks its key or address.
    """
    return [_mail_sender(spec, clock) for spec in settings.email_providers()]


def _mail_sender(spec: EmailProviderSpec, clock: Clock) -> MailSender:
    if isinstance(spec, SendGridSpec):
        url = spec.url + (_SANDBOX_MAIL if spec.name == "sandbox" else "")
        return SendGridSender(api_key=spec.api_key.get_secret_value(), clock=clock, base_url=url, name=spec.name)
    server = SmtpServer(
        host=spec.host,
        port=spec.port,
        implicit_tls=spec.implicit_tls,
        username=spec.username,
        password=spec.password.get_secret_value() if spec.password else None,
    )
    return SmtpSender(server, clock=clock, name=spec.name)


@dataclass(frozen=True, slots=True)
class _Keys:
    """An account's credentials by the names the client libraries give them."""

    spec: AccountSpec

    def __getitem__(self, name: str) -> str:
        return self.spec.credentials[name].get_secret_value()


def social_senders(settings: Settings, clock: Clock, sessions: SessionStore) -> Iterator[tuple[Account, SocialSender]]:
    """Build a sender per account; opens nothing.

    Raises:
        ConfigError: an account lacks a credential.
    """
    for spec in settings.accounts():
        url = spec.base_url + (_SANDBOX_PATHS[spec.account.platform] if spec.in_sandbox else "")
        yield spec.account, _social_sender(spec.account, _Keys(spec), url, clock, sessions)


def _social_sender(account: Account, keys: _Keys, url: str, clock: Clock, sessions: SessionStore) -> SocialSender:
    match account.platform:
        case Platform.X:
            return XSender(
                account=account.name,
                consumer_key=keys["CONSUMER_KEY"],
                consumer_secret=keys["CONSUMER_SECRET"],
                access_token=keys["ACCESS_TOKEN"],
                access_token_secret=keys["ACCESS_TOKEN_SECRET"],
                clock=clock,
                base_url=url,
            )
        case Platform.MASTODON:
            return MastodonSender(account=account.name, access_token=keys["ACCESS_TOKEN"], clock=clock, base_url=url)
        case Platform.BLUESKY:
            return BlueskySender(
                account=account.name,
                handle=keys["HANDLE"],
                app_password=keys["APP_PASSWORD"],
                clock=clock,
                sessions=sessions,
                base_url=url,
            )
