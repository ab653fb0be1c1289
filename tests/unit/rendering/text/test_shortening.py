"""Where a text is cut."""

from functools import partial

import pytest

from notifier.rendering.text.links import find_links
from notifier.rendering.text.shortening import shorten


def share(limit: int, text: str) -> float:
    return len(text) / limit


def cut(text: str, limit: int) -> str:
    return shorten(text, [(link.start, link.end) for link in find_links(text)], partial(share, limit))


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("One two three. Four five six seven.", 17, "One two three. \u2026"),
        ("One two three. Four five six seven.", 25, "One two three. Four five\u2026"),
        ("One two three, and four five six.", 16, "One two three\u2026"),
        ("One two three four five.", 10, "One two t\u2026"),
        ("See https://example.com/abc now and then.", 28, "See https://example.com/abc\u2026"),
        ("Look at https://example.com/a-very-long-path", 30, "Look at\u2026"),
        ("abcdefghijklmnopqrstuvwxyz", 10, "abcdefghi\u2026"),
        ("\u00e9" * 5 + " " + "e\u0301" * 20, 20, "\u00e9" * 5 + " " + "e\u0301" * 6 + "\u2026"),
        ("\u5927\u304d\u306a\u969c\u5bb3\u3067\u3059", 5, "\u5927\u304d\u306a\u969c\u2026"),
    ],
)
def test_a_text_is_cut_at_a_sentence_else_at_a_word(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


def test_nothing_fits_leaves_the_sign_that_there_was_something() -> None:
    assert cut("https://example.com/abc", 5) == "\u2026"
