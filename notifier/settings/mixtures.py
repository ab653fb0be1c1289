"""Combinations to refuse: real providers together with stand-ins."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from notifier.settings.config_file import SANDBOX
from notifier.settings.load import read_config_file
from notifier.settings.settings import Settings

_MADE_UP = (".example", ".invalid", ".test", ".localhost")  # RFC 2606 section 2


def mixtures(settings: Settings) -> Iterator[str]:
    """List every stand-in used beside a real provider; nothing without a real one."""
    standing_in = [section.name for section in settings.config.accounts if section.base_url == SANDBOX]
    mails = settings.deployment.email_providers
    if SANDBOX in mails and len(standing_in) == len(settings.config.accounts):
        return
    if SANDBOX in mails:
        yield "NOTIFIER_EMAIL_PROVIDERS is the sandbox: nobody gets a mail"
    if standing_in:
        yield f"the accounts {', '.join(standing_in)} post to the sandbox; set `accounts = []` if you have none"
    yield from _public_url(settings.deployment.public_url)
    if settings.config.components == read_config_file(None, "").components:
        yield "the components are those of the demo: name your own in `[[components]]`"
    made_up = sorted({address for address in settings.config.brand.from_email.values() if address.endswith(_MADE_UP)})
    if made_up and SANDBOX not in mails:
        yield f"brand.from_email is made up: {', '.join(made_up)}"


def _public_url(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    if is_here:
        yield f"NOTIFIER_PUBLIC_URL is {url}: the links in messages lead to the reader's own machine"
    elif parts.scheme == "http":
        yield f"NOTIFIER_PUBLIC_URL is {url}: plain http, and mail providers want https to unsubscribe"
