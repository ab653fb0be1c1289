"""Which language a reader gets, and how times are said in it."""

from datetime import UTC, datetime

import pytest

from notifier.rendering.datetimes import moment, zone
from notifier.rendering.language import Languages, fallbacks, parse_locale, pick
from notifier.resources import locales_dir

MORNING = datetime(2022, 6, 21, 6, 36, tzinfo=UTC)
WINTER = datetime(2022, 12, 21, 20, 5, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("tag", "timezone", "expected"),
    [
        ("nl", "Europe/Amsterdam", "21 juni 2022 08:36 CEST"),
        ("nl", "Europe/London", "21 juni 2022 07:36 BST"),
        ("de", "Europe/Berlin", "21. Juni 2022 08:36 MESZ"),
        ("de", "America/Sao_Paulo", "21. Juni 2022 03:36 GMT-03:00"),
        ("fr", "Europe/Paris", "21 juin 2022 08:36 CEST"),
        ("en", "Europe/London", "21 June 2022 07:36 BST"),
        ("en", "Europe/Amsterdam", "21 June 2022 08:36 CEST"),
        ("en", "America/New_York", "June 21, 2022 2:36\u00a0AM EDT"),
        ("en-US", "Europe/London", "June 21, 2022 7:36\u00a0AM BST"),
        ("en", "Asia/Kolkata", "21 June 2022 12:06\u00a0pm IST"),
        ("ja", "Asia/Tokyo", "2022年6月21日 15:36 JST"),
        ("nl", "UTC", "21 juni 2022 06:36 UTC"),
    ],
)
def test_an_instant_is_said_as_its_reader_would(tag: str, timezone: str, expected: str) -> None:
    cldr = parse_locale(tag)
    assert cldr is not None
    assert moment(MORNING, cldr, zone(timezone, "UTC")) == expected


def test_winter_has_its_own_zone_name() -> None:
    cldr = parse_locale("nl")
    assert cldr is not None
    assert moment(WINTER, cldr, zone("Europe/Amsterdam", "UTC")) == "21 december 2022 21:05 CET"


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "\x00", "x" * 5000, "/etc/localtime"]
)
def test_a_zone_nobody_knows_is_the_houses(name: str) -> None:
    assert zone(name, "Europe/Amsterdam").key == "Europe/Amsterdam"
