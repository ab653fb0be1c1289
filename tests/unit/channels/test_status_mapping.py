from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.base import TooLargeError
from notifier.channels.email.sendgrid import RULES as SENDGRID
from notifier.channels.social.bluesky import RULES as BLUESKY
from notifier.channels.social.mastodon import RULES as MASTODON
from notifier.channels.social.x import RULES as X
from notifier.channels.social.x import x_budget
from notifier.channels.status_mapping import (
    LONGEST_WAIT,
    Meaning,
    NoAnswerError,
    NotSentError,
    ProviderResponse,
    RefusedError,
    Rules,
    failure,
    header_number,
    header_time,
    refusal,
    retry_after_header,
    surely_not_done,
    wait_until,
)
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
ALL_RULES = pytest.mark.parametrize("rules", [SENDGRID, X, MASTODON, BLUESKY], ids=lambda rules: rules.provider)


@ALL_RULES
def test_a_refused_key_and_a_refused_permission_stop_the_channel_everywhere(rules: Rules) -> None:
    for status in (401, 403):
        error = refusal(ProviderResponse(status, {}), rules, now=NOON)
        assert type(error) is ChannelStoppedError
        assert error.reason is Reason.AUTH


@ALL_RULES
def test_a_gateway_may_speak_after_the_provider_accepted(rules: Rules) -> None:
    for status in (502, 504, 522, 524):
        assert type(refusal(ProviderResponse(status, {}), rules, now=NOON)) is OutcomeUnknownError


@ALL_RULES
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_failures_everywhere(rules: Rules, status: int) -> None:
    assert rules.meaning(status) is Meaning.REDIRECTED


@ALL_RULES
def test_a_status_nobody_wrote_down_is_permanent_below_500_and_unknown_from_there(rules: Rules) -> None:
    assert rules.meaning(418) is Meaning.PERMANENT
    assert rules.meaning(599) is Meaning.UNKNOWN


def test_only_sendgrids_500_and_503_prove_that_nothing_was_done() -> None:
    assert {SENDGRID.meaning(status) for status in (500, 503)} == {Meaning.TRANSIENT}
    assert {rules.meaning(status) for rules in (X, MASTODON, BLUESKY) for status in (500, 503)} == {Meaning.UNKNOWN}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1785585600", NOON),
        ("1785585600.5", NOON + timedelta(milliseconds=500)),
        ("2026-08-01T12:00:00.000000Z", NOON),
        ("2026-08-01T14:00:00+02:00", NOON),
        ("2026-08-01T12:00:00", NOON),
        ("Sat, 01 Aug 2026 12:00:00 GMT", NOON),
        ("soon", None),
        ("", None),
        (None, None),
        ("nan", None),
        ("inf", None),
        ("9" * 40, None),
    ],
)
def test_times_in_headers_are_read_in_every_shape_providers_use(value: str | None, expected: datetime | None) -> None:
    assert header_time(value) == expected


@given(st.text(max_size=40))
def test_no_header_value_whatever_raises(value: str) -> None:
    header_time(value)
    header_number(value)
    wait = retry_after_header({"retry-after": value}, NOON)
    assert wait is None or timedelta(0) <= wait <= LONGEST_WAIT


@pytest.mark.parametrize(("value", "expected"), [("7", 7), (" 7 ", 7), ("-7", None), ("٣", None), ("9" * 19, None)])
def test_numbers_in_headers(value: str, expected: int | None) -> None:
    assert header_number(value) == expected


def test_a_wait_is_never_negative_and_never_longer_than_a_day() -> None:
    assert wait_until(NOON - timedelta(hours=1), NOON) == timedelta(0)
    assert wait_until(NOON + timedelta(days=400), NOON) == LONGEST_WAIT
    assert wait_until(None, NOON) is None


def test_retry_after_takes_seconds_and_dates() -> None:
    assert retry_after_header({"retry-after": "120"}, NOON) == timedelta(minutes=2)
    assert retry_after_header({"retry-after": "Sat, 01 Aug 2026 12:01:00 GMT"}, NOON) == timedelta(minutes=1)
    assert retry_after_header({}, NOON) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff", b"null", b'{"a": 1'])
def test_a_body_that_is_no_json_object_is_an_empty_one(body: bytes) -> None:
    assert ProviderResponse(400, {}, body).json() == {}


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (NotSentError("refused"), TransientDeliveryError, Reason.UNREACHABLE),
        (NoAnswerError("slow", timed_out=True), OutcomeUnknownError, Reason.TIMED_OUT),
        (NoAnswerError("cut"), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
        (RefusedError(ProviderResponse(413, {})), TooLargeError, Reason.TOO_LARGE),
    ],
)
def test_how_far_a_call_came_decides_what_its_failure_means(
    error: Any, kind: type[DeliveryError], reason: Reason
) -> None:
    found = failure(error, SENDGRID, now=NOON)
    assert type(found) is kind
    assert found.reason is reason


def test_what_changes_nothing_for_readers_is_never_in_doubt() -> None:
    unknown = OutcomeUnknownError(Reason.TIMED_OUT, "slow", retry_after=timedelta(seconds=3))
    found = surely_not_done(unknown)
    assert type(found) is TransientDeliveryError
    assert (found.reason, found.retry_after) == (Reason.TIMED_OUT, timedelta(seconds=3))
    refused = PermanentDeliveryError(Reason.REJECTED)
    assert surely_not_done(refused) is refused


def test_the_rate_of_x_is_the_latest_reset_among_the_exhausted_windows() -> None:
    headers = {
        "x-rate-limit-remaining": "0",
        "x-rate-limit-reset": "1785585700",
        "x-app-limit-24hour-remaining": "12",
        "x-app-limit-24hour-reset": "1785600000",
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": "1785590000",
    }
    budget = x_budget(headers)
    assert budget is not None
    assert budget.resets_at == datetime.fromtimestamp(1785590000, UTC)
    assert x_budget({}) is None
