"""Recognising our own posts when they are read back, and what they cost."""

import unicodedata
from decimal import Decimal
from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
