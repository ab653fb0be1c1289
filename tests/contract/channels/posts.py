"""Posts, senders and a session store for the contract tests of social senders."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from notifier.channels.social.bluesky import BlueskySender
from notifier.channels.social.mastodon import MastodonSender
from notifier.channels.social.x import XSender
from notifier.domain.messages.message import SocialPost
from notifier.sandbox.credentials import bluesky_account, mastodon_account, x_account
from tests.contract.channels.mails import now

TIMEOUTS = (1.0, 0.4)
POSTED_AT = datetime(2026, 8, 1, 10, tzinfo=UTC)
TEXT = "🔴 Störung behoben & geprüft: <alles> läuft. https://status.shop.example/de/incidents/inc-1#upd-3"


class Sessions(dict[str, str]):
    """A session store in memory; counts what was saved."""

    saved = 0

    def load(self, account: str) -> str | None:
        return self.get(account)

    def save(self, account: str, session: str) -> None:
        self.saved += 1
        self[account] = session


def a_post(**changes: Any) -> SocialPost:
    fields: dict[str, Any] = {
        "key": "dlv_01j0000000000000000000000_aaaaaaaaaaaaa",
        "account": "acc-de",
        "text": TEXT,
        "locale": "de-AT",
        "posted_at": POSTED_AT,
    }
    return SocialPost(**fields | changes)


def x_sender(url: str, clock: Callable[[], datetime] = now, **changes: Any) -> XSender:
    account = x_account("acc-de")
    fields: dict[str, Any] = {
        "consumer_key": account.consumer_key,
        "consumer_secret": account.consumer_secret,
        "access_token": account.access_token,
        "access_token_secret": account.access_token_secret,
        "timeouts": TIMEOUTS,
    }
    return XSender(account="acc-de", clock=clock, base_url=url, **fields | changes)


def mastodon_sender(url: str, clock: Callable[[], datetime] = now, **changes: Any) -> MastodonSender:
    fields: dict[str, Any] = {"access_token": mastodon_account("acc-de").access_token, "timeouts": TIMEOUTS}
    return MastodonSender(account="acc-de", clock=clock, base_url=url, **fields | changes)


def bluesky_sender(url: str, clock: Callable[[], datetime] = now, **changes: Any) -> BlueskySender:
    account = bluesky_account("acc-de")
    fields: dict[str, Any] = {"handle": account.handle, "app_password": account.app_password, "timeouts": TIMEOUTS}
    return BlueskySender(account="acc-de", clock=clock, base_url=url, **fields | changes)
