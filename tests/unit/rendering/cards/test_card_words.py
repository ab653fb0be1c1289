from dataclasses import replace

from notifier.domain.incidents.incident import AffectedComponent
from notifier.domain.values import ComponentStatus
from notifier.rendering.cards.card_words import MAX_PARTS, MAX_STEPS
from notifier.rendering.cards.drawing import paint
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import INCIDENT, a_moved_notice, a_notice, an_update


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


def test_a_card_of_planned_work_that_was_moved_says_both_times(renderer: Renderer) -> None:
    card = renderer.card(a_moved_notice(), "nl", 1)
    assert card.status == "Verplaatst"
    assert card.impact == "24 juni 2022 08:34 \N{EN DASH} 10:34 CEST"
    assert card.moved == "Verplaatst van 22 juni 2022 08:34 \N{EN DASH} 10:34 CEST"
    assert card.impact in card.alt
    assert card.moved in card.alt
    assert paint(card) is not None
