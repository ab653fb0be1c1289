"""How long X finds a text, by vectors of our own; the counter is the sandbox's, apart from the product's."""

import pytest

from notifier.rendering.text.counting import x_length
from notifier.sandbox.x.weight import is_postable, weigh

LINK = "https://status.example.com/i/abc123?x=1"
FAMILY = "👨\u200d👩\u200d👧\u200d👦"

REALISTIC = [
    ("Störung behoben", 15),
    ("cafe\u0301", 4),
    ("障害が発生しています", 20),
    ("장애", 4),
    ("عطل في الدفع", 12),
    ("ข้อผิดพลาด", 10),
    ("त्रुटि", 6),
    ("ошибка", 6),
    ("🔴 Störung", 10),
    (FAMILY, 2),
    (f"See {LINK}", 27),
    ("status.example.com", 23),
    ("zie status.example.com/x.", 28),
    ("(status.example.com)", 25),
    ("“status.example.com/x”", 25),
    ("障害status.example.comです", 31),
    ("notes.md en node.js", 34),
    ("versie 1.2.3", 12),
    ("a/b.nl", 6),
    ("@status.example.com", 19),
    ("$status.example.com", 19),
    (f"{LINK} {LINK}\n", 48),
    ("✅ 👍🏽 🇳🇱 1️⃣ ⚠️", 14),
    ("\u2013\u2014\u201c\u201d\u2018\u2019\u2011", 7),
]


@pytest.mark.parametrize(("text", "length"), REALISTIC)
def test_text_weighs_what_x_says(text: str, length: int) -> None:
    assert weigh(text) == length


@pytest.mark.parametrize(("text", "length"), REALISTIC)
def test_the_products_own_counter_agrees(text: str, length: int) -> None:
    assert x_length(text) == length


@pytest.mark.parametrize("character", ["…", "•", "€", "™", "→", "\u200e", "\u202a", "\u2066", "\U0001d4b3", "障"])
def test_small_looking_characters_that_weigh_two(character: str) -> None:
    assert weigh(character) == 2


@pytest.mark.parametrize(
    ("emoji", "length"),
    [
        ("🏳️\u200d🌈", 2),
        ("🧑🏿\u200d💻", 2),
        ("🏃🏽\u200d♀️\u200d➡️", 2),
        ("👩🏻\u200d❤️\u200d💋\u200d👨🏾", 2),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 2),
        ("#️⃣", 2),
        ("#⃣", 2),
        ("#", 1),
        ("©", 1),
        ("©️", 2),
        ("☎", 2),
        ("☎️", 2),
        ("☎\ufe0e", 4),
        ("🇳🇱🇧🇪", 4),
        ("🇳", 2),
        ("🇽🇽", 4),
        ("🐱\u200d🐶", 5),  # no emoji anybody knows: a cat, a joiner, a dog
    ],
)
def test_emoji_known_to_twemoji_weighs_two_as_a_whole(emoji: str, length: int) -> None:
    assert weigh(emoji) == length


@pytest.mark.parametrize(
    "text",
    [
        "info@status.example.com",
        "info@example.nl.nl",
        "-status.example.com",
        "http://exa-.com",
        "https://",
        "a..b.com",
        "status.example.notatld",
        f"https://{'a' * 64}.com",
        f"https://example.com/{'a' * 4100}",
    ],
)
def test_what_is_no_link_weighs_as_text(text: str) -> None:
    assert weigh(text) == len(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("https://example.com/a(b(c)d)e x", " x"),
        ("https://example.com/a_(b) x", " x"),
        ("https://example.com/a.", "."),
        ("https://example.com/a?b=c&d=e#f!", "!"),
        ("HTTPS://EXAMPLE.COM:8080/x ", " "),
        ("http://münchen.example.com/ä ", " "),
        ("example.com/path, and", ", and"),
        ("https://t.co/abcdef/more", "/more"),
    ],
)
def test_link_ends_where_x_ends_it(text: str, rest: str) -> None:
    assert weigh(text) == 23 + len(rest)


@pytest.mark.parametrize("text", ["", "\ufeff", "a\uffff", "x" * 281, FAMILY * 141])
def test_text_that_cannot_be_posted(text: str) -> None:
    assert not is_postable(text)


@pytest.mark.parametrize("text", ["x", "x" * 280, FAMILY * 140, "障" * 140])
def test_text_at_the_limit_can_be_posted(text: str) -> None:
    assert is_postable(text)


@pytest.mark.parametrize(
    "text",
    ["a." * 20_000, "障." * 20_000, f"http://a.com/{'(a' * 20_000}", "a-" * 20_000 + ".", "http://" + "." * 40_000],
)
def test_no_text_takes_for_ever(text: str) -> None:
    assert weigh(text) > 0
