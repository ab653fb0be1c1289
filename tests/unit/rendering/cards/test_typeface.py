from dataclasses import replace

import pytest

from notifier.domain.incidents.notice import Notice
from notifier.rendering.cards.drawing import paint
from notifier.rendering.cards.typeface import COVERED, can_write, font
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import a_notice, an_update

LETTERS = [chr(code) for code in range(0x20, 0x2300) if COVERED.match(chr(code))]


def titled(title: str, *, locale: str = "en") -> Notice:
    notice = a_notice(an_update(1))
    return replace(notice, incident=replace(notice.incident, title={locale: title}))


@pytest.mark.parametrize("title", ["عطل في الدفع", "決済障害", "ข้อผิดพลาด", "🔴🔥"])
def test_a_title_the_typeface_cannot_write_gets_no_card(renderer: Renderer, title: str) -> None:
    assert paint(renderer.card(titled(title), "en", 0)) is None


def test_emoji_are_left_out_and_the_rest_is_drawn(renderer: Renderer) -> None:
    with_emoji, without = (paint(renderer.card(titled(title), "en", 0)) for title in ("Slow 🐌 shops", "Slow shops"))
    assert with_emoji is not None
    assert without is not None
    assert with_emoji.data == without.data
    assert "🐌" in with_emoji.alt


def test_the_typeface_has_every_letter_that_it_is_said_to_have() -> None:
    for strong in (False, True):
        face = font(20, strong=strong)
        missing = face.getmask("\ufffe")
        boxes = [letter for letter in LETTERS if letter.strip() and bytes(face.getmask(letter)) == bytes(missing)]
        assert boxes == []
    assert can_write("Störung behoben \u2013 prêt à l\u2019emploi, €5 \u2192 œuvre")
    assert not can_write("障害")
