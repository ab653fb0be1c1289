"""Cards: drawn for every message and language, in words that fit, alike on every attempt, or not at all."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from notifier.domain.values import Status
from notifier.rendering.cards.drawing import HEIGHT, WIDTH, paint
from notifier.rendering.cards.typeface import COVERED, fit, plain
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import LOCALES, a_notice, an_update

LETTERS = [chr(code) for code in range(0x20, 0x2300) if COVERED.match(chr(code))]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("status", list(Status))
def test_every_message_has_a_card_in_every_language(renderer: Renderer, locale: str, status: Status) -> None:
    notice = a_notice(an_update(1), an_update(2, status=status))
    picture = paint(renderer.card(notice, locale, 1))
    assert picture is not None
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    assert len(picture.data) < 200_000  # Bluesky takes a megabyte, X and Mastodon more


def test_the_same_notice_gives_the_same_picture(renderer: Renderer) -> None:
    first = paint(renderer.card(a_notice(an_update(1)), "nl", 0))
    paint.cache_clear()
    second = paint(renderer.card(a_notice(an_update(1)), "nl", 0))
    assert first is not None
    assert first == second


def test_another_status_gives_another_picture(renderer: Renderer) -> None:
    trouble, solved = (paint(renderer.card(a_notice(an_update(1, status=status)), "nl", 0))
                       for status in (Status.INVESTIGATING, Status.RESOLVED))  # fmt: skip
    assert trouble is not None
    assert solved is not None
    assert trouble.data != solved.data


@settings(max_examples=60)
@given(st.text(st.sampled_from(LETTERS), max_size=300), st.integers(60, 900), st.integers(1, 3))
@example("\u01f600", 60, 1)  # a letter that leaves no room for the ellipsis
def test_a_text_set_into_a_box_stays_inside_it(text: str, width: int, lines: int) -> None:
    block = fit(plain(text), (48, 40, 32), width=width, lines=lines)
    assert len(block.lines) <= lines
    assert all(block.font.getlength(line) <= width for line in block.lines)
