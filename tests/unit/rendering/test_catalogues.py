"""The translators' work is whole: nothing missing, doubtful, left over or behind the sources."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from notifier.rendering.language import Languages
from notifier.resources import locales_dir
from tests.support.repository import ROOT
from tests.unit.rendering.samples import LOCALES


def catalogue(locale: str) -> Catalog:
    with (ROOT / "locales" / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=locale)


def messages(source: Catalog) -> Iterator[Message]:
    return (message for message in source if message.id)


def identity(message: Message) -> tuple[object, str | None]:
    return message.id if isinstance(message.id, str) else tuple(message.id or ()), message.context


def in_the_sources() -> set[tuple[object, str | None]]:
    with (ROOT / "locales" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    # Babel leaves out folders that begin with an underscore unless told otherwise: ours hold the base templates.
    found = extract_from_dir(
        str(ROOT),
        methods,
        options,
        comment_tags=("i18n:",),
        directory_filter=lambda path: not Path(path).name.startswith("."),
    )
    return {(message if isinstance(message, str) else tuple(message), context) for _, _, message, _, context in found}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_translated(locale: str) -> None:
    for message in messages(catalogue(locale)):
        forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert forms, message.id
        assert all(form.strip() for form in forms), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("locale", LOCALES)
def test_every_translation_fits_its_sentence(locale: str) -> None:
    assert [(message.id, errors) for message, errors in catalogue(locale).check()] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_is_left_over(locale: str) -> None:
    assert not catalogue(locale).obsolete


@pytest.mark.parametrize("locale", LOCALES)
def test_the_catalogue_holds_exactly_what_the_sources_say(locale: str) -> None:
    assert {identity(message) for message in messages(catalogue(locale))} == in_the_sources()


def test_the_template_for_translators_is_up_to_date() -> None:
    with (ROOT / "locales" / "messages.pot").open("rb") as file:
        assert {identity(message) for message in messages(read_po(file))} == in_the_sources()


def test_base_templates_and_text_parts_reach_the_translators() -> None:
    with (ROOT / "locales" / "messages.pot").open("rb") as file:
        places = {place for message in messages(read_po(file)) for place, _ in message.locations}
    assert any(place.startswith("templates/_base/") and place.endswith(".txt") for place in places)
    assert any(place.startswith("templates/web/") for place in places)


@pytest.mark.parametrize("locale", ["nl", "de", "fr"])
def test_no_sentence_was_left_in_english(locale: str) -> None:
    same = {str(message.id) for message in messages(catalogue(locale)) if message.id == message.string}
    assert same <= {"Endpoint", "Name", "Status", "%(status)s: %(title)s", "%(label)s: %(value)s", "%(label)s:"}


def test_a_catalogue_just_edited_counts_before_it_is_compiled(tmp_path: Path) -> None:
    shutil.copytree(locales_dir(), tmp_path / "locales")
    for compiled in tmp_path.rglob("*.mo"):
        compiled.unlink()
    source = tmp_path / "locales" / "nl" / "LC_MESSAGES" / "messages.po"
    source.write_text(source.read_text(encoding="utf-8").replace('"Hallo,"', '"Dag,"'), encoding="utf-8")
    assert Languages(tmp_path / "locales", "en")["nl"].gettext("Hello,") == "Dag,"
