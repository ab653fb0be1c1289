"""Render the web pages of `templates/web/` in the reader's language, incident pages included."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from notifier.domain.incidents.incident import Incident, Window
from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.values import Status
from notifier.rendering.datetimes import clock, day, moment, span, zone
from notifier.rendering.environment import Templates
from notifier.rendering.incident_view import Budget, Storyteller, anchor_of
from notifier.rendering.labels import STATUS
from notifier.rendering.language import Language, pick
from notifier.rendering.text.markdown import render

_BODY_LIMIT = 60_000  # bytes of HTML per body
_PAGE_BUDGET = Budget(updates=200, lead=_BODY_LIMIT, others=400_000)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class PageRenderer:
    """Renders pages. Thread-safe.

    Variables of every page: `brand`, `lang`, `dir`, `rtl`, `locales` (offered: tag and native
    name), `home_url`, `timezone`. Filters: `moment`, `day`, `clock` (aware times, in the page's
    zone), `span` (a window), `iso` (for `<time datetime>`), `instant` (parses RFC 3339), `markdown`
    (to safe HTML), `in_language` (picks from a mapping by locale), `anchor` (of an update's id).
    """

    def __init__(self, view: Storyteller, templates: Templates) -> None:
        self._view = view
        self._templates = templates
        templates.add_filters(
            {
                "moment": _moment,
                "day": _day,
                "clock": _clock,
                "span": _span,
                "iso": _iso,
                "instant": datetime.fromisoformat,
                "markdown": _markdown,
                "in_language": _in_language,
                "anchor": anchor_of,
            }
        )

    def render(self, name: str, locale: str, context: Mapping[str, Any], *, timezone: str = "") -> str:
        """Render `templates/web/<name>.html`; times in `timezone` (IANA), else the brand's zone."""
        reader = self._view.languages[locale]
        where = zone(timezone or self._view.brand.timezone, self._view.brand.timezone)
        return self._templates.render(f"web/{name}.html", reader, {**self._common(reader, where), **context})

    def incident(self, incident: Incident, updates: Sequence[NoticeUpdate], *, locale: str, timezone: str = "") -> str:
        """Render the public page of an incident: its timeline, newest first, with anchors."""
        reader = self._view.languages[locale]
        ordered = sorted(updates, key=lambda update: update.ordered_at)
        entries, hidden = self._view.entries(ordered, reader, _PAGE_BUDGET)
        posted = {update.id: update.posted_at for update in ordered}
        status = ordered[-1].status
        context = {
            **self._view.shared(incident, reader),
            "status": reader.gettext(STATUS[status]),
            "mood": mood_of(status),
            "entries": entries,
            "hidden": hidden,
            "next_update_at": None if status.is_over else ordered[-1].next_update_at,
            "posted": posted,
            "started_at": None if incident.is_maintenance else incident.started_at,
            "window": incident.window,
            "was_planned": status.is_over,
            "moves": {update.id: (update.moved_from, update.window) for update in ordered if update.moved_from},
            "alternates": {tag: self._view.incident_url(incident.id, tag) for tag in self._view.brand.locales},
        }
        return self.render("incident", locale, context, timezone=timezone)

    def style_source(self, locale: str = "en") -> str:
        """Return the shared style sheet as a Content-Security-Policy source: `'sha256-...'`."""
        match = _STYLE.search(self.render("message", locale, {"heading": "", "paragraphs": []}))
        digest = hashlib.sha256((match[1] if match else "").encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    def _common(self, reader: Language, where: ZoneInfo) -> dict[str, Any]:
        return {
            "brand": self._view.brand_name(reader),
            "lang": reader.tag,
            "dir": reader.direction,
            "rtl": reader.is_rtl,
            "ui": reader.interface,
            "locales": [(tag, _own_name(tag)) for tag in self._view.brand.locales],
            "home_url": self._view.page_url(reader.tag),
            "timezone": where,
            "default_locale": self._view.brand.default_locale,
        }


def mood_of(status: Status) -> str:
    """Return the colour family (a CSS class) of an incident's status."""
    if status is Status.CANCELED:
        return "review"
    if status.is_over:
        return "solved"
    if status.is_maintenance:
        return "planned"
    return "news" if status is Status.MONITORING else "trouble"


def _own_name(tag: str) -> str:
    """Return a language's native name, for the language switch."""
    name = Locale.parse(tag.replace("-", "_")).display_name or tag
    return name[:1].upper() + name[1:]


@pass_context
def _moment(context: Context, instant: datetime) -> str:
    return moment(instant, context["reader"].cldr, context["timezone"])


@pass_context
def _day(context: Context, instant: datetime) -> str:
    return day(instant, context["reader"].cldr, context["timezone"])


@pass_context
def _clock(context: Context, instant: datetime) -> str:
    return clock(instant, context["reader"].cldr, context["timezone"])


@pass_context
def _span(context: Context, window: Window) -> str:
    return span(window, context["reader"].cldr, context["timezone"])


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _markdown(body: str) -> Markup:
    return Markup(render(body, limit=_BODY_LIMIT).html)  # noqa: S704 - sanitised there


@pass_context
def _in_language(context: Context, texts: Mapping[str, str]) -> str:
    return pick(texts, context["reader"].tag, context["default_locale"])[1]
