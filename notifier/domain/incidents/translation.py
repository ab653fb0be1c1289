"""What to do when a text is not available in the reader's language: a policy per channel.

`fallback` sends the best available text with a note in the reader's language. `hold` waits for the
translation for a limited time, then falls back. `send_and_follow` falls back at once and sends the
translation when it arrives. A translation arrives as an edit: another event with the same update
id and more languages.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import Notice, NoticeUpdate

Texts = Mapping[str, str]


class TranslationPolicy(StrEnum):
    """What a channel does when the reader's language is missing."""

    FALLBACK = "fallback"
    HOLD = "hold"
    SEND_AND_FOLLOW = "send_and_follow"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationRule:
    """A channel's policy; `hold` is the longest wait, counted from the update's posting."""

    policy: TranslationPolicy = TranslationPolicy.FALLBACK
    hold: timedelta = timedelta(minutes=15)


def has_text(texts: Texts, locale: str) -> bool:
    """Whether there is a text in the language of `locale`, for any region."""
    language = _language(locale)
    return any(text.strip() and _language(tag) == language for tag, text in texts.items())


def _language(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def is_lacking(texts: Texts, locale: str) -> bool:
    """Whether there is a text, but not in the reader's language. No text at all is not lacking."""
    return any(text.strip() for text in texts.values()) and not has_text(texts, locale)


def held_until(rule: TranslationRule, notice: Notice, locale: str, since: int) -> datetime | None:
    """Return until when a message waits for its translation; None if it need not wait.

    The oldest untranslated update decides, so a series of updates cannot delay a message forever.

    Args:
        rule: The channel's.
        notice: The content to send.
        locale: The reader's.
        since: Last notification that reached the reader; later updates are shown.
    """
    if rule.policy is not TranslationPolicy.HOLD:
        return None
    lacking = [update.ordered_at for update in notice.updates_since(since) if is_lacking(update.body, locale)]
    return min(lacking) + rule.hold if lacking else None


def completed(notice: Notice, update_id: str, body: Texts, title: Texts) -> Notice:
    """Return a notice with missing languages added to an update and the title.

    Existing text is never changed.
    """
    updates = tuple(_with_body(update, body) if update.id == update_id else update for update in notice.updates)
    incident: Incident = replace(notice.incident, title=_added(notice.incident.title, title))
    return replace(notice, updates=updates, incident=incident)


def _with_body(update: NoticeUpdate, body: Texts) -> NoticeUpdate:
    return replace(update, body=_added(update.body, body))


def _added(known: Texts, more: Texts) -> Texts:
    return {**{tag: text for tag, text in more.items() if text.strip() and not has_text(known, tag)}, **known}


def now_served(before: Texts, after: Texts, locales: Iterable[str]) -> list[str]:
    """Return those of `locales` that had no text in `before` and have one in `after`."""
    return sorted({locale for locale in locales if is_lacking(before, locale) and has_text(after, locale)})
