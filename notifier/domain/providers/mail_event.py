"""What a mail provider reports of mails that it took, and of our account with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from notifier.domain.values import DeliveryState, Reason


class MailEventKind(StrEnum):
    """Events that mean something here. Opens and clicks do not: what people read is their own affair."""

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
    batch: tuple[int, int] | None = None  # number of our batch, and which attempt on it brought the mail
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fact(self, name: str) -> str:
        """Return a fact as text; empty without it."""
        return str(self.facts.get(name, ""))


@dataclass(frozen=True, slots=True)
class MailEvents:
    """One request: the events that mean something, and how many others there were."""

    events: tuple[MailEvent, ...]
    ignored: int


@dataclass(frozen=True, slots=True)
class ReportedState:
    """The state an event puts a delivery in, and why."""

    state: DeliveryState
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class AccountReport:
    """How our account with the provider is: `fault` is None when it works again."""

    fault: Reason | None
    detail: str = ""
