"""Explain each notification of an incident to one recipient: rules, outcome and evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain import ids
from notifier.domain.incidents.notice import Notice
from notifier.domain.recipients.audience import REACHED, Exposure, exposure_of
from notifier.domain.values import Channel, DeliveryState
from notifier.services.dispatch.audience_context import context_of
from notifier.services.inspection.explain_rules import (
    Rule,
    RuleResult,
    account_rule,
    endpoint_rules,
    preference_rules,
    quiet_rules,
    subscriber_rules,
    translation_rule,
)
from notifier.services.inspection.explain_target import Recipient
from notifier.services.inspection.explain_text import became, list_updates
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.types import AnyRow
from notifier.storage.deliveries import deliveries, explain_queries
from notifier.storage.notifications import approvals, channel_history, notifications
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.operations import retention
from notifier.storage.planning import quiet_hours
from notifier.storage.recipients import suppressions

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger as of one instant."""

    connection: Connection
    now: datetime


def explain_recipient(ledger: Ledger, recipient: Recipient, rows: Sequence[AnyRow]) -> list[Json]:
    """Return a channel's notifications of an incident, oldest first, as seen by one recipient."""
    connection = ledger.connection
    found: dict[int, AnyRow] = {}
    for row in rows:
        delivery = None if recipient.key is None else deliveries.get(connection, row.id, recipient.key)
        if delivery is not None:
            found[row.id] = delivery
    forgotten = retention.numbers_of(connection, [row.id for row in rows]).keys() - found.keys()
    explained = []
    for row in rows:
        stored = notifications.get(connection, row.id)
        assert stored is not None  # noqa: S101 - listed in this transaction
        if row.id in forgotten:
            explained.append(_forgotten(recipient, stored))
            continue
        explained.append(_explained(ledger, recipient, stored, found, row.planned_at))
    return explained


def _explained(
    ledger: Ledger,
    recipient: Recipient,
    stored: StoredNotification,
    found: Mapping[int, AnyRow],
    planned_at: datetime | None,
) -> Json:
    notice, row = stored.notice, found.get(stored.id)
    later = [each.sequence for each in found.values() if each.sequence > notice.sequence]
    replaced = row is not None and row.state == DeliveryState.SUPERSEDED
    replaced_by = min(later, default=None) if replaced else None
    rules = _rules(ledger, recipient, stored, found, planned_at or ledger.now)
    delivery = None
    if row is None:
        words = _WAITING.get(stored.state) or _not_meant_text(recipient, rules, is_planned=planned_at is not None)
    else:
        delivery = _delivery(ledger.connection, row)
        words = _outcome_text(recipient, row, delivery["evidence"], rules, replaced_by) + list_updates(
            _update_ids(stored)
        )
    return _head(recipient, stored, words) | {
        "told": row is not None and DeliveryState(row.state) in REACHED,
        "replaced_by": replaced_by,
        "rules": [rule.as_json() for rule in rules],
        "delivery": delivery,
    }


def _head(recipient: Recipient, stored: StoredNotification, words: str) -> Json:
    notice = stored.notice
    return {
        "notification_id": notice.id,
        "channel": recipient.channel.value,
        "subscriber": recipient.external_id,
        "recipient": recipient.name,
        "sequence": max(notice.sequence, 0),
        "status": notice.lead.status.value,
        "update_ids": _update_ids(stored),
        "decided_at": instant_to_json(stored.created_at),
        "words": f"{_name(notice)} ({notice.lead.status}) {words}",
    }


def _name(notice: Notice) -> str:
    return f"Message {notice.sequence}" if notice.sequence > 0 else "A message"


def _update_ids(stored: StoredNotification) -> list[str]:
    notice = stored.notice
    return [item.id for item in notice.updates if item.sequence == notice.sequence]


def _forgotten(recipient: Recipient, stored: StoredNotification) -> Json:
    """Say that the outcome is no longer known: old deliveries are pruned to anonymous counts."""
    words = "is so old that it is forgotten who was told; only numbers are kept."
    return _head(recipient, stored, words) | {"told": None, "replaced_by": None, "rules": [], "delivery": None}


