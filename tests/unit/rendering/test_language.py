"""Which language a reader gets, and how times are said in it."""

import pytest

from notifier.rendering.language import Languages, fallbacks, pick
from notifier.resources import locales_dir


@pytest.fixture(scope="module")
def languages() -> Languages:
    return Languages(locales_dir(), "en", ("nl", "en", "de", "fr"))


@pytest.mark.parametrize(
    ("tag", "lang", "direction", "hello"),
    [
        ("nl", "nl", "ltr", "Hallo,"),
        ("nl-BE", "nl-BE", "ltr", "Hallo,"),
        ("de_AT", "de-AT", "ltr", "Guten Tag,"),
        ("ar", "ar", "rtl", "Hello,"),
        ("he-IL", "he-IL", "rtl", "Hello,"),
        ("ja", "ja", "ltr", "Hello,"),
        ("", "en", "ltr", "Hello,"),
        ("no such locale", "en", "ltr", "Hello,"),
        ("../../etc/passwd", "en", "ltr", "Hello,"),
        ("x" * 5000, "en", "ltr", "Hello,"),
    ],
)
def test_every_locale_is_read_as_something(
    languages: Languages, tag: str, lang: str, direction: str, hello: str
) -> None:
    language = languages[tag]
    assert (language.tag, language.direction, language.gettext("Hello,")) == (lang, direction, hello)


def test_plurals_follow_the_language(languages: Languages) -> None:
    forms = {
        (locale, number): languages[locale].ngettext("and one earlier update", "and %(count)s earlier updates", number)
        for locale in ("nl", "fr")
        for number in (0, 1, 2)
    }
    assert forms["nl", 0] != forms["nl", 1]
    assert forms["fr", 0] == forms["fr", 1] != forms["fr", 2]


@pytest.mark.parametrize(
    ("texts", "tag", "expected"),
    [
        ({"nl": "N", "en": "E"}, "nl", ("nl", "N")),
        ({"nl": "N", "en": "E"}, "nl-BE", ("nl", "N")),
        ({"nl": "N", "en": "E"}, "de", ("en", "E")),
        ({"nl": "N", "fr": "F"}, "de", ("fr", "F")),
        ({"it": "I"}, "de", ("it", "I")),
        ({"de": "  ", "en": "E"}, "de", ("en", "E")),
        ({}, "de", ("", "")),
    ],
)
def test_a_text_is_taken_along_the_fallbacks(texts: dict[str, str], tag: str, expected: tuple[str, str]) -> None:
    assert pick(texts, tag, "fr") == expected


def test_fallbacks_go_from_the_readers_own_to_the_houses() -> None:
    assert fallbacks("de-AT", "nl") == ("de-AT", "de", "en", "nl")


def test_a_language_is_named_in_the_language_of_our_own_words(languages: Languages) -> None:
    assert languages["de"].name_of("nl") == "Niederländisch"
    assert languages["ar"].name_of("nl") == "Dutch"
    assert languages["de"].name_of("q-unknown") == "q-unknown"


def test_pages_are_offered_in_the_nearest_locale(languages: Languages) -> None:
    assert [languages.offered(tag) for tag in ("nl-BE", "ar", "fr", "")] == ["nl", "en", "fr", "en"]
