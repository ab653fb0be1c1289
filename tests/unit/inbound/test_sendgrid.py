import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.errors import InvalidInputError
from notifier.domain.providers.mail_event import MailEventKind
from notifier.inbound.sendgrid import MAX_AGE, MAX_AHEAD, is_signed, parse_mail_events

# The example that SendGrid publishes with its client libraries (helpers/eventwebhook): the body ends with CR LF, and
# that is signed too.
PUBLISHED_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglS"
    "I8eNEc6wEA3F+g=="
)
PUBLISHED_TIMESTAMP = "1600112502"
PUBLISHED_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
PUBLISHED_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
# Another one, with a bounce.
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEy9Ygzc8yqyctMerB9QNqv97s2pRNmHEx1lKASPATI2IjnrKyVfPIs0XhtWH1n3ZEDAvi"
    "ql6E2HX3sBLyxM8AhA=="
)
TIMESTAMP = "1785578471"
BODY = (
    b'[{"email":"kasse@haendler.example","event":"bounce","type":"bounce","delivery":"d-000001",'
    b'"timestamp":1785578460,"sg_event_id":"Ym91bmNlLTAwMDE"}]\r\n'
)
SIGNATURE = "MEUCIEDRuugW1GrOJZm2QGcfoZG/tV5ta1iLGD6V8zOvNWFMAiEA/VvvnpxNrJu9ItVVr+MdwSs2fQqqFZr8ja5I65/tLIA="
SENT = datetime.fromtimestamp(int(TIMESTAMP), tz=UTC)


def check(
    body: bytes = BODY, *, key: str = KEY, timestamp: str = TIMESTAMP, signature: str = SIGNATURE, now: datetime = SENT
) -> bool:
    return is_signed(body, public_key=key, timestamp=timestamp, signature=signature, now=now)


def check_published(body: bytes = PUBLISHED_BODY, timestamp: str = PUBLISHED_TIMESTAMP) -> bool:
    sent = datetime.fromtimestamp(int(PUBLISHED_TIMESTAMP), tz=UTC)
    return check(body, key=PUBLISHED_KEY, timestamp=timestamp, signature=PUBLISHED_SIGNATURE, now=sent)


def test_the_published_example_verifies() -> None:
    assert check_published()
    assert check()


def test_the_published_example_does_not_verify_with_any_byte_changed() -> None:
    for place in range(len(PUBLISHED_BODY)):
        assert not check_published(
            PUBLISHED_BODY[:place] + bytes([PUBLISHED_BODY[place] ^ 1]) + PUBLISHED_BODY[place + 1 :]
        )
    assert not check_published(PUBLISHED_BODY.rstrip())
    assert not check_published(timestamp="1600112503")
    assert not check(PUBLISHED_BODY, key=KEY, timestamp=PUBLISHED_TIMESTAMP, signature=PUBLISHED_SIGNATURE)


@pytest.mark.parametrize("place", range(0, len(BODY), 7))
def test_a_changed_byte_does_not(place: int) -> None:
    changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
    assert not check(changed)


def test_without_its_line_end_it_does_not() -> None:
    assert not check(BODY.rstrip())


def test_with_another_timestamp_it_does_not() -> None:
    assert not check(timestamp=str(int(TIMESTAMP) + 1))


@pytest.mark.parametrize(
    ("after", "good"),
    [
        (MAX_AGE, True),
        (MAX_AGE + timedelta(seconds=1), False),
        (-MAX_AHEAD, True),
        (-MAX_AHEAD - timedelta(seconds=1), False),
    ],
)
def test_a_batch_may_be_a_day_old_and_no_older(after: timedelta, *, good: bool) -> None:
    assert check(now=SENT + after) is good


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e9", "9" * 400, "\uff11" * 10, " 1785578471"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    assert not check(timestamp=timestamp)


@given(st.text(max_size=200))
def test_no_junk_passes_for_a_signature(junk: str) -> None:
    assert not check(signature=junk)


@pytest.mark.parametrize("key", ["", "junk", KEY[:-8], base64.b64encode(b"x" * 91).decode(), "é"])
def test_a_broken_key_verifies_nothing(key: str) -> None:
    assert not check(key=key)


NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


def read(*events: object) -> list[MailEventKind]:
    return [event.kind for event in parse_mail_events(json.dumps(list(events)).encode(), now=NOW).events]


def test_a_blocked_bounce_is_a_kind_of_its_own() -> None:
    assert read({"event": "bounce", "type": "bounce"}, {"event": "bounce", "type": "blocked"}, {"event": "bounce"}) == [
        MailEventKind.BOUNCE,
        MailEventKind.BLOCKED,
        MailEventKind.BOUNCE,
    ]


def test_kinds_that_mean_nothing_here_are_counted_and_left_out() -> None:
    found = parse_mail_events(b'[{"event": "open"}, {"event": "click"}, {"event": "new"}, 7, null]', now=NOW)
    assert (found.events, found.ignored) == ((), 5)


@pytest.mark.parametrize(
    ("given_", "read_"),
    [
        (1785578402, datetime(2026, 8, 1, 10, 0, 2, tzinfo=UTC)),
        ("1785578402", datetime(2026, 8, 1, 10, 0, 2, tzinfo=UTC)),
        (1785578402.7, datetime(2026, 8, 1, 10, 0, 2, tzinfo=UTC)),
        (None, NOW),
        ("soon", NOW),
        (9_999_999_999, NOW),
        (-5, NOW),
        (True, NOW),
    ],
)
def test_timestamps_come_as_numbers_and_as_texts(given_: object, read_: datetime) -> None:
    body = json.dumps([{"event": "delivered", "timestamp": given_}]).encode()
    assert parse_mail_events(body, now=NOW).events[0].at == read_


def test_an_event_without_a_usable_id_has_one_made_of_its_content() -> None:
    one, other, long = (
        parse_mail_events(json.dumps([event]).encode(), now=NOW).events[0].id
        for event in (
            {"event": "delivered", "smtp-id": "a"},
            {"smtp-id": "b", "event": "delivered"},
            {"event": "delivered", "sg_event_id": "x" * 300},
        )
    )
    again = parse_mail_events(b'[{"smtp-id": "a", "event": "delivered"}]', now=NOW).events[0].id
    assert one == again != other
    assert max(map(len, (one, other, long))) <= 200


def test_facts_hold_no_address_and_no_reader() -> None:
    event = {
        "event": "bounce",
        "email": "kasse@haendler.example",
        "reason": "550 <kasse@haendler.example> unknown; kasse@haendler.example",
        "ip": "203.0.113.9",
        "useragent": "Mail/1",
        "url": "https://x.example",
    }
    (found,) = parse_mail_events(json.dumps([event]).encode(), now=NOW).events
    assert dict(found.facts) == {"reason": "550 <[address]> unknown; [address]"}
    assert "kasse" not in repr(found)


@pytest.mark.parametrize("body", [b"", b"{}", b'"x"', b"[", b"\xff", b"null"])
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_mail_events(body, now=NOW)


Json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
Events = st.fixed_dictionaries(
    {"event": st.sampled_from([*map(str, MailEventKind), "open"])},
    optional=dict.fromkeys(("timestamp", "sg_event_id", "email", "delivery_id", "type", "reason", "status"), Json),
)


@given(st.lists(Events | Json, max_size=6))
def test_no_batch_of_any_shape_breaks_the_reader(events: list[object]) -> None:
    found = parse_mail_events(json.dumps(events).encode(), now=NOW)
    assert len(found.events) + found.ignored == len(events)
