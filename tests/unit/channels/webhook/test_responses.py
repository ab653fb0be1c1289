from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from notifier.channels.webhook.responses import MAX_RETRY_AFTER, WebhookResponse, error_of, excerpt, read_retry_after
from notifier.domain.errors import PermanentDeliveryError, TransientDeliveryError
from notifier.domain.values import Reason

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_any_2xx_is_success(status: int) -> None:
    assert error_of(WebhookResponse(status=status), NOW) is None


def test_410_is_final() -> None:
    error = error_of(WebhookResponse(status=410, retry_after="60"), NOW)
    assert isinstance(error, PermanentDeliveryError)
    assert (error.reason, error.status) == (Reason.GONE, 410)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (300, Reason.REDIRECTED),
        (301, Reason.REDIRECTED),
        (304, Reason.REDIRECTED),
        (399, Reason.REDIRECTED),
        (400, Reason.REJECTED),
        (401, Reason.AUTH),
        (403, Reason.AUTH),
        (404, Reason.REJECTED),
        (408, Reason.TIMED_OUT),
        (409, Reason.REJECTED),
        (413, Reason.TOO_LARGE),
        (422, Reason.REJECTED),
        (429, Reason.RATE_LIMITED),
        (499, Reason.REJECTED),
        (500, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
        (599, Reason.SERVER_ERROR),
        (600, Reason.SERVER_ERROR),
        (999, Reason.SERVER_ERROR),
    ],
)
def test_everything_else_is_tried_again(status: int, reason: Reason) -> None:
    error = error_of(WebhookResponse(status=status), NOW)
    assert isinstance(error, TransientDeliveryError)
    assert (error.reason, error.status, error.retry_after) == (reason, status, None)


@pytest.mark.parametrize("status", [429, 503, 302, 400])
def test_a_failure_keeps_the_receivers_retry_after(status: int) -> None:
    error = error_of(WebhookResponse(status=status, retry_after="120"), NOW)
    assert error is not None
    assert error.retry_after == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("0", None),
        ("1", timedelta(seconds=1)),
        (" 90 ", timedelta(seconds=90)),
        ("99999999999999999999", MAX_RETRY_AFTER),
        (format_datetime(NOW + timedelta(minutes=7), usegmt=True), timedelta(minutes=7)),
        ("Sunday, 29-Mar-26 12:05:00 GMT", timedelta(minutes=5)),  # the obsolete RFC 850 form
        ("Sun Mar 29 12:05:00 2026", timedelta(minutes=5)),  # the obsolete asctime form
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), None),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), MAX_RETRY_AFTER),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
        (None, None),
    ],
)
def test_both_forms_of_retry_after_are_read(text: str | None, wait: timedelta | None) -> None:
    assert read_retry_after(text, NOW) == wait


def test_an_excerpt_is_short_and_holds_no_control_or_direction_characters() -> None:
    assert excerpt(b"  all is well \r\n", 1024) == "all is well"
    assert excerpt("h\u00e9\x1b[31mred\u202e\x00".encode(), 1024) == "h\u00e9 [31mred"
    assert excerpt(b"\xff\xfe{", 1024) == "\ufffd\ufffd{"
    assert len(excerpt(b"x" * 5000, 1024)) == 1024
    assert len(excerpt("\u20ac".encode() * 5000, 1024)) <= 1024
