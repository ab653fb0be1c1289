"""Bodies: safe HTML, and plain text that keeps the links."""

import pytest

from notifier.rendering.text.markdown import first_paragraph, render, to_text

BODY = """# What happened

We see **errors** on [checkout](https://a.example.com/x?a=1&b=2), see https://b.example.com/y.
Mail <info@example.com>.

1. one
2. two
   - inner

> quoted
>
> twice

```
code & <more>
```

---
last\\
line
"""


def test_markdown_becomes_safe_html() -> None:
    html = render(BODY, limit=10_000).html
    for piece in (
        "<h3>What happened</h3>",
        "<strong>errors</strong>",
        '<a href="https://a.example.com/x?a=1&amp;b=2" rel="noopener noreferrer">checkout</a>',
        "https://b.example.com/y</a>.",
        "mailto:info@example.com",
        "<ol>",
        "<blockquote>",
        "code &amp; &lt;more&gt;",
        "<hr>",
        "last<br>",
    ):
        assert piece in html


def test_markdown_becomes_plain_text_with_its_links() -> None:
    assert to_text(BODY) == (
        "What happened\n\n"
        "We see errors on checkout (https://a.example.com/x?a=1&b=2), see https://b.example.com/y. "
        "Mail info@example.com.\n\n"
        "1. one\n2. two\n  - inner\n\n"
        "> quoted\n>\n> twice\n\n"
        "    code & <more>\n\n---\n\nlast\nline"
    )


def test_targets_can_be_left_out() -> None:
    assert to_text("See [checkout](https://a.example.com/x).", targets=False) == "See checkout."


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("[https://a.example.com/](https://a.example.com)", "https://a.example.com/"),
        ("![a chart](https://a.example.com/c.png)", "a chart"),
        ("[x](/relative)", "x"),
        ("[x](ftp://a.example.com)", "x"),
        ("1986\\. A year", "1986. A year"),
        ("3. starts at three\n4. four", "3. starts at three\n4. four"),
        ("~~gone~~", "gone"),
        ("a &amp; b", "a & b"),
        ("", ""),
    ],
)
def test_small_things_are_said_plainly(source: str, text: str) -> None:
    assert to_text(source) == text


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "/x", "//evil.example.com", "file:///etc"]
)
def test_only_web_and_mail_links_survive(href: str) -> None:
    assert "<a" not in render(f"[x]({href})", limit=1000).html


def test_no_image_is_ever_fetched() -> None:
    assert render("![alt](https://a.example.com/x.png)", limit=1000).html == "<p>alt</p>"


def test_a_long_body_is_cut_between_its_paragraphs() -> None:
    prose = render("A paragraph of some words.\n\n" * 100, limit=500)
    assert prose.cut
    assert prose.html.endswith("</p>")
    assert prose.text.endswith("A paragraph of some words.")
    assert len(prose.html) <= 500


@pytest.mark.parametrize("source", ["word " * 5000, "<&>" * 5000, "\u0628" * 5000, "**" + "x" * 5000])
def test_one_endless_paragraph_is_cut_at_a_word(source: str) -> None:
    prose = render(source, limit=500)
    assert prose.cut
    assert prose.text.endswith("\u2026")
    assert len(prose.html.encode()) <= 500


def test_a_short_body_is_whole() -> None:
    assert not render("All is well.", limit=500).cut


def test_the_first_paragraph_is_one_line() -> None:
    assert first_paragraph("one\ntwo\n\nthree") == "one two"