def _rules(
    ledger: Ledger,
    recipient: Recipient,
    stored: StoredNotification,
    found: Mapping[int, AnyRow],
    planned_at: datetime,
) -> list[Rule]:
    connection, notice = ledger.connection, stored.notice
    context = context_of(stored, channel_history.scopes_of_episode(connection, stored))
    exposure = _exposure(connection, stored, found)
    if stored.follows is None:
        preferred = preference_rules(recipient.preferences, exposure, context)
    else:
        first = found.get(stored.follows.id)
        notified_first = first is not None and DeliveryState(first.state) in REACHED
        preferred = [translation_rule(stored.follows.locales, recipient.locale, notified_first=notified_first)]
    if recipient.endpoint is not None:
        return [*endpoint_rules(recipient.endpoint, notice, planned_at, recipient.zone), *preferred]
    key, who = recipient.key, recipient.who
    if who is None:
        return [account_rule(is_configured=recipient.is_configured), *preferred]
    if key is None:
        return [*subscriber_rules(who, (), None, planned_at), *preferred]
    opted_out = suppressions.opt_outs(connection, key).get(notice.incident.id)
    decided = stored.created_at
    sent = [
        one
        for one in quiet_hours.sent_to(connection, [key], now=decided, without=stored.id).get(key, ())
        if one.at <= decided
    ]
    return [
        *subscriber_rules(who, suppressions.of_address(connection, key), opted_out, planned_at),
        *preferred,
        *quiet_rules(quiet_hours.bounds_of_address(connection, key), sent, context, decided),
    ]


def _exposure(connection: Connection, stored: StoredNotification, found: Mapping[int, AnyRow]) -> Exposure:
    """Return the recipient's exposure before a notification, from earlier deliveries."""
    prior = [each for each in channel_history.earlier(connection, stored) if each.id in found]
    heard = [
        deliveries.prior_notification(each, DeliveryState(found[each.id].state), found[each.id].reason)
        for each in prior
    ]
    return exposure_of([each for each in heard if each], episode_start=stored.notice.episode_start)[0]


def _delivery(connection: Connection, row: AnyRow) -> Json:
    tries = deliveries.attempts(connection, row.notification_id, row.recipient_key, row.batch_id)
    reports = explain_queries.reports(connection, row.notification_id, row.recipient_key)
    return {
        "id": ids.delivery_id(row.public_id, row.recipient_key),
        "state": row.state,
        "reason": row.reason,
        "provider": row.provider,
        "provider_message_id": row.provider_message_id,
        "next_attempt_at": instant_to_json(row.due_at),
        "updated_at": instant_to_json(row.updated_at),
        "told_since": row.since,
        "attempts": [
            {
                "started_at": instant_to_json(item.started_at),
                "outcome": item.outcome,
                "reason": item.reason,
                "status": item.status,
                "detail": item.detail,
                "provider": item.provider,
            }
            for item in tries
        ],
        "evidence": [
            {
                "kind": item.kind,
                "at": item.body.get("at") or instant_to_json(item.received_at),
                "facts": {name: value for name, value in item.body.items() if name != "at"},
            }
            for item in reports
        ],
    }


_WAITING = {
    approvals.HELD: "waits for a person to release it; nobody has been told.",
    approvals.CANCELED: "was canceled by a colleague before anyone was notified.",
    approvals.REPLACED: "was held for a person's word; a later message that was released says the same and more.",
}


def _outcome_text(
    recipient: Recipient, row: AnyRow, reports: Sequence[Json], rules: Sequence[Rule], replaced_by: int | None
) -> str:
    """Describe a delivery's outcome, continuing after the message's name."""
    text = became(row, reports, zone=recipient.zone, replaced_by=replaced_by) + "."
    waited = [rule.words for rule in rules if rule.result is RuleResult.WAIT]
    if waited and DeliveryState(row.state) in REACHED:
        text += f" It waited: {'; '.join(waited)}."
    if recipient.who is not None and row.recipient_id != recipient.who.id:
        text += " It went to your address in the name of another subscription with the same address."
    return text


def _not_meant_text(recipient: Recipient, rules: Sequence[Rule], *, is_planned: bool) -> str:
    """Say why a message was not for the recipient."""
    refused = [rule.words for rule in rules if rule.result is RuleResult.STOP]
    ours = recipient.channel is Channel.SOCIAL
    if refused:
        return f"was not {'posted' if ours else 'sent to you'}: {'; '.join(refused)}."
    if not is_planned:
        meant = "is to be posted" if ours else "is meant for you"
        return f"is being prepared: it {meant} and has no place in the queue yet."
    if ours:
        return "was not meant for this account when it was planned. By today's settings it would be."
    return (
        "was not meant for you when it was planned. By today's settings it would be: your subscription or your"
        " preferences have changed since."
    )
