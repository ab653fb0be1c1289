"""Late translations: add them to queued messages, send them after sent ones.

The rules are in `domain/incidents/translation.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from notifier.domain import ids
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.notice import Notice
from notifier.domain.incidents.translation import TranslationPolicy, TranslationRule, completed, now_served
from notifier.domain.values import Channel
from notifier.storage.database import Connection
from notifier.storage.notifications import channel_history, late_translations, notifications
from notifier.storage.notifications.notifications import Follows, StoredNotification

Rules = Mapping[Channel, TranslationRule]
URGENCY = "translation"
# Webhook bodies have all languages.
_CHANNELS = (Channel.EMAIL, Channel.SOCIAL)


def take_translation(connection: Connection, event: Event, rules: Rules, now: datetime) -> list[int]:
    """Add an edit's languages to queued messages; returns new notifications for recipients served.

    Only a channel's newest notification matters: it supersedes older ones. The caller's transaction
    must have locked the incident.
    """
    created = []
    for stored, served, whole in _gaining(connection, event):
        if not late_translations.may_be_out(connection, stored.id, served):
            late_translations.complete(connection, stored.id, whole)
            late_translations.release(connection, stored.id, served, now)
        if _follows(connection, event, rules, stored, served):
            created.append(_follow(connection, stored, whole, Follows(id=stored.id, locales=tuple(served)), now))
    return created


def follow_ups(connection: Connection, event: Event, rules: Rules) -> bool:
    """Whether an edit will be sent to recipients who lacked its languages."""
    return any(
        _follows(connection, event, rules, stored, served) for stored, served, _whole in _gaining(connection, event)
    )


def _gaining(connection: Connection, event: Event) -> list[tuple[StoredNotification, list[str], Notice]]:
    """Return each channel's newest notification that gains languages: it, locales, new notice."""
    found = []
    for channel in _CHANNELS:
        stored = channel_history.newest(connection, event.incident.id, channel)
        before = _body_in(stored.notice, event.update.id) if stored is not None else None
        if stored is None or before is None:
            continue
        served = now_served(before, event.update.body, late_translations.locales_of(connection, stored.id))
        whole = completed(stored.notice, event.update.id, event.update.body, event.incident.title)
        if whole != stored.notice:
            found.append((stored, served, whole))
    return found


def _follows(
    connection: Connection, event: Event, rules: Rules, stored: StoredNotification, served: Sequence[str]
) -> bool:
    rule = rules.get(stored.channel, TranslationRule())
    asked = rule.policy is TranslationPolicy.SEND_AND_FOLLOW and event.notify and bool(served)
    return (
        asked
        and stored.notice.lead.id == event.update.id
        and late_translations.reached_anyone(connection, stored.id, served)
    )


def _body_in(notice: Notice, update_id: str) -> Mapping[str, str] | None:
    return next((update.body for update in notice.updates if update.id == update_id), None)


def _follow(connection: Connection, stored: StoredNotification, whole: Notice, follows: Follows, now: datetime) -> int:
    sequence = late_translations.next_sequence(connection, whole.incident.id, stored.channel)
    notice = replace(whole, id=f"ntf_{ids.new_ulid(now)}", sequence=sequence, created_at=now)
    return notifications.add(
        connection,
        notice,
        episode=stored.episode,
        urgency=URGENCY,
        queue=stored.queue,
        state="planning",
        follows=follows,
    )
