"""What a sandbox accepts, how strictly, how much it keeps. Independent of the product's own settings."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from notifier.sandbox.credentials import (
    SENDGRID_API_KEY,
    BlueskyAccount,
    MastodonAccount,
    XAccount,
)

MEBIBYTE = 1024 * 1024

# Private-use characters around a word: nobody's text has them. What a request's own keys look like is sought as well.
LEFTOVER_TAG = re.compile(r"[\ue000-\uf8ff]\w+[\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientModel:
    """What becomes of a mail, decided by a seeded hash of the address: the same address always fares alike.

    Each rate is a share from 0 to 1; what is left of 1 is delivered. A local part that begins with a key of `by_word`
    followed by nothing or by `+`, `-`, `.` or a digit overrides the rates, so that a test names the outcome it wants.
    """

    seed: int = 1
    deferred: float = 0.0
    bounced: float = 0.0
    blocked: float = 0.0
    spam_report: float = 0.0
    unsubscribed: float = 0.0
    delayed_bounce: float = 0.0
    by_word: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType(
            {
                "sandbox-deferred": "deferred",
                "sandbox-bounce": "bounced",
                "sandbox-block": "blocked",
                "sandbox-spam": "spam_report",
                "sandbox-unsubscribe": "unsubscribed",
                "sandbox-late-bounce": "delayed_bounce",
            }
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWebhook:
    """Where and how SendGrid's event batches are posted.

    `interval` is the time between batches in seconds (SendGrid: 30), `retry` the first wait after a refusal, doubling,
    for up to `give_up_after` seconds. `duplicates` and `reordered` are shares from 0 to 1 of events and batches.
    """

    url: str
    interval: float = 0.5
    retry: float = 1.0
    give_up_after: float = 86_400.0
    duplicates: float = 0.05
    reordered: float = 0.2
    batch_events: int = 1_000
    batch_bytes: int = 768 * 1024
    senders: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridRules:
    """SendGrid's switches (docs in the provider's error catalogue and limits pages)."""

    api_keys: frozenset[str] = frozenset({SENDGRID_API_KEY})
    keys_without_scope: frozenset[str] = frozenset()
    verified_senders: frozenset[str] | None = None  # addresses or domains; None verifies every sender
    strict: bool = True  # one addressee an object, each address once a request, no tag left over
    leftover_tag: re.Pattern[str] = LEFTOVER_TAG  # beyond what looks like the keys of the request at hand
    merge_headers: bool = True  # False: a personalization's headers replace the message's
    requests_per_second: int = 10_000
    max_body: int = 30 * MEBIBYTE
    gzip: bool = False
    credits_left: int | None = None  # mails until "Maximum credits exceeded"; None is unlimited
    max_scheduled_sends: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class XRules:
    """X's switches. Rates are per account; the daily one is what older plans have."""

    posts_per_15_minutes: int = 100
    posts_per_3_hours: int = 300
    posts_per_day: int | None = None
    replies: Literal["own", "all", "none"] = "own"  # whose posts may be replied to; "none" refuses threads as well
    too_long_status: Literal[400, 403] = 400
    timeline_lag: float = 0.0  # seconds until a new post shows in its account's timeline
    clock_skew: float = 300.0  # seconds an OAuth timestamp may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class MastodonRules:
    """Mastodon's switches."""

    max_characters: int = 500
    requests_per_5_minutes: int = 300
    idempotency_seconds: float = 3_600.0
    version: str = "4.4.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueskyRules:
    """Bluesky's switches. Times in seconds."""

    access_token_life: float = 7_200.0
    refresh_token_life: float = 90 * 86_400.0
    points_per_hour: int = 5_000
    points_per_day: int = 35_000
    logins_per_5_minutes: int = 30
    logins_per_day: int = 300
    requests_per_5_minutes: int = 3_000


Rules: TypeAlias = SendGridRules | RecipientModel | XRules | MastodonRules | BlueskyRules


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """One sandbox. The defaults suit the embedded demo.

    `open_accounts` also accepts every account whose credentials follow from its name (`credentials.py`), beyond those
    listed. `event_signing_key` is PKCS#8 DER in base64 (`sendgrid.signing.new_signing_key`); None makes a fresh one.
    `clock` returns Unix seconds. Memory: `retained_bytes` bounds the mail requests kept whole, `record_limit` whatever
    else is kept one by one; ids and counts are kept for all.
    """

    sendgrid: SendGridRules = field(default_factory=SendGridRules)
    recipients: RecipientModel = field(default_factory=RecipientModel)
    events: EventWebhook | None = None
    event_signing_key: str | None = field(default=None, repr=False)
    x: XRules = field(default_factory=XRules)
    x_accounts: tuple[XAccount, ...] = ()
    mastodon: MastodonRules = field(default_factory=MastodonRules)
    mastodon_accounts: tuple[MastodonAccount, ...] = ()
    bluesky: BlueskyRules = field(default_factory=BlueskyRules)
    bluesky_accounts: tuple[BlueskyAccount, ...] = ()
    open_accounts: bool = True
    record_limit: int = 5_000
    retained_bytes: int = 64 * MEBIBYTE
    clock: Callable[[], float] = time.time
