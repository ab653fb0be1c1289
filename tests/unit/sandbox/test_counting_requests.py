"""Windows, the rolling second, and the ledger of what arrived."""

import re

import pytest

from notifier.sandbox.ledger import Ledger
from notifier.sandbox.limits import RollingSecond, Window
from notifier.sandbox.sendgrid.tags import tags_of

LEFTOVER = re.compile(r"[\ue000-\uf8ff]\w+[\ue000-\uf8ff]")


def test_window_opens_with_its_first_request_and_forgets_at_its_end() -> None:
    window = Window(2, 900.0)
    assert [window.take(at) for at in (1_000.0, 1_899.0, 1_899.5)] == [True, True, False]
    assert (window.remaining, window.reset) == (0, 1_900)
    assert window.take(1_900.0)
    assert (window.remaining, window.reset) == (1, 2_800)


def test_refused_request_costs_nothing() -> None:
    window = Window(5, 3_600.0)
    assert window.take(0.0, 3)
    assert not window.take(1.0, 3)
    assert window.take(2.0, 2)


def test_rolling_second_lets_the_oldest_go_first() -> None:
    rate = RollingSecond()
    assert [rate.take(at, 2) for at in (10.0, 10.5, 10.9, 11.0, 11.4, 11.5)] == [True, True, False, True, False, True]
    assert rate.headers(11.5, 2) == {"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}


def test_ledger_tells_duplicates_apart_from_deliveries_without_an_id() -> None:
    ledger = Ledger()
    ledger.deliver("email", ["a", "b", None, None, "a"])
    ledger.deliver("webhook", ["a"])
    assert ledger.duplicates("email") == 1
    assert ledger.duplicates("webhook") == 0
    assert sorted(ledger.lines()) == [("email", "a", 2), ("email", "b", 1), ("webhook", "a", 1)]
    ledger.clear()
    assert list(ledger.lines()) == []


def tags(text: str, *keys: str) -> set[str]:
    request = {"subject": "x", "content": [{"type": "text/plain", "value": text}], "reply_to": {"email": "-to-@b.nl"}}
    return set(tags_of(request, [{"substitutions": dict.fromkeys(keys, "x")}, {}, "odd"], LEFTOVER))


@pytest.mark.parametrize(
    ("text", "keys", "found"),
    [
        ("Hello -name-", ("-name-",), {"-name-"}),
        ("Hello -name- and -other-", ("-name-",), {"-name-", "-other-"}),
        ("Hello %name% and %other%", ("%name%",), {"%name%", "%other%"}),
        ("-ntf_a- -ntf_b- -v- -x-", ("-ntf_a-",), {"-ntf_a-", "-ntf_b-"}),
        ("-ntf_a- -v-", ("-ntf_a-", "-b-"), {"-ntf_a-", "-v-"}),
        ("a well-known-thing", ("-name-",), set()),
        ("no -keys- here", (), set()),
        ("\ue000left\ue001", (), {"\ue000left\ue001"}),
        ("[name] {{name}}", ("[name]", "{{name}}"), {"[name]", "{{name}}"}),
        ("name", ("name",), {"name"}),
        ("-to-", ("-to-",), {"-to-"}),
    ],
)
def test_tags_are_what_has_a_value_somewhere_and_what_looks_alike(
    text: str, keys: tuple[str, ...], found: set[str]
) -> None:
    assert tags(text, *keys) - {"-to-"} == found - {"-to-"}


def test_tag_in_the_reply_address_counts() -> None:
    assert tags("", "-to-") == {"-to-"}
