"""Incident mail: one rendering per notice, locale and `since`, and substitutions per recipient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import escape

from notifier.domain.incidents.incident import Window
from notifier.domain.incidents.notice import Notice
from notifier.domain.messages.message import MailContent, MailRecipient
from notifier.rendering.datetimes import moment, span, zone
from notifier.rendering.environment import Templates
from notifier.rendering.incident_view import Budget, Storyteller, UpdateView
from notifier.rendering.labels import MOOD
from notifier.rendering.language import Language
from notifier.rendering.mail import substitutions
from notifier.rendering.mail.headers import domain_of, incident_headers, recipient_headers
from notifier.rendering.mail.inlining import inline_styles
from notifier.rendering.mail.line_wrap import fold
from notifier.rendering.text.markdown import first_paragraph
from notifier.rendering.text.sanitize import clean_line

MAX_SUBJECT = 150  # characters; provider page "message format"
MAX_HTML = 58_000  # bytes, tags included; Gmail clips at 102 kB, we promise 60
_MAX_GREETED_NAME = 80
_PREHEADER = 110
_KEPT_ZONES = 1_000  # more than exist; a subscriber's row may contain any string
# Tried in turn until the mail is small enough.
_BUDGETS = (Budget(30, 16_000, 14_000), Budget(15, 10_000, 6_000), Budget(5, 5_000, 2_000), Budget(1, 2_000, 0))


@dataclass(frozen=True, slots=True)
class Words:
    """The greeting, in the language of the mail."""

    with_name: str  # has one %(name)s
    without_name: str

    def to(self, name: str) -> str:
        """Return the greeting for any name, sanitised."""
        if not name or name.isspace():
            return self.without_name
        fine = len(name) <= _MAX_GREETED_NAME and name.isprintable()
        return self.with_name % {"name": name if fine else clean_line(name, _MAX_GREETED_NAME)}


@dataclass(slots=True, eq=False)
class RenderedMail:
    """A mail for all recipients of a locale and `since`; `instants` are formatted per time zone."""

    notice: Notice
    since: int
    content: MailContent
    prefix: str
    personal_tags: Sequence[str]  # in the order of `substitutions.PERSONAL`
    domain: str
    reader: Language
    instants: Mapping[str, datetime | Window]
    greeting: Words
    house_timezone: str
    _times: dict[str, Mapping[str, str]] = field(default_factory=dict, init=False, repr=False)

    def times(self, timezone: str) -> Mapping[str, str]:
        """Return the mail's times formatted for a zone, by tag. Cached per zone."""
        known = self._times.get(timezone)
        if known is None:
            where = zone(timezone, self.house_timezone)
            known = {
                substitutions.tag(self.prefix, name): _formatted(instant, self.reader, where)
                for name, instant in self.instants.items()
            }
            if len(self._times) < _KEPT_ZONES:
                self._times[timezone] = known
        return known

    def personal(
        self, delivery_id: str, address: str, name: str, timezone: str, links: tuple[str, str]
    ) -> MailRecipient:
        """Return one recipient's part: greeting, times in their zone, links, headers. Must be fast.

        `links`: the unsubscribe URL and the preferences URL.
        """
        unsubscribe_url, preferences_url = links
        greeting = self.greeting.to(name)
        greet, greet_html, choose, choose_html, leave, leave_html = self.personal_tags
        return MailRecipient(
            delivery_id,
            address,
            name,
            {
                **self.times(timezone),
                greet: greeting,
                greet_html: _escaped(greeting),
                choose: preferences_url,
                choose_html: _escaped(preferences_url),
                leave: unsubscribe_url,
                leave_html: _escaped(unsubscribe_url),
            },
            recipient_headers(delivery_id, self.domain, unsubscribe_url),
        )


