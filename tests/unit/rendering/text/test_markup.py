"""What was typed beside the text: comments never leave, breaks break, tags are left out, code stays as it is."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.domain.incidents.platform_status import PublicTimeline
from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform, WebhookFormat
from notifier.rendering.renderer import Renderer
from notifier.rendering.text.markdown import render, to_text
from notifier.rendering.text.markup import line_without_markup, without_markup
from tests.unit.rendering.samples import INCIDENT, a_notice, an_update

SECRET = "Xq7"

TEXTS = {
    "Slow.\n<!-- ask ops first -->\nWe are on it.": "Slow.\n\nWe are on it.",
    "Slow<!-- a -->, <!-- b -->very": "Slow, very",
    "Slow. <!-- begun and never ended\n\nWe are on it.": "Slow.",
    "One<!-- out <!-- in --> out -->, two<!-- <!-- -->, three": "One, two, three",
    "One <!--\n\n- a\n\n> b\n\n``` c\n\n--> two": "One two",
    "One <!<!-- -->-- two --> three": "One three",
    "[a<!-- b -->](https://a.example/<!--c-->)": "[a](https://a.example/)",
    "`<!-- shown -->` <!-- hidden -->": "`<!-- shown -->`",
    "```\n<!-- shown --> <br>\n```\n\n<!-- hidden -->": "```\n<!-- shown --> <br>\n```\n\n",
    "- a\n  ```\nout of code <!-- hidden -->\n  ```": "- a\n  ```\nout of code\n  ```",
    "x <!-- ` --> y <!-- hidden ` -->": "x y",
    r"\<!-- hidden --> \<br> \<b>": r" \<br> \<b>",
    "Slow.<br>We are<BR />\non it.<br>": "Slow.  \nWe are  \non it.  \n",
    "<p>One</p> <p class='x'>Two</p>": "\n\nOne\n\n\n\nTwo\n\n",
    "<b>Slow</b>, <span style='color: red'>very</span> <![endif]><?xml?>": "Slow, very ",
    "a < b, <3, <https://a.example/>, <a@b.example>, List<String>, <unknown>": None,
    "x <- y -> z --> <!- no -->": None,
}


@pytest.mark.parametrize(("written", "expected"), TEXTS.items())
def test_of_markdown_what_is_no_text_is_left_out_and_the_rest_stays(written: str, expected: str | None) -> None:
    assert without_markup(written) == (written if expected is None else expected)


def test_a_break_is_a_line_in_every_form() -> None:
    prose = render("Slow.<br>We are on it.<br/>Soon.", limit=1000)
    assert prose.text == "Slow.\nWe are on it.\nSoon."
    assert prose.html == "<p>Slow.<br>\nWe are on it.<br>\nSoon.</p>"


def test_a_comment_takes_no_room_from_the_text_and_is_no_cut() -> None:
    prose = render(f"<!-- {'x' * 5000} -->Slow.", limit=1000)
    assert (prose.text, prose.cut) == ("Slow.", False)


def test_a_title_is_a_line_without_comments_and_tags() -> None:
    assert line_without_markup("Slow `<!-- a -->`<br>pay<b>ments</b> <!-- b") == "Slow `` payments"
    assert line_without_markup("a < b") == "a < b"


_MARKS = ("<!--", "-->", "--", "`", "``", "```\n", "~~~\n", "    ", "- ", "> ", "[", "](", ")", "![", "!", "\\")
_TAGS = ("<", ">", "<br>", "<b>", "<p>", "<a href='", "'", "https://a.example/")
PIECES = st.sampled_from([*_MARKS, *_TAGS, "a", " b ", "\n", "\n\n"])


@given(st.lists(PIECES, max_size=24))
@example(["x ", "<!--", "`", "-->", "y", "<!--", "`", "-->"])
@example(["- ", "a", "\n", "  ```\n", "b", "<!--", "-->"])
@settings(max_examples=400)
def test_outside_code_no_comment_is_left_whatever_stands_around_it(pieces: list[str]) -> None:
    once = without_markup("".join(pieces))
    html = re.sub(r"<code>.*?</code>", "", render(once, limit=20_000).html, flags=re.DOTALL)
    assert "&lt;!--" not in html
    assert "<!--" not in html
    assert without_markup(once) == once


@given(st.lists(PIECES, max_size=12))
@settings(max_examples=25)
def test_what_a_comment_says_leaves_by_no_way(renderer: Renderer, pieces: list[str]) -> None:
    hidden = f"<!-- {''.join(pieces).replace('>', '')} {SECRET} -->"
    title = f"Slow {hidden.replace(chr(10), ' ')} payments"
    incident = replace(INCIDENT, title={"en": title})
    update = an_update(1, body={"en": f"We {hidden} are {hidden}\n\non it. <!-- {SECRET}"})
    notice = a_notice(update, incident=incident)
    mail = renderer.mail(notice, locale="en", since=0)
    timeline = PublicTimeline(incident=incident, updates=(update,))
    leaving = [
        mail.content.subject,
        mail.content.html,
        mail.content.text,
        *(renderer.post(notice, Account(name="a", platform=name, locale="en"), 0) for name in Platform),
        renderer.card(notice, "en", 0).alt,
        *(renderer.webhook_body(notice, form, 0).decode() for form in WebhookFormat),
        renderer.incident_page(incident, [update], locale="en"),
        renderer.status_page([timeline], locale="en"),
        renderer.feed([timeline], locale="en").decode(),
    ]
    assert not [text for text in leaving if SECRET in text]
    assert "Slow payments" in mail.content.subject


def test_a_body_that_many_passes_would_not_clean_is_cut_before_its_first_comment() -> None:
    nested = "Slow. " + "<b" * 2000 + ">" * 2000 + f"<!-- {SECRET}"
    assert SECRET not in to_text(nested)
