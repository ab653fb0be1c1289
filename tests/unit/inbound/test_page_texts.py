import pytest

from notifier.inbound.page_texts import bounded, page_line, page_markdown, with_hard_breaks
from notifier.rendering.text.markdown import to_text


def as_read(body: str) -> str:
    return to_text(with_hard_breaks(page_markdown(body)))


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("Recovered.<br /><br />We watch &amp; report.", "Recovered.\n\nWe watch & report."),
        ("One<br>two<br/>\nthree", "One\ntwo\nthree"),
        ("<p>One</p>\r\n<p>Two</p>", "One\n\nTwo"),
        ("<ul>\n<li>Shops</li>\n<li>Tills</li>\n</ul>", "- Shops\n- Tills"),
        ("Traffic is <b>moved</b>, <em>slowly</em>.", "Traffic is moved, slowly."),
        ("a < b, 5 > 3, AT&T &lt;b&gt; <3 <none>", "a < b, 5 > 3, AT&T <b> <3 <none>"),
        ("5 * 3 * 2\n#1 of 2 at node_7_b", "5 * 3 * 2\n#1 of 2 at node_7_b"),
        ("See https://x.example/?a=1&copy=2&lang=nl", "See https://x.example/?a=1&copy=2&lang=nl"),
        ("See <https://x.example/y>.", "See https://x.example/y."),
        ("<img src='https://x.example/p.png' alt='Graph'> shows it", "Graph shows it"),
        ("Slow.<!-- ask ops --> Soon.<script>alert('x')</script><style>p{}</style>", "Slow. Soon."),
        ("Slow.<script>never closed", "Slow."),
        ("<a href='javascript:alert(1)'>here</a>", "here"),
    ],
)
def test_a_body_reads_as_its_page_meant_it(body: str, read: str) -> None:
    assert as_read(body) == read


def test_links_and_headings_of_html_become_markdown() -> None:
    body = "<h2>What happened</h2><p>See <a href='https://x.example/a(b)'>the <b>report</b></a>.</p>"
    assert page_markdown(body) == "## What happened\n\nSee [the **report**](https://x.example/a%28b%29)."


@pytest.mark.parametrize(
    "body",
    [
        "## Summary\n\n**checkout** failed; see [the report](https://example.com/d_e_f).",
        "We did this:\n\n- one\n  - deeper\n- two",
        "1. one\n2. two",
        "Run `a_b*c` now.",
    ],
)
def test_markdown_stays_markdown(body: str) -> None:
    assert page_markdown(body) == body


def test_markdown_beside_html_stays_markdown() -> None:
    assert page_markdown("**Down.**<br /><br />Sorry.") == "**Down.**\n\nSorry."


def test_a_text_that_is_said_to_be_markdown_is_not_escaped() -> None:
    assert page_markdown("a \\* b", is_markdown=True) == "a \\* b"
    assert page_markdown("a * b") == "a \\* b"


def test_line_ends_are_kept_where_lines_are_no_blocks() -> None:
    text = "one\ntwo\n\n- x\n- y\nz\n---\nend\n```\ncode\nmore\n```\nlast"
    assert with_hard_breaks(text) == "one\\\ntwo\n\n- x\n- y\\\nz\n\n---\nend\n```\ncode\nmore\n```\nlast"


def test_elements_within_elements_without_end_are_read_as_text() -> None:
    assert page_markdown("<b>" * 5_000 + "deep") == "deep"


def test_a_long_text_ends_with_an_ellipsis_and_a_link() -> None:
    short = bounded("word " * 1_000, 200, "https://x.example/i")
    assert len(short) <= 200
    assert short.endswith("word \N{HORIZONTAL ELLIPSIS}\n\nhttps://x.example/i")
    assert bounded("word " * 1_000, 200, None).endswith("word \N{HORIZONTAL ELLIPSIS}")
    assert bounded("just right", 10, "https://x.example/i") == "just right"
    assert bounded("```\n" + "code\n" * 100, 100, None).count("```") == 2


def test_a_title_is_words_alone() -> None:
    assert page_line("Tom &amp; <b>Jerry</b><!-- x --> 5 &lt; 6 &copy=1") == "Tom &  Jerry  5 < 6 &copy=1"
