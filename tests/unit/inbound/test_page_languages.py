import pytest

from notifier.domain.proposals.page_languages import marked_languages
from notifier.inbound.page_languages import split_languages, split_title
from notifier.inbound.page_texts import page_markdown

BOTH = marked_languages(("nl", "EN:"))
DUTCH, ENGLISH = "We zien een storing.", "We see a disruption."


@pytest.mark.parametrize(
    "body",
    [
        f"{DUTCH}\r\n\r\nEN: {ENGLISH}",
        f"{DUTCH}\nEN: {ENGLISH}",
        f"{DUTCH}\n\nEN - {ENGLISH}",
        f"{DUTCH}\n\nEN \u2013 {ENGLISH}",
        f"NL: {DUTCH}\n\nEN: {ENGLISH}",
        f"**NL:** {DUTCH}\n\n**EN:** {ENGLISH}",
        f"**NL**: {DUTCH}\n\n**EN -** {ENGLISH}",
        f"[NL] {DUTCH}\n\n[EN] {ENGLISH}",
        f"{DUTCH}\n\n**EN**\n\n{ENGLISH}",
        f"{DUTCH}\n\n## EN\n{ENGLISH}",
        f"{DUTCH}\n\n---\n\nEN: {ENGLISH}",
        f"{DUTCH}<br /><br />EN: {ENGLISH}",
        f"{DUTCH}<br/><strong>EN:</strong>&nbsp;{ENGLISH}",
        f"<p>{DUTCH}</p>\n<p><b>[EN]</b> {ENGLISH}</p>",
        f"{DUTCH} EN: {ENGLISH}",
        f"{DUTCH} / EN: {ENGLISH}",
    ],
)
def test_two_languages_in_one_body_are_two_texts(body: str) -> None:
    assert split_languages(page_markdown(body), BOTH) == {"nl": DUTCH, "en": ENGLISH}


@pytest.mark.parametrize(
    "body", [DUTCH, "Traag en - zoals gemeld - soms weg.\nen: dat is klein geschreven.", "We zien EN 301: de norm."]
)
def test_a_body_without_the_mark_is_in_the_first_language(body: str) -> None:
    assert split_languages(body, BOTH) == {"nl": body}


def test_a_body_that_begins_with_the_second_language_has_no_first() -> None:
    assert split_languages(f"EN: {ENGLISH}", BOTH) == {"en": ENGLISH}


def test_languages_that_take_turns_are_put_together() -> None:
    text = "NL: Een.\n\nEN: One.\n\nNL: Twee.\n\nEN: Two."
    assert split_languages(text, BOTH) == {"nl": "Een.\n\nTwee.", "en": "One.\n\nTwo."}


def test_bold_text_and_headings_stay_what_they_are() -> None:
    assert split_languages("Weg.\n\n**EN: All is down.** Sorry.", BOTH)["en"] == "**All is down.** Sorry."
    assert split_languages("Weg.\n\n## EN: Summary\nDown.", BOTH)["en"] == "## Summary\nDown."


def test_a_mark_may_be_a_line_of_signs_or_words() -> None:
    three = marked_languages(("nl", "en=In English:", "de=***"))
    assert split_languages("Hallo.\n\nIn English: Hello.\n\n***\n\nGuten Tag.", three) == {
        "nl": "Hallo.",
        "en": "Hello.",
        "de": "Guten Tag.",
    }


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        (
            "Verminderde prestaties / Degraded performance",
            {"nl": "Verminderde prestaties", "en": "Degraded performance"},
        ),
        ("Storing | Outage", {"nl": "Storing", "en": "Outage"}),
        ("NL: Storing / EN: Outage", {"nl": "Storing", "en": "Outage"}),
        ("Storing - EN: Outage", {"nl": "Storing", "en": "Outage"}),
        ("Storing", {"nl": "Storing"}),
        ("Storing bij iDEAL/Bancontact", {"nl": "Storing bij iDEAL/Bancontact"}),
        ("iDEAL / Bancontact / PayPal", {"nl": "iDEAL / Bancontact / PayPal"}),
    ],
)
def test_a_title_is_split_where_it_holds_a_separator(title: str, parts: dict[str, str]) -> None:
    assert split_title(title, BOTH) == parts
