"""Recognising our own posts when they are read back, and what they cost."""

import unicodedata
from decimal import Decimal
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.social.mastodon_text import is_same_status, text_of
from notifier.channels.social.x_text import expanded, is_same_post, post_cost

WORDS = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("Störung behoben", "0.015"),
        ("Mehr: https://status.shop.example/x", "0.20"),
        ("Mehr: HTTP://status.shop.example", "0.20"),
        ("https:// allein ist kein Link", "0.015"),
    ],
)
def test_a_link_costs_thirteen_times_the_post(text: str, cost: str) -> None:
    assert post_cost(text) == Decimal(cost)


@given(WORDS)
def test_a_text_that_x_escaped_and_composed_anew_is_the_same(text: str) -> None:
    theirs = escape(unicodedata.normalize("NFD", text), quote=False)
    assert is_same_post(text, {"id": "1", "text": f" {theirs}\n"})


def test_another_text_is_another_post() -> None:
    assert not is_same_post("Störung behoben", {"id": "1", "text": "Störung"})


def test_a_bare_domain_x_made_a_link_of_is_the_same() -> None:
    urls = [{"url": "https://t.co/x", "expanded_url": "http://status.shop.example/x"}]
    assert is_same_post("Siehe status.shop.example/x", {"text": "Siehe https://t.co/x", "entities": {"urls": urls}})


@pytest.mark.parametrize("entities", [None, [], {"urls": None}, {"urls": [None, {"url": 1}, {}, {"url": ""}]}, "x"])
def test_entities_of_any_shape_leave_the_text_alone(entities: Any) -> None:
    assert expanded("text", entities) == "text"


@given(WORDS)
def test_a_status_reads_as_it_was_written(text: str) -> None:
    assert is_same_status(text, f"<p>{escape(text)}</p>")


def test_links_paragraphs_and_breaks_of_a_real_instance_are_read() -> None:
    content = (
        '<p>Störung &amp; Ausfall<br />Mehr: <a href="https://status.shop.example/de/incidents/1" target="_blank">'
        '<span class="invisible">https://</span><span class="ellipsis">status.shop.example/de/inc</span>'
        '<span class="invisible">idents/1</span></a></p><p><a href="https://m.example/tags/St" class="mention hashtag">'
        "#<span>Störung</span></a></p>"
    )
    assert is_same_status("Störung & Ausfall\nMehr: https://status.shop.example/de/incidents/1\n\n#Störung", content)
    assert not is_same_status("Störung", content)


@pytest.mark.parametrize("content", ["", "<p>", "<<>>", "a < b", "<!-- x", "&unknown;"])
def test_markup_of_any_kind_is_survived(content: str) -> None:
    assert isinstance(text_of(content), str)
