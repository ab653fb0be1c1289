"""A partner's webhook endpoint as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, Impact, UpdateLevel, WebhookFormat, WebhookType

MAX_URL = 2_000
MAX_DESCRIPTION = 500


class EndpointMode(StrEnum):
    """What happens to an undelivered update when a newer one exists."""

    EVERY = "every"  # every update, in order
    LATEST = "latest"  # the newest one only


class EndpointState(StrEnum):
    """Only `active` endpoints get messages, except for tests."""

    PENDING = "pending"  # waits for its first test to succeed
    ACTIVE = "active"
    DISABLED = "disabled"


class SignatureKind(StrEnum):
    """How an endpoint's messages are signed (Standard Webhooks)."""

    HMAC = "hmac"  # a shared secret: `v1`
    ED25519 = "ed25519"  # a key pair whose private key never leaves us: `v1a`


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A partner's settings.

    Empty `components` and `types` mean all; `headers` may hold passwords.
    """

    url: str
    description: str = ""
    subscriber: str | None = None  # external id
    owner_email: str | None = None  # notified when the endpoint fails for days
    components: frozenset[str] = frozenset()
    min_impact: Impact = Impact.NONE
    updates: UpdateLevel = UpdateLevel.ALL
    types: frozenset[WebhookType] = frozenset()
    format: WebhookFormat = WebhookFormat.STANDARD
    mode: EndpointMode = EndpointMode.EVERY
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    state: EndpointState = EndpointState.ACTIVE
    signature: SignatureKind = SignatureKind.HMAC  # used at creation; afterwards its secrets decide

    @property
    def preferences(self) -> Preferences:
        """The endpoint's filters as preferences: mails and webhooks are routed by the same rule."""
        return Preferences(
            channels=frozenset({Channel.WEBHOOK}),
            components=self.components,
            min_impact=self.min_impact,
            updates=self.updates,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEndpoint:
    """An endpoint with its ledger data. Header values and secrets are still encrypted."""

    id: int
    public_id: str
    endpoint: Endpoint
    secrets: tuple[Mapping[str, str | None], ...] = field(repr=False)
    state_reason: str
    failing_since: datetime | None
    last_success_at: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
