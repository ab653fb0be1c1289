"""Cards: drawn for every message and language, in words that fit, alike on every attempt, or not at all."""

import io
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from notifier.domain.incidents.incident import AffectedComponent
from notifier.domain.incidents.notice import Notice
from notifier.domain.values import ComponentStatus, Status
from notifier.rendering.cards.card_words import MAX_PARTS, MAX_STEPS
from notifier.rendering.cards.drawing import HEIGHT, WIDTH, paint
from notifier.rendering.cards.typeface import COVERED, can_write, fit, font, plain
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import INCIDENT, LOCALES, a_moved_notice, a_notice, an_update

LETTERS = [chr(code) for code in range(0x20, 0x2300) if COVERED.match(chr(code))]


def titled(title: str, *, locale: str = "en") -> Notice:
    notice = a_notice(an_update(1))
    return replace(notice, incident=replace(notice.incident, title={locale: title}))


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


def test_the_alternative_text_says_all_of_it_in_the_readers_language(renderer: Renderer) -> None:
    picture = paint(renderer.card(a_notice(an_update(1)), "nl", 0))
    assert picture is not None
    for said in ("Mijnwebwinkel.", "In onderzoek: Verminderde performance.", "Webwinkel: Grote storing", "Tijdlijn"):
        assert said in picture.alt
    assert len(picture.alt) <= 1_000


def test_what_is_left_out_is_what_is_best_and_is_counted(renderer: Renderer) -> None:
    health = [ComponentStatus.OPERATIONAL] * 4 + [ComponentStatus.MAJOR_OUTAGE]
    parts = tuple(AffectedComponent(key=f"part-{number}", status=one) for number, one in enumerate(health))
    notice = a_notice(an_update(1))
    words = renderer.card(replace(notice, incident=replace(INCIDENT, components=parts)), "en", 0)
    assert [part.name for part in words.parts] == ["part-4", "part-0", "part-1"]
    assert len(words.parts) == MAX_PARTS - 1
    assert words.more_parts == "and 2 more parts"


def test_a_long_story_shows_its_newest_steps(renderer: Renderer) -> None:
    updates = [an_update(number) for number in range(1, MAX_STEPS + 3)]
    words = renderer.card(a_notice(*updates), "en", 0)
    assert len(words.steps) == MAX_STEPS
    assert words.more_steps


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


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from(LETTERS), max_size=300), st.integers(60, 900), st.integers(1, 3))
@example("\u01f600", 60, 1)  # a letter that leaves no room for the ellipsis
def test_a_text_set_into_a_box_stays_inside_it(text: str, width: int, lines: int) -> None:
    block = fit(plain(text), (48, 40, 32), width=width, lines=lines)
    assert len(block.lines) <= lines
    assert all(block.font.getlength(line) <= width for line in block.lines)


def test_a_card_of_planned_work_that_was_moved_says_both_times(renderer: Renderer) -> None:
    card = renderer.card(a_moved_notice(), "nl", 1)
    assert card.status == "Verplaatst"
    assert card.impact == "24 juni 2022 08:34 \N{EN DASH} 10:34 CEST"
    assert card.moved == "Verplaatst van 22 juni 2022 08:34 \N{EN DASH} 10:34 CEST"
    assert card.impact in card.alt
    assert card.moved in card.alt
    assert paint(card) is not None
