"""Headers that filters and threads go by."""

import pytest

from notifier.domain.messages.message import Mailbox
from notifier.rendering.mail.headers import domain_of, id_part, list_id, thread_id

SENDER = Mailbox(email="status@shop.example", name="Shop")


@pytest.mark.parametrize(
    ("email", "domain"), [("a@shop.example", "shop.example"), ("a@bücher.example", "xn--bcher-kva.example")]
)
def test_a_domain_is_written_in_ascii(email: str, domain: str) -> None:
    assert domain_of(Mailbox(email=email, name="")) == domain


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Shop", "Shop <incidents.shop.example>"),
        ("Shop & Co", "Shop & Co <incidents.shop.example>"),
        ("Bücher", "<incidents.shop.example>"),
        ('Shop" <x@y>', "<incidents.shop.example>"),
        ("Shop\r\nBcc: x", "<incidents.shop.example>"),
    ],
)
def test_a_list_is_named_by_the_brand_where_that_needs_no_encoding(name: str, expected: str) -> None:
    assert list_id(Mailbox(email="a@shop.example", name=name)) == expected


def test_any_incident_id_makes_a_well_formed_thread() -> None:
    for incident in ("inc-1", "a b", "a>b", "é", "x" * 500, "", "\r\nX: y"):
        assert thread_id(incident, SENDER).isascii()
        assert "\n" not in thread_id(incident, SENDER)
        assert thread_id(incident, SENDER).endswith("@shop.example>")
        assert len(thread_id(incident, SENDER)) < 120


def test_two_ids_never_become_one() -> None:
    ids = ("inc 1", "inc-1", "inc--1", "-inc-1", "inc.1", "x" * 60, "x" * 61)
    assert len({id_part(text) for text in ids}) == len(ids)
