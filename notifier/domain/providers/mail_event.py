"""What a mail provider reports about accepted mails and about our account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from notifier.domain.values import DeliveryState, Reason


class MailEventKind(StrEnum):
    """Events we use. Opens and clicks are not tracked: what people read is private."""

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCE = "bounce"
    BLOCKED = "blocked"  # a `bounce` of type `blocked`: temporary, or the receiver's policy
    DROPPED = "dropped"
    SPAM_REPORT = "spamreport"
    UNSUBSCRIBE = "unsubscribe"
    GROUP_UNSUBSCRIBE = "group_unsubscribe"
    GROUP_RESUBSCRIBE = "group_resubscribe"
    ACCOUNT_STATUS = "account_status_change"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """What happened to one mail. `at` is the provider's clock, aware UTC; `facts` hold no address."""

    id: str
    kind: MailEventKind
    at: datetime
    email: str | None = field(default=None, repr=False)
    delivery_id: str | None = None
    batch: tuple[int, int] | None = None  # our batch id, and the attempt that sent the mail
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fact(self, name: str) -> str:
        """Return a fact as text; empty if it is missing."""
        return str(self.facts.get(name, ""))


@dataclass(frozen=True, slots=True)
class MailEvents:
    """One request: the events we use, and the number of others."""

    events: tuple[MailEvent, ...]
    ignored: int


@dataclass(frozen=True, slots=True)
class ReportedState:
    """The delivery state that an event implies, and why."""

    state: DeliveryState
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AccountReport:
    """State of our account with the provider: `fault` is None when it works again."""

    fault: Reason | None
    detail: str = ""
