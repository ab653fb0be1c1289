from notifier.rendering.renderer import Renderer
from tests.unit.rendering.mail.outlines import outline, received
from tests.unit.rendering.samples import (
    a_notice,
    a_notice_saying,
    an_update,
)


def test_only_updates_that_the_reader_has_not_seen_are_listed(renderer: Renderer) -> None:
    notice = a_notice(*(an_update(number) for number in range(1, 6)))
    _, text, _ = received(renderer, notice, "nl", since=3)
    assert [number for number in range(1, 6) if f"({number})." in text] == [4, 5]
    assert text.index("(5).") < text.index("(4).")


def test_a_missing_language_falls_back_and_says_so(renderer: Renderer) -> None:
    _, text, html = received(renderer, a_notice_saying("We are looking for the cause."), "de")
    assert "Dieser Text ist auf Englisch" in text
    prose = next(attributes for attributes in outline(html).tags["div"] if attributes["class"] == "prose")
    assert (prose["lang"], prose["dir"]) == ("en", "ltr")
    _, text, _ = received(renderer, a_notice_saying({"fr": "Nous cherchons."}), "de")
    assert "Dieser Text ist auf Französisch" in text
    _, text, _ = received(renderer, a_notice_saying({"de": "Wir suchen."}), "de-AT")
    assert "Dieser Text" not in text


def test_one_note_serves_a_run_of_foreign_texts(renderer: Renderer) -> None:
    notice = a_notice(*(an_update(number, body={"en": f"Text {number}."}) for number in (1, 2, 3)))
    assert received(renderer, notice, "de")[1].count("Dieser Text ist auf Englisch") == 1
