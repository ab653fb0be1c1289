"""The specifications of providers, from which bootstrap builds senders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform

USUAL_BASE_URLS: Mapping[Platform, str] = {Platform.X: "https://api.x.com", Platform.BLUESKY: "https://bsky.social"}
_SMTP_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridSpec:
    """SendGrid's Mail Send API or its sandbox simulator; `name` labels attempts and metrics."""

    name: str
    url: str
    api_key: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSpec:
    """A mail relay. `implicit_tls` is smtps:// (port 465); else STARTTLS (port 587)."""

    name: str
    host: str
    port: int
    implicit_tls: bool
    username: str | None = None
    password: SecretStr | None = None


EmailProviderSpec = SendGridSpec | SmtpSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """An account, its platform's URL, and its credentials by upper-case client library field."""

    account: Account
    base_url: str
    credentials: Mapping[str, SecretStr] = field(repr=False)
    in_sandbox: bool = False


def smtp_spec(url: SecretStr) -> SmtpSpec:
    """Parse `smtp://user:pass@host:587`; user and password may be percent-encoded."""
    parts = urlsplit(url.get_secret_value())
    return SmtpSpec(
        name="smtp",
        host=parts.hostname or "",
        port=parts.port or _SMTP_PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        username=unquote(parts.username) if parts.username else None,
        password=SecretStr(unquote(parts.password)) if parts.password else None,
    )
