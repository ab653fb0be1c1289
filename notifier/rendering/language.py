"""The reader's language: our translations, CLDR data, and fallbacks for missing texts."""

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

_KEPT_TAGS = 2_000  # anyone can request /any-nonsense/, so limit the cache
SOURCE_LANGUAGE = "en"  # the language of the templates; needs no catalogue


@dataclass(frozen=True)
class Language:
    """A reader's language: `tag` (BCP 47) for `lang`, `cldr` for formats, `words` to translate."""

    tag: str
    cldr: Locale
    words: gettext_library.NullTranslations
    speaks: Locale  # the language of `words`: English if the reader's has no catalogue

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, for `dir`."""
        return _direction(self.cldr)

    def gettext(self, message: str) -> str:
        """Translate a message of our own."""
        return self.words.gettext(message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Translate a message of our own in the plural form for `number`."""
        return self.words.ngettext(singular, plural, number)

    def name_of(self, tag: str) -> str:
        """The CLDR name of a language, for use in a sentence: `Englisch` for a German reader."""
        other = parse_locale(tag)
        name = other.get_language_name(self.speaks) if other else None
        return name or tag

    @cached_property
    def interface(self) -> Markup:
        """HTML attributes for our own text; empty if it is in the reader's language."""
        if self.speaks.language == self.cldr.language:
            return Markup("")
        tag = str(self.speaks).replace("_", "-")
        return Markup(' lang="{}" dir="{}"').format(tag, _direction(self.speaks))

    @cached_property
    def is_rtl(self) -> bool:
        """Whether the script runs from right to left."""
        return self.direction == "rtl"


def _direction(locale: Locale) -> str:
    return "rtl" if locale.character_order == "right-to-left" else "ltr"


def parse_locale(tag: str) -> Locale | None:
    """Return the CLDR locale of a tag such as `nl`, `pt-BR` or `zh_Hant_TW`; None if unknown."""
    try:
        return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def fallbacks(tag: str, default_locale: str) -> tuple[str, ...]:
    """Locales to try, best first: the reader's, its bare language, English, the default."""
    own = (tag, tag.replace("_", "-"), tag.replace("_", "-").split("-")[0].lower())
    return tuple(dict.fromkeys((*own, SOURCE_LANGUAGE, default_locale, default_locale.split("-", maxsplit=1)[0])))


def pick(texts: Mapping[str, str], tag: str, default_locale: str) -> tuple[str, str]:
    """Return (locale, text) by `fallbacks`, else the first non-empty text, else ("", "")."""
    for candidate in (*fallbacks(tag, default_locale), *texts):
        if texts.get(candidate, "").strip():
            return candidate, texts[candidate]
    return "", ""


def same_language(one: str, other: str) -> bool:
    """Whether two tags have the same language, ignoring region: `de-AT` and `de` do."""
    return one.replace("_", "-").split("-")[0].lower() == other.replace("_", "-").split("-")[0].lower()


class Languages:
    """Languages by tag, loaded once and cached. Thread-safe."""

    def __init__(self, locales_dir: Path, default_locale: str, offered: Sequence[str] = ()) -> None:
        self._dir = locales_dir
        self._default = default_locale
        self._offered = tuple(offered)
        self._loaded: dict[str, Language] = {}
        self._words: dict[str, gettext_library.NullTranslations] = {}
        self._lock = Lock()

    def __getitem__(self, tag: str) -> Language:
        """Return the language for any tag; the default language for an unknown one."""
        language = self._loaded.get(tag)
        if language is None:
            with self._lock:
                if len(self._loaded) >= _KEPT_TAGS:
                    self._loaded.clear()
                language = self._loaded[tag] = self._load(tag)
        return language

    def offered(self, tag: str) -> str:
        """Return the offered locale of the web pages that fits a reader of `tag` best."""
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
        """Return the closest catalogue and its locale."""
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
    """Read `messages.mo`, or `messages.po` if newer (being edited) or alone (a fresh checkout)."""
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