class MailRenderer:
    """Renders incident mail. Thread-safe."""

    def __init__(self, view: Storyteller, templates: Templates) -> None:
        self._view = view
        self._templates = templates

    def subject(self, notice: Notice, locale: str) -> str:
        """Return the subject. The caller keeps it with the incident: mail programs thread by it."""
        reader = self._view.languages[locale]
        kind = notice.kind_for(0)
        context = {**self._view.shared(notice.incident, reader), "kind": kind}
        return clean_line(self._templates.render(f"{kind}/email.subject.txt", reader, context), MAX_SUBJECT)

    def render(self, notice: Notice, *, locale: str, since: int, subject: str | None = None) -> RenderedMail:
        """Render for recipients of `locale` last reached by notification `since` (0: none).

        Args:
            notice: The frozen content.
            locale: The recipients' locale; any string.
            since: The mail lists updates announced after this notification.
            subject: The incident's subject as first sent; None: made from the title.
        """
        reader = self._view.languages[locale]
        draft = self._draft(notice, reader, since)
        line = clean_line(subject or self.subject(notice, locale), MAX_SUBJECT)
        prefix = substitutions.free_prefix(line, draft.html, draft.text)
        used = substitutions.names_in(draft.html, draft.text)
        sender = self._view.brand.sender_in(reader.tag)
        content = MailContent(
            sender=sender,
            subject=line,
            text=substitutions.place_tags(draft.text, prefix),
            html=substitutions.place_tags(draft.html, prefix),
            locale=reader.tag,
            headers=incident_headers(notice.incident.id, reader.tag, sender),
            reply_to=self._view.reply_to(reader),
        )
        return RenderedMail(
            notice=notice,
            since=since,
            content=content,
            prefix=prefix,
            personal_tags=[substitutions.tag(prefix, name) for name in substitutions.PERSONAL],
            domain=domain_of(sender),
            reader=reader,
            instants={name: at for name, at in _instants(notice, since, draft.entries).items() if name in used},
            greeting=Words(with_name=reader.gettext("Hello %(name)s,"), without_name=reader.gettext("Hello,")),
            house_timezone=self._view.brand.timezone,
        )

    def _draft(self, notice: Notice, reader: Language, since: int) -> "_Draft":
        """Render with the largest budget that keeps the mail within `MAX_HTML`."""
        drafts = (self._attempt(notice, reader, since, budget) for budget in _BUDGETS)
        return next(draft for draft in drafts if draft.is_small or draft.budget is _BUDGETS[-1])

    def _attempt(self, notice: Notice, reader: Language, since: int, budget: Budget) -> "_Draft":
        kind = notice.kind_for(since)
        entries, hidden = self._view.entries(notice.updates_since(since), reader, budget)
        shared = self._view.shared(notice.incident, reader)
        context = {
            **shared,
            **_times(notice, since, entries),
            "kind": kind,
            "mood": MOOD[kind],
            "lead": entries[0],
            "earlier": entries[1:],
            "hidden": hidden,
            "links": [link for link in shared["links"] if link not in entries[0].text],
            "preheader": clean_line(first_paragraph(entries[0].text), _PREHEADER),
        }
        html = self._templates.render(f"{kind}/email.body.html", reader, context | _personal_marks(html=True))
        text = self._templates.render(f"{kind}/email.body.txt", reader, context | _personal_marks(html=False))
        return _Draft(budget, entries, inline_styles(html), fold(text))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rendering that still contains the marks."""

    budget: Budget
    entries: tuple[UpdateView, ...]
    html: str
    text: str

    @property
    def is_small(self) -> bool:
        return len(self.html.encode()) <= MAX_HTML


def _escaped(text: str) -> str:
    """Escape for HTML; the check is faster than escaping, and most texts need none."""
    if "&" in text or "<" in text or ">" in text or '"' in text or "'" in text:
        return str(escape(text))
    return text


def _personal_marks(*, html: bool) -> dict[str, Any]:
    return {
        "greeting": substitutions.mark(substitutions.GREETING_HTML if html else substitutions.GREETING),
        "preferences_url": substitutions.mark(substitutions.PREFERENCES_HTML if html else substitutions.PREFERENCES),
        "unsubscribe_url": substitutions.mark(substitutions.UNSUBSCRIBE_HTML if html else substitutions.UNSUBSCRIBE),
    }


def _formatted(instant: datetime | Window, reader: Language, where: ZoneInfo) -> str:
    return span(instant, reader.cldr, where) if isinstance(instant, Window) else moment(instant, reader.cldr, where)


def _times(notice: Notice, since: int, entries: tuple[UpdateView, ...]) -> dict[str, Any]:
    """Return marks for the times a template may print; an empty string for an unknown time.

    `moved_from` is the window this reader was notified of before, if either end has changed.
    `window` combines both ends; `was_planned` is set if the maintenance is over.
    """
    incident, was = notice.incident, notice.moved_from(since)
    return {
        "next_update": substitutions.mark(substitutions.NEXT_UPDATE) if notice.lead.next_update_at else "",
        "window": substitutions.mark(substitutions.WINDOW) if incident.window else "",
        "was_planned": notice.lead.status.is_over,
        "moved_from": substitutions.mark(substitutions.MOVED_FROM) if was else "",
        "times": {entry.id: substitutions.mark(substitutions.time_mark(index)) for index, entry in enumerate(entries)},
        "started": substitutions.mark(substitutions.STARTED)
        if incident.started_at and not incident.is_maintenance
        else "",
        "begins": substitutions.mark(substitutions.BEGINS) if incident.scheduled_for else "",
        "ends": substitutions.mark(substitutions.ENDS) if incident.scheduled_until else "",
    }


def _instants(notice: Notice, since: int, entries: tuple[UpdateView, ...]) -> dict[str, datetime | Window]:
    incident = notice.incident
    posted = {update.id: update.posted_at for update in notice.updates}
    times: dict[str, datetime | Window | None] = {
        substitutions.STARTED: incident.started_at,
        substitutions.BEGINS: incident.scheduled_for,
        substitutions.ENDS: incident.scheduled_until,
        substitutions.NEXT_UPDATE: notice.lead.next_update_at,
        substitutions.WINDOW: incident.window,
        substitutions.MOVED_FROM: notice.moved_from(since),
    }
    known = {name: instant for name, instant in times.items() if instant is not None}
    return known | {substitutions.time_mark(index): posted[entry.id] for index, entry in enumerate(entries)}
