import pytest

from notifier.domain.providers.discretion import local_parts, without_addresses


@pytest.mark.parametrize(
    "said",
    [
        "451 4.3.0 <tmpuniq@shop.example> mailbox busy for tmpuniq@shop.example",
        "to=tmpuniq@shop.example, relay=none",
        "bounces+1-tmpuniq=shop.example@relay.example is over its quota",
        "see https://help.example/?who=tmpuniq%40shop.example",
        'no such user "Tmpuniq@Shop.Example"',
        "unknown: TMPUNIQ",
        "user tmpuniq. Try again",
        "(tmpuniq)",
    ],
)
def test_nothing_of_a_recipients_address_is_left(said: str) -> None:
    assert "tmpuniq" not in without_addresses(said, local_parts(["tmpuniq@shop.example"])).casefold()


def test_words_that_are_nobodys_address_stay() -> None:
    said = "550 5.1.1 mailbox unavailable: see https://relay.example/help?code=550&x=4%25"
    assert without_addresses(said, local_parts(["owner@shop.example", "x@shop.example"])) == said


def test_a_very_long_answer_is_looked_through_at_once() -> None:
    said = "a%4=4" * 40_000 + "@"
    assert without_addresses(said, ["b"]) == said
    assert len(without_addresses("x@y " * 50_000)) == 10 * 50_000
