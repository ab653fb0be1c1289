"""Prepare a notice for a reader on any channel: which updates, in which language and wording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from notifier.domain.incidents.incident import AffectedComponent, Incident
from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.messages.brand import Brand, Component, localized
from notifier.domain.messages.message import Mailbox
from notifier.domain.values import Status
from notifier.rendering.labels import IMPACT, STATUS, component_word
from notifier.rendering.language import Language, Languages, pick, same_language
from notifier.rendering.text.markdown import render
from notifier.rendering.text.markup import line_without_markup
from notifier.rendering.text.sanitize import clean_line

MAX_COMPONENTS = 20
MAX_LINKS = 5
_MAX_TITLE, _MAX_NAME = 200, 80


@dataclass(frozen=True, slots=True)
class Part:
    """An affected component in the reader's language."""

    name: str
    status: str  # localized; empty if unknown
    key: str  # the status, as CSS class


@dataclass(frozen=True, slots=True)
class UpdateView:
    """One rendered update. `html` is sanitised; `note` names the language if not the reader's."""

    id: str
    status: Status
    word: str
    html: Markup
    text: str
    lang: str
    dir: str
    note: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of a message: number of updates, bytes of HTML for the lead and for all others."""

    updates: int
    lead: int
    others: int


class Storyteller:
    """Turns domain values into clean text in one language. Pure, except for loading catalogues."""

    def __init__(self, brand: Brand, components: Sequence[Component], languages: Languages, public_url: str) -> None:
        self.brand = brand
        self.languages = languages
        self._public_url = public_url.rstrip("/")
        self._components = {component.key: component for component in components}

    def brand_name(self, reader: Language) -> str:
        """The brand's name in the reader's language."""
        return clean_line(self.brand.name_in(reader.tag), _MAX_NAME)

    def reply_to(self, reader: Language) -> Mailbox | None:
        """The Reply-To mailbox for this language; None: replies go to the sender."""
        if not self.brand.reply_to:
            return None
        address = localized(self.brand.reply_to, reader.tag, self.brand.default_locale)
        return Mailbox(email=address, name=self.brand_name(reader))

    def title(self, incident: Incident, reader: Language) -> str:
        """The incident's title as one line, in the best available language."""
        title = line_without_markup(pick(incident.title, reader.tag, self.brand.default_locale)[1])
        return clean_line(title, _MAX_TITLE) or incident.id

    def title_locale(self, incident: Incident, reader: Language) -> str:
        """The language of the title, for the `lang` attribute."""
        locale = pick(incident.title, reader.tag, self.brand.default_locale)[0]
        return self.languages[locale].tag if locale and not same_language(locale, reader.tag) else reader.tag

    @property
    def component_keys(self) -> Sequence[str]:
        """The keys of the configured components, in configured order."""
        return tuple(self._components)

    def component_name(self, key: str, reader: Language) -> str:
        """A component's name; its key if it is not configured."""
        known = self._components.get(key)
        name = localized(known.name, reader.tag, self.brand.default_locale) if known and known.name else key
        return clean_line(name, _MAX_NAME)

    def part(self, component: AffectedComponent, reader: Language) -> Part:
        """An affected component with its localized status."""
        word = component_word(component)
        return Part(
            name=self.component_name(component.key, reader),
            status=reader.gettext(word) if word else "",
            key=component.status or "",
        )

    def incident_url(self, incident_id: str, locale: str, update_id: str = "") -> str:
        """The URL of an incident's public page, with an update's anchor if one is given."""
        anchor = f"#{anchor_of(update_id)}" if update_id else ""
        return f"{self.page_url(locale)}/incidents/{quote(incident_id, safe='')}{anchor}"

    def page_url(self, locale: str) -> str:
        """The root URL of the public pages in the offered locale closest to the reader's."""
        return f"{self._public_url}/{self.languages.offered(locale)}"

    def entries(
        self, updates: Sequence[NoticeUpdate], reader: Language, budget: Budget
    ) -> tuple[tuple[UpdateView, ...], int]:
        """Render updates, newest first. Return the entries and the number of older ones left out.

        Args:
            updates: Oldest first, as in a notice; not empty.
            reader: The reader's language.
            budget: The limits of the message.
        """
        newest_first = list(reversed(updates))[: budget.updates]
        shown: list[UpdateView] = []
        remaining = budget.others
        share = max(600, budget.others // 4)
        for update in newest_first:
            limit = budget.lead if not shown else min(share, remaining)
            if limit <= 0:
                break
            entry = self.entry(update, reader, limit=limit, previous=shown[-1].lang if shown else reader.tag)
            remaining -= len(entry.html) if shown else 0
            shown.append(entry)
        return tuple(shown), len(updates) - len(shown)

    def entry(self, update: NoticeUpdate, reader: Language, *, limit: int, previous: str) -> UpdateView:
        """Render one update.

        `previous` is the language of the text before; only a change of language gets a note.
        """
        locale, body = pick(update.body, reader.tag, self.brand.default_locale)
        written = self.languages[locale] if locale else reader
        prose = render(body, limit=limit)
        foreign = bool(locale) and not same_language(locale, reader.tag)
        return UpdateView(
            id=update.id,
            status=update.status,
            word=reader.gettext(STATUS[update.status]),
            html=Markup(prose.html),  # noqa: S704 - sanitised by markdown.render
            text=prose.text,
            lang=written.tag,
            dir=written.direction,
            note=self.language_note(locale, reader) if foreign and not same_language(locale, previous) else "",
            cut=prose.cut,
        )

    def language_note(self, locale: str, reader: Language) -> str:
        """Return a note, in the reader's language, that names the text's language."""
        language = reader.name_of(locale)
        # i18n: %(language)s is a language's own name in your language, as CLDR writes it inside a sentence
        return reader.gettext("This text is in %(language)s; a translation is not available.") % {"language": language}

    def shared(self, incident: Incident, reader: Language) -> Mapping[str, Any]:
        """Variables for every incident template, on any channel."""
        return {
            "brand": self.brand_name(reader),
            "lang": reader.tag,
            "dir": reader.direction,
            "rtl": reader.is_rtl,
            "ui": reader.interface,
            "title": self.title(incident, reader),
            "title_lang": self.title_locale(incident, reader),
            "impact": reader.gettext(IMPACT[incident.impact]) if incident.impact in IMPACT else "",
            "components": [self.part(component, reader) for component in incident.components[:MAX_COMPONENTS]],
            "components_known": incident.components_known,
            "more_components": max(0, len(incident.components) - MAX_COMPONENTS),
            "is_maintenance": incident.is_maintenance,
            "links": [clean_line(link, 2000) for link in incident.links[:MAX_LINKS] if _is_web_address(link)],
            "url": self.incident_url(incident.id, reader.tag),
            "calendar_url": f"{self.incident_url(incident.id, reader.tag)}.ics" if incident.window else "",
            "home_url": self.page_url(reader.tag),
        }


def _is_web_address(link: str) -> bool:
    return link[:8].lower().startswith(("http://", "https://")) and not any(sign in link for sign in " <>\"'`")


def anchor_of(update_id: str) -> str:
    """The URL fragment of an update on its incident's page."""
    return quote(f"upd-{update_id.removeprefix('upd-')}", safe="")
