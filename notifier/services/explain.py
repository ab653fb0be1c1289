"""Explain: why this subscriber was, or was not, told. Each rule, what it looked at, and its verdict.

The rules are asked again, the same pure function that planning asked; what happened is read from the ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from notifier.domain import ids
from notifier.domain.audience import Check, Standing, checks, standing_of
from notifier.domain.errors import NotFoundError
from notifier.domain.subscriber import StoredSubscriber
from notifier.domain.values import Channel, DeliveryState, SubscriberState
from notifier.services.occasion import occasion_of
from notifier.storage import deliveries, notifications, subscribers, suppressions, timeline
from notifier.storage.codec import instant_to_json
from notifier.storage.engine import Database
from notifier.storage.notifications import StoredNotification
from notifier.storage.types import AnyRow

Json = dict[str, Any]

_REACHED = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.SENDING})

_TOLD = {
    DeliveryState.QUEUED: "is waiting to be sent",
    DeliveryState.SENDING: "is being sent",
    DeliveryState.ACCEPTED: "was taken by the mail provider",
    DeliveryState.DELIVERED: "was delivered to the mailbox's server",
    DeliveryState.BOUNCED: "was sent, but the mailbox's server refused it",
    DeliveryState.FAILED: "could not be sent, and was given up",
    DeliveryState.SUPPRESSED: "was not sent, since the address takes no mail from us",
    DeliveryState.SUPERSEDED: "had not left yet when a newer one said the same and more, and was replaced by it",
    DeliveryState.CANCELED: "was called off",
}
_REFUSALS = {
    "state": "the subscription was not active",
    "suppression": "the address is on the suppression list",
    "address": "there is no e-mail address",
    "channel": "e-mail is not among the chosen channels",
    "min_impact": "the incident was less severe than they want to hear about",
    "maintenance": "they do not want to hear about maintenance",
    "components": "none of the parts they chose was affected",
    "updates": "they chose to hear less than every update",
    "told_it_began": "they had not been told that it began, so they are not told that it ended",
    "in_scope_while_it_ran": "it never concerned a part they chose",
}


@dataclass(frozen=True)
class Explain:
    """Answers "why did I (not) get this?" for any incident and subscriber."""

    database: Database

    def __call__(self, incident_id: str, external_id: str) -> Json:
        """Return every e-mail notification of an incident with each rule's verdict and what became of the delivery.

        Raises:
            NotFoundError: no such incident, or no such subscriber.
        """
        with self.database.read() as connection:
            if timeline.get_incident(connection, incident_id) is None:
                raise NotFoundError("incident", incident_id)
            stored = subscribers.get(connection, external_id)
            if stored is None:
                raise NotFoundError("subscriber", external_id)
            rows = [row for row in notifications.of_incident(connection, incident_id) if row.channel == Channel.EMAIL]
            states: dict[int, DeliveryState] = {}
            told = [self._notification(connection, row.id, stored, states) for row in rows]
        return {
            "incident_id": incident_id,
            "subscriber": external_id,
            "channel": Channel.EMAIL.value,
            "summary": _summary(told),
            "notifications": told,
        }

    @staticmethod
    def _notification(
        connection: Connection, number: int, who: StoredSubscriber, states: dict[int, DeliveryState]
    ) -> Json:
        stored = notifications.get(connection, number)
        assert stored is not None  # noqa: S101 - listed in this very transaction
        occasion = occasion_of(stored, notifications.scopes_of_round(connection, stored))
        rules = [
            *_person_checks(connection, who),
            *checks(who.subscriber.preferences, _standing(connection, stored, states), occasion),
        ]
        row = None if who.address_key is None else deliveries.get(connection, number, who.address_key)
        if row is not None:
            states[number] = DeliveryState(row.state)
        notice = stored.notice
        return {
            "notification_id": notice.id,
            "sequence": notice.sequence,
            "status": notice.lead.status.value,
            "update_ids": [item.id for item in notice.updates if item.sequence == notice.sequence],
            "decided_at": instant_to_json(stored.created_at),
            "told": row is not None and DeliveryState(row.state) in _REACHED,
            "rules": [{"rule": check.rule, "seen": check.seen, "passed": check.passed} for check in rules],
            "delivery": None if row is None else _delivery(connection, row),
            "words": _words(notice.lead.status.value, row, rules),
        }


def _standing(connection: Connection, stored: StoredNotification, states: Mapping[int, DeliveryState]) -> Standing:
    """Return what the subscriber knew before a notification; `states` are those of the earlier ones, by number."""
    prior = [each for each in notifications.earlier(connection, stored) if each.id in states]
    heard = [deliveries.heard_of(each, states[each.id]) for each in prior]
    return standing_of([each for each in heard if each], round_start=stored.notice.round_start)[0]


def _person_checks(connection: Connection, who: StoredSubscriber) -> list[Check]:
    """The rules that stand before every preference: an address, consent, no suppression."""
    subscriber, key = who.subscriber, who.address_key
    found = suppressions.of_addresses(connection, [key]).get(key, ()) if key is not None else ()
    active = subscriber.state is SubscriberState.ACTIVE
    return [
        Check(rule="address", seen="present" if subscriber.email else "missing", passed=subscriber.email is not None),
        Check(rule="state", seen=f"state={subscriber.state}", passed=active),
        Check(rule="suppression", seen="listed" if found else "not listed", passed=not found),
    ]


def _delivery(connection: Connection, row: AnyRow) -> Json:
    tries = deliveries.attempts(connection, row.notification_id, row.recipient_key, row.batch_id)
    return {
        "id": ids.delivery_id(row.public_id, row.recipient_key),
        "state": row.state,
        "reason": row.reason,
        "provider": row.provider,
        "provider_message_id": row.provider_message_id,
        "updated_at": instant_to_json(row.updated_at),
        "attempts": [
            {
                "started_at": instant_to_json(item.started_at),
                "outcome": item.outcome,
                "reason": item.reason,
                "status": item.status,
                "detail": item.detail,
            }
            for item in tries
        ],
    }


def _words(status: str, row: AnyRow | None, rules: Sequence[Check]) -> str:
    """Say it in a sentence that a support agent can send on."""
    if row is not None:
        return f"The message {status!r} {_TOLD[DeliveryState(row.state)]}."
    refused = [check for check in rules if not check.passed]
    if not refused:
        return (
            f"The message {status!r} was not meant for them when it was planned. By today's settings it would be:"
            " their subscription or preferences have changed since."
        )
    reasons = "; ".join(_REFUSALS.get(check.rule, check.rule) for check in refused)
    return f"The message {status!r} was not sent to them: {reasons}."


def _summary(told: Sequence[Json]) -> str:
    number = sum(item["told"] for item in told)
    if not told:
        return "Nothing was announced by e-mail about this incident."
    return f"They were told {number} of {len(told)} messages about this incident."
