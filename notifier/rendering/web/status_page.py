"""Render the status page and its Atom feed in the reader's language."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from markupsafe import Markup

from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.incidents.platform_status import PublicTimeline, health
from notifier.domain.values import ComponentStatus
from notifier.rendering.datetimes import span, zone
from notifier.rendering.incident_view import Storyteller
from notifier.rendering.labels import COMPONENT_STATUS, IMPACT, STATUS
from notifier.rendering.language import Language
from notifier.rendering.web.pages import PageRenderer, mood_of

_ATOM = "http://www.w3.org/2005/Atom"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_MOST_ENTRIES = 50
_ENTRY_LIMIT = 20_000  # bytes of HTML per entry
_EPOCH = datetime(2022, 1, 1, tzinfo=UTC)  # `updated` of an empty feed


class StatusPages:
    """Renders the status page and the feed. Thread-safe."""

    def __init__(self, view: Storyteller, pages: PageRenderer) -> None:
        self._view = view
        self._pages = pages

    def page(self, timelines: Sequence[PublicTimeline], *, locale: str) -> str:
        """Render `templates/web/status.html`; `timelines` by latest update, newest first."""
        reader = self._view.languages[locale]
        running = [timeline for timeline in timelines if timeline.is_running]
        worst = health(timelines, self._view.component_keys)
        context = {
            "running": [self._listed(timeline, reader) for timeline in running],
            "planned": [self._listed(timeline, reader) for timeline in timelines if timeline.is_planned],
            "past": [self._listed(timeline, reader) for timeline in timelines if timeline.is_over],
            "trouble": any(not timeline.incident.is_maintenance for timeline in running),
            "parts": [
                {
                    "name": self._view.component_name(key, reader),
                    "status": reader.gettext(COMPONENT_STATUS[status]),
                    "key": status.value,
                }
                for key, status in worst.items()
            ],
            "all_well": all(status is ComponentStatus.OPERATIONAL for status in worst.values()),
            "feed": f"{self._view.page_url(reader.tag)}/feed.atom",
            "alternates": {tag: f"{self._view.page_url(tag)}/" for tag in self._view.brand.locales},
        }
        return self._pages.render("status", locale, context)

    def _listed(self, timeline: PublicTimeline, reader: Language) -> Mapping[str, Any]:
        incident = timeline.incident
        is_graded = incident.impact in IMPACT and not incident.is_maintenance
        return {
            "title": self._view.title(incident, reader),
            "title_lang": self._view.title_locale(incident, reader),
            "url": self._view.incident_url(incident.id, reader.tag),
            "status": reader.gettext(STATUS[timeline.status]),
            "mood": mood_of(timeline.status),
            "impact": reader.gettext(IMPACT[incident.impact]) if is_graded else "",
            "posted_at": timeline.posted_at,
            "window": incident.window,
            "parts": [self._view.part(component, reader).name for component in incident.components[:5]],
        }

    def feed(self, timelines: Sequence[PublicTimeline], *, locale: str) -> bytes:
        """Render the newest updates as an Atom feed (RFC 4287), one entry each."""
        reader = self._view.languages[locale]
        entries = [(update, timeline) for timeline in timelines for update in timeline.updates]
        entries.sort(key=lambda pair: pair[0].ordered_at, reverse=True)
        home = f"{self._view.page_url(reader.tag)}/"
        feed = ET.Element(f"{{{_ATOM}}}feed", {_XML_LANG: reader.tag})
        _text(feed, "id", home)
        _text(feed, "title", reader.gettext("%(brand)s status") % {"brand": self._view.brand_name(reader)})
        _text(feed, "updated", _rfc3339(entries[0][0].posted_at if entries else _EPOCH))
        _link(feed, "alternate", home)
        _link(feed, "self", f"{home}feed.atom")
        _text(ET.SubElement(feed, f"{{{_ATOM}}}author"), "name", self._view.brand_name(reader))
        for update, timeline in entries[:_MOST_ENTRIES]:
            said = self._view.entry(update, reader, limit=_ENTRY_LIMIT, previous=reader.tag)
            address = self._view.incident_url(timeline.incident.id, reader.tag, update.id)
            entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
            _text(entry, "id", address)
            title = {"status": said.word, "title": self._view.title(timeline.incident, reader)}
            _text(entry, "title", reader.gettext("%(status)s: %(title)s") % title)
            _text(entry, "updated", _rfc3339(update.posted_at))
            _link(entry, "alternate", address)
            content = ET.SubElement(entry, f"{{{_ATOM}}}content", {"type": "html", _XML_LANG: said.lang})
            content.text = _NOT_XML.sub("", f"{self._when(update, reader)}{said.html}")
        ET.register_namespace("", _ATOM)
        return bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))

    def _when(self, update: NoticeUpdate, reader: Language) -> Markup:
        """Return a paragraph with the maintenance window, and the old one if moved; else empty."""
        if update.window is None:
            return Markup("")
        where = zone(self._view.brand.timezone, "UTC")
        said = span(update.window, reader.cldr, where)
        if update.moved_from is not None:
            words = {"old": span(update.moved_from, reader.cldr, where), "new": said}
            said = reader.gettext("Moved from %(old)s to %(new)s") % words
        return Markup('<p lang="{}">{}</p>').format(reader.tag, said)


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = _NOT_XML.sub("", text)


def _link(parent: ET.Element, relation: str, address: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}link", {"rel": relation, "href": address})


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
