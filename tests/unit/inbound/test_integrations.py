import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.errors import InvalidInputError
from notifier.domain.messages.brand import Component
from notifier.domain.messages.comments import without_comments
from notifier.inbound.integrations import MAX_BODY, ComponentNames, as_markdown, check_source, one_line
from notifier.rendering.text.markdown import render, to_text

MARKUP = st.text(alphabet="ab1. \n\r\t#*_~`[]()<>!&;|\\-+=:/x\"'amp", max_size=80)
NAMES = ComponentNames(
    [
        Component(key="storefront", name={"nl": "Webwinkel", "en": "Storefront"}),
        Component(key="pos", name={"en": "Point of sale", "fr": "Point de vente"}),
    ]
)


def lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r"\r\n?|\n", text) if line.strip()]


@settings(max_examples=1500)
@given(MARKUP)
def test_plain_text_reads_the_same_after_it_was_written_as_markdown(text: str) -> None:
    assert lines(to_text(as_markdown(text))) == lines(without_comments(text))


@given(st.text(max_size=60))
def test_no_text_at_all_becomes_a_tag(text: str) -> None:
    html = render(as_markdown(text), limit=20_000).html
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {"p", "br", "a"}


@pytest.mark.parametrize("unseen", ["\x80", "\x9f", "\ufeff", "\u202e", "\ue000", "\ud800", "\uffff", "\x7f"])
@pytest.mark.parametrize("mark", ["- a", "# a", "> a", "1. a", "+ a", "a\n{}==="])
def test_a_character_that_is_left_out_later_hides_no_mark(unseen: str, mark: str) -> None:
    text = mark.replace("{}", unseen) if "{}" in mark else unseen + mark
    html = render(as_markdown(text), limit=20_000).html
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {"p", "br"}


def test_words_and_addresses_stay_readable_for_machines() -> None:
    text = "AT&T: see https://status.example/a_b?c=1&d=2 (5 % of requests)"
    assert as_markdown(text) == text


def test_paragraphs_and_lines_are_kept() -> None:
    assert as_markdown("One.\r\nTwo.\r\n \r\n\r\nThree.") == "One.\\\nTwo.\n\nThree."


@pytest.mark.parametrize("text", ["*" * 50_000, "a\n\n" * 20_000, "<b>" * 9_000, "x" * 50_000])
def test_a_text_without_end_is_cut(text: str) -> None:
    written = as_markdown(text)
    assert 0 < len(written) <= MAX_BODY


def test_control_characters_are_left_out() -> None:
    assert as_markdown("a\x00b\x1bc") == "abc"
    assert one_line("a\x00 b\r\nc\t d") == "a b c d"


@pytest.mark.parametrize("name", ["cloud", "a", "0", "edge-1_b", "x" * 64])
def test_a_plain_name_is_a_source(name: str) -> None:
    assert check_source(name) == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a.b", "a b", "x" * 65, "é", "a\n", "sendgrid/events"])
def test_other_names_are_no_source(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_source(name)
    assert caught.value.errors[0].field == "source"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("storefront", "storefront"),
        ("Webwinkel", "storefront"),
        ("POINT  OF SALE", "pos"),
        ("point-de-vente", "pos"),
        ("Amsterdam (AMS)", None),
        ("", None),
        ("-", None),
    ],
)
def test_our_components_are_found_by_key_and_by_name(name: str, key: str | None) -> None:
    assert NAMES.known(name) == key


def test_no_key_is_made_up_for_a_component_that_is_not_ours() -> None:
    assert NAMES.key(None, "漢字", "Amsterdam (AMS)", "f0q6") is None
    assert NAMES.key("unknown", "Webwinkel") == "storefront"


def test_where_no_components_are_configured_any_key_will_do() -> None:
    names = ComponentNames([])
    assert names.key(None, "漢字", "Amsterdam (AMS)", "f0q6") == "amsterdam-ams"
    assert names.key(None, "漢字") is None
    assert len(names.key("x" * 500) or "") == 64


@pytest.mark.parametrize("text", ["word " * 20_000, "line\n\n" * 20_000, "*" * 15_000])
def test_a_text_that_is_too_long_ends_with_a_mark(text: str) -> None:
    written = as_markdown(text)
    assert written.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert len(written) <= MAX_BODY
    assert not as_markdown("short enough").endswith("\N{HORIZONTAL ELLIPSIS}")
