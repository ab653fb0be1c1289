"""A text that lacks its reader's language: what happens then is a policy per channel, decided here and nowhere else.

`fallback` sends the best text there is, and a line in the reader's language says so. `hold` waits for the translation,
at most so long, then falls back. `send_and_follow` falls back at once, and tells the reader again when it has come.
A translation comes as an edit of the update: another event with the same update id and more languages.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import Notice, NoticeUpdate

Texts = Mapping[str, str]


class TranslationPolicy(StrEnum):
    """What a channel does about a missing language."""

    FALLBACK = "fallback"
    HOLD = "hold"
    SEND_AND_FOLLOW = "send_and_follow"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationRule:
    """A channel's policy; `hold` is how long after its posting an update waits at most."""

    policy: TranslationPolicy = TranslationPolicy.FALLBACK
    hold: timedelta = timedelta(minutes=15)


def has_text(texts: Texts, locale: str) -> bool:
    """Whether a reader of `locale` finds a text in their own language, whatever the region it was written for."""
    language = _language(locale)
    return any(text.strip() and _language(tag) == language for tag, text in texts.items())


def _language(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def is_lacking(texts: Texts, locale: str) -> bool:
    """Whether there is a text, and not in the reader's language. Where nobody wrote anything, nothing is lacking."""
    return any(text.strip() for text in texts.values()) and not has_text(texts, locale)


def held_until(rule: TranslationRule, notice: Notice, locale: str, since: int) -> datetime | None:
    """Return until when a message waits for its translation; None where it need not.

    The oldest update that lacks the language decides, so no row of updates keeps a reader waiting for ever.

    Args:
        rule: The channel's.
        notice: What is to be told.
        locale: The reader's.
        since: Notification that reached the reader last; what came after it is shown.
    """
    if rule.policy is not TranslationPolicy.HOLD:
        return None
    lacking = [update.ordered_at for update in notice.updates_since(since) if is_lacking(update.body, locale)]
    return min(lacking) + rule.hold if lacking else None


def completed(notice: Notice, update_id: str, body: Texts, title: Texts) -> Notice:
    """Return a notice whose update (and title) has the languages it lacked; what was written is never changed."""
    updates = tuple(_with_body(update, body) if update.id == update_id else update for update in notice.updates)
    incident: Incident = replace(notice.incident, title=_added(notice.incident.title, title))
    return replace(notice, updates=updates, incident=incident)


def _with_body(update: NoticeUpdate, body: Texts) -> NoticeUpdate:
    return replace(update, body=_added(update.body, body))


def _added(known: Texts, more: Texts) -> Texts:
    return {**{tag: text for tag, text in more.items() if text.strip() and not has_text(known, tag)}, **known}


def now_served(before: Texts, after: Texts, locales: Iterable[str]) -> list[str]:
    """Return those of `locales` whose readers lacked a text before and have one after."""
    return sorted({locale for locale in locales if is_lacking(before, locale) and has_text(after, locale)})
