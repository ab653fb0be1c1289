"""Sandbox configuration: what it accepts, how strictly, and how much it stores.

Independent of the product's own settings.
"""

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

# A word between private-use characters, which no real text contains. The check for leftover tags
# also looks for words like the request's own keys.
LEFTOVER_TAG = re.compile(r"[\ue000-\uf8ff]\w+[\ue000-\uf8ff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientModel:
    """The outcome of a mail, decided by a seeded hash of the address: the same for each address.

    Each rate is a fraction from 0 to 1; the rest is delivered. A local part that begins with a key
    of `by_word`, followed by nothing or by `+`, `-`, `.` or a digit, overrides the rates, so that a
    test can choose the outcome.
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
    """Where and how to post SendGrid's event batches.

    `interval` is the time between batches (SendGrid: 30 s). `retry` is the first wait after a
    failed post; it doubles, for up to `give_up_after`. All in seconds. `duplicates` and `reordered`
    are fractions from 0 to 1 of events and batches.
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
    """SendGrid's rules (sources: its error catalogue and limits pages)."""

    api_keys: frozenset[str] = frozenset({SENDGRID_API_KEY})
    keys_without_scope: frozenset[str] = frozenset()
    verified_senders: frozenset[str] | None = None  # addresses or domains; None verifies every sender
    strict: bool = True  # one recipient per personalization, no repeated address, no leftover tag
    leftover_tag: re.Pattern[str] = LEFTOVER_TAG  # in addition to words like the request's own keys
    merge_headers: bool = True  # False: a personalization's headers replace the message's
    requests_per_second: int = 10_000
    max_body: int = 30 * MEBIBYTE
    gzip: bool = False
    credits_left: int | None = None  # mails until "Maximum credits exceeded"; None is unlimited
    max_scheduled_sends: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class XRules:
    """X's rules. Rates are per account; older plans have a daily one."""

    posts_per_15_minutes: int = 100
    posts_per_3_hours: int = 300
    posts_per_day: int | None = None
    replies: Literal["own", "all", "none"] = "own"  # whose posts accept replies; "none": no threads
    too_long_status: Literal[400, 403] = 400
    timeline_lag: float = 0.0  # seconds until a new post appears in its account's timeline
    clock_skew: float = 300.0  # seconds an OAuth timestamp may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class MastodonRules:
    """Mastodon's rules."""

    max_characters: int = 500
    requests_per_5_minutes: int = 300
    idempotency_seconds: float = 3_600.0
    version: str = "4.4.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueskyRules:
    """Bluesky's rules. Times are in seconds."""

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
    """The configuration of one sandbox. The defaults suit the demo.

    `open_accounts` accepts, besides the listed accounts, any account whose credentials derive from
    its name (`credentials.py`). `event_signing_key` is PKCS#8 DER in base64
    (`sendgrid.signing.new_signing_key`); None generates one. `clock` returns Unix seconds.
    `retained_bytes` limits the stored mail requests, `record_limit` the number of other records;
    ids and counts are kept for everything.
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
