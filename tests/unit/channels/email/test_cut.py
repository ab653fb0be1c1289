import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.channels.base import RecipientsRefusedError, TooLargeError
from notifier.channels.email.cut import MailLimits, cut, escaped_bytes, exceeds
from notifier.channels.email.payload import content_part, encoded, personalization
from notifier.channels.email.sendgrid import request_body
from notifier.domain.messages.message import Mailbox, MailContent, MailRecipient, MailRequest
from notifier.domain.values import Reason

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
LIMITS = MailLimits(recipients=7, substitutions=3, substitution_bytes=200, body_bytes=4_000)


def a_recipient(number: int, **values: str) -> MailRecipient:
    substitutions = {f"-{name}-": value for name, value in values.items()}
    return MailRecipient(
        delivery_id=f"d{number}", address=f"a{number}@b.example", name="N", substitutions=substitutions, headers={}
    )


def request_to(*recipients: MailRecipient, **changes: Any) -> MailRequest:
    content = {
        "sender": Mailbox(email="s@b.example", name="S"),
        "subject": "s",
        "text": "t",
        "html": "h",
        "locale": "nl",
    }
    return MailRequest(
        content=MailContent(**{**content, "headers": {}, **changes}),
        recipients=recipients,
        notification_id="n",
        batch_id=1,
        attempt=1,
    )


def wire_size(request: MailRequest) -> int:
    """The size of a request as a client that escapes would send it."""
    people = [personalization(one, one.address, request.notification_id) for one in request.recipients]
    body = {**content_part(request), "personalizations": people}
    return len(json.dumps(body, separators=(",", ":")).encode())


@given(st.text())
def test_escaped_bytes_counts_as_the_standard_librarys_escapes(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    assert escaped_bytes(orjson.dumps(clean)) == len(json.dumps(clean))


@given(st.binary(max_size=300), st.integers(0, 900))
def test_the_quick_check_of_a_size_agrees_with_the_exact_one(data: bytes, most: int) -> None:
    body = orjson.dumps(data.decode("utf-8", "replace"))
    assert exceeds(body, most) == (escaped_bytes(body) > most)


@settings(max_examples=60)
@given(st.lists(st.text(alphabet='aé障😀"', max_size=60), max_size=40))
def test_cutting_keeps_everybody_once_in_order_and_within_every_limit(values: list[str]) -> None:
    everybody = [a_recipient(number, greet=value) for number, value in enumerate(values)]
    found = cut(request_to(*everybody), LIMITS)
    kept = [one for request in found.requests for one in request.recipients]
    assert sorted([*kept, *found.too_large], key=lambda one: int(one.delivery_id[1:])) == everybody
    assert [one.delivery_id for one in kept] == sorted((one.delivery_id for one in kept), key=lambda key: int(key[1:]))
    for request in found.requests:
        assert 1 <= len(request.recipients) <= LIMITS.recipients
        assert wire_size(request) <= LIMITS.body_bytes


def test_pieces_are_no_smaller_than_they_must_be() -> None:
    found = cut(request_to(*[a_recipient(number) for number in range(20)]), LIMITS)
    assert [len(request.recipients) for request in found.requests] == [7, 7, 6]


@pytest.mark.parametrize(
    "values",
    [{"a": "x" * 201}, {"a": "é" * 100}, {"a": "1", "b": "2", "c": "3", "d": "4"}],
    ids=["bytes", "bytes of UTF-8", "count"],
)
def test_a_recipient_whose_own_part_is_too_large_is_set_apart(values: dict[str, str]) -> None:
    large, small = a_recipient(1, **values), a_recipient(2)
    found = cut(request_to(large, small), LIMITS)
    assert list(found.too_large) == [large]
    assert [list(request.recipients) for request in found.requests] == [[small]]
    with pytest.raises(RecipientsRefusedError) as refused:
        request_body(request_to(large, small), LIMITS)
    assert refused.value.delivery_ids == ("d1",)
    assert refused.value.reason is Reason.TOO_LARGE


def test_custom_arguments_count_after_merging() -> None:
    limits = MailLimits(custom_args_bytes=80)
    long_id = a_recipient(1)
    found = cut(request_to(MailRecipient(**{**_fields(long_id), "delivery_id": "d" * 60}), long_id), limits)
    assert [one.delivery_id for one in found.too_large] == ["d" * 60]


def test_nothing_is_built_for_nobody() -> None:
    assert cut(request_to()).requests == []


def test_a_request_over_the_byte_limit_is_refused_as_a_whole() -> None:
    with pytest.raises(TooLargeError):
        request_body(request_to(a_recipient(1), html="é" * 2_000), LIMITS)


def test_a_thousand_recipients_are_counted_by_the_escaped_size() -> None:
    people = [a_recipient(number) for number in range(3)]
    request = request_to(*people, html="障" * 500)  # 1,500 bytes of UTF-8, 3,000 escaped
    assert exceeds(encoded(content_part(request)), 3_000)
    assert not exceeds(encoded(content_part(request)), 4_000)


def _fields(one: MailRecipient) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("delivery_id", "address", "name", "substitutions", "headers")}
