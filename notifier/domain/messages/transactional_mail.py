"""Transactional mail: about a subscription or an endpoint, one recipient each. Low volume."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

# Anyone can type someone else's address over and over: limit the mails an address gets in a day.
MAILS_PER_DAY = 3


class TransactionalKind(StrEnum):
    """The subject of a transactional mail."""

    SUBSCRIPTION_CONFIRM = "subscription_confirm"  # asks the address's owner to confirm a sign-up
    SUBSCRIPTION_KNOWN = "subscription_known"  # to existing subscribers: with the link to their preferences
    ADDRESS_CHANGE_CONFIRM = "address_change_confirm"  # to the new address
    ENDPOINT_WARNING = "endpoint_warning"  # to the owner of an endpoint that has failed for days
    ENDPOINT_DISABLED = "endpoint_disabled"  # to the owner, when the endpoint was disabled
    TEAM_REMINDER = "team_reminder"  # to the operators, by mail
    TEAM_WEBHOOK = "team_webhook"  # the same, posted to their webhook


ABOUT_ENDPOINTS = frozenset({TransactionalKind.ENDPOINT_WARNING, TransactionalKind.ENDPOINT_DISABLED})
MAILED = tuple(kind for kind in TransactionalKind if kind is not TransactionalKind.TEAM_WEBHOOK)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionalMail:
    """One transactional mail to send; it contains no address of a subscriber, and no signed link.

    `subject_id` is the row id of a subscriber or an endpoint. `detail`: what a reminder to the team
    says (`services/team/`).
    """

    id: int
    kind: TransactionalKind
    subject_id: int
    address_key: int
    expires_at: datetime
    attempts: int  # the current one included
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransactionalMail:
    """A transactional mail to add to the outbox. `address_key` is the hash of its address."""

    kind: TransactionalKind
    subject_id: int
    address_key: int
    expires_at: datetime
    detail: Mapping[str, Any] | None = None
