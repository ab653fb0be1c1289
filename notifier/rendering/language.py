"""The reader's language: translations of our own words, what CLDR knows, and which text to take when one is missing."""

import gettext as gettext_library
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup

_KEPT_TAGS = 2_000  # anybody can ask a page for /any-nonsense/; what is kept must end somewhere
SOURCE_LANGUAGE = "en"  # what the templates are written in: needs no catalogue to be readable


@dataclass(frozen=True)
class Language:
    """One reader's language. `tag` is BCP 47, for `lang`; `cldr` formats; `words` translates the interface."""

    tag: str
    cldr: Locale
    words: gettext_library.NullTranslations
    speaks: Locale  # the language of `words`: English for a reader whose language has no catalogue

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, for `dir`."""
        return _direction(self.cldr)

    def gettext(self, message: str) -> str:
        """Translate one of our own sentences."""
        return self.words.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Translate one of our own sentences in the form that fits `number`."""
        return self.words.ngettext(singular, plural, number)

    def name_of(self, tag: str) -> str:
        """The name of another language, by CLDR, as a part of our own sentences: `Englisch` to a German reader."""
        other = parse_locale(tag)
        name = other.get_language_name(self.speaks) if other else None
        return name or tag

    @cached_property
    def interface(self) -> Markup:
        """Attributes for an element that holds our own words where these are not in the reader's language."""
        if self.speaks.language == self.cldr.language:
            return Markup("")
        tag = str(self.speaks).replace("_", "-")
        return Markup(' lang="{}" dir="{}"').format(tag, _direction(self.speaks))

    @cached_property
    def is_rtl(self) -> bool:
        """Whether it is written from right to left."""
        return self.direction == "rtl"


def _direction(locale: Locale) -> str:
    return "rtl" if locale.character_order == "right-to-left" else "ltr"


def parse_locale(tag: str) -> Locale | None:
    """Return what CLDR knows of a locale such as `nl`, `pt-BR` or `zh_Hant_TW`; None when it knows nothing."""
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def fallbacks(tag: str, default_locale: str) -> tuple[str, ...]:
    """Locales to look for, best first: the reader's own, its language, English, the house's."""
    own = (tag, tag.replace("_", "-"), tag.replace("_", "-").split("-")[0].lower())
    return tuple(dict.fromkeys((*own, SOURCE_LANGUAGE, default_locale, default_locale.split("-", maxsplit=1)[0])))


def pick(texts: Mapping[str, str], tag: str, default_locale: str) -> tuple[str, str]:
    """Return (locale, text) for a reader: along `fallbacks`, else the first that is not empty; ("", "") without any."""
    for candidate in (*fallbacks(tag, default_locale), *texts):
        if texts.get(candidate, "").strip():
            return candidate, texts[candidate]
    return "", ""


def same_language(one: str, other: str) -> bool:
    """Whether two tags name one language, whatever the region: a reader of `de-AT` needs no note on a `de` text."""
    return one.replace("_", "-").split("-")[0].lower() == other.replace("_", "-").split("-")[0].lower()


class Languages:
    """Every language there is a catalogue for, loaded once each and kept. Safe to share between threads."""

    def __init__(self, locales_dir: Path, default_locale: str, offered: Sequence[str] = ()) -> None:
        self._dir = locales_dir
        self._default = default_locale
        self._offered = tuple(offered)
        self._loaded: dict[str, Language] = {}
        self._words: dict[str, gettext_library.NullTranslations] = {}
        self._lock = Lock()

    def __getitem__(self, tag: str) -> Language:
        """The language for a locale, whatever was asked: a locale that nobody knows reads the house's default."""
        language = self._loaded.get(tag)
        if language is None:
            with self._lock:
                if len(self._loaded) >= _KEPT_TAGS:
                    self._loaded.clear()
                language = self._loaded[tag] = self._load(tag)
        return language

    def offered(self, tag: str) -> str:
        """The locale under which the web pages speak to a reader of `tag`: one that the house offers."""
        for candidate in (*fallbacks(tag, self._default)[:3], self._default, SOURCE_LANGUAGE):
            if candidate in self._offered:
                return candidate
        return self._offered[0] if self._offered else self._default

    def _load(self, tag: str) -> Language:
        cldr = parse_locale(tag)
        if cldr is None:
            tag = self._default
            cldr = parse_locale(tag) or Locale(SOURCE_LANGUAGE)
        words, found = self._translations(str(cldr))
        return Language(tag=str(cldr).replace("_", "-"), cldr=cldr, words=words, speaks=Locale.parse(found))

    def _translations(self, tag: str) -> tuple[gettext_library.NullTranslations, str]:
        """Return the nearest catalogue and its locale."""
        parts = tag.split("_")
        names = ["_".join(parts[:length]) for length in range(len(parts), 0, -1)]
        for name in dict.fromkeys((*names, SOURCE_LANGUAGE)):
            if name not in self._words:
                folder = self._dir / name / "LC_MESSAGES"
                self._words[name] = read_catalogue(folder) or gettext_library.NullTranslations()
            if type(self._words[name]) is gettext_library.GNUTranslations:
                return self._words[name], name
        return gettext_library.NullTranslations(), SOURCE_LANGUAGE


def read_catalogue(folder: Path) -> gettext_library.GNUTranslations | None:
    """Read `messages.mo`, or `messages.po` where it is newer (a translator at work) or alone (a fresh checkout)."""
    compiled, source = folder / "messages.mo", folder / "messages.po"
    if source.is_file() and (not compiled.is_file() or compiled.stat().st_mtime < source.stat().st_mtime):
        with source.open("rb") as file:
            catalogue = read_po(file, locale=folder.parent.name)
        buffer = io.BytesIO()
        write_mo(buffer, catalogue)
        return gettext_library.GNUTranslations(io.BytesIO(buffer.getvalue()))
    if compiled.is_file():
        with compiled.open("rb") as file:
            return gettext_library.GNUTranslations(file)
    return None
