"""Map HTTP statuses and failures to delivery errors, for every provider with an HTTP API.

    what happened                            error                    delivered?
    refused connection, no such host, TLS    TransientDeliveryError   no: nothing was written
    reset or time-out while writing          TransientDeliveryError   no: the request was incomplete
    time-out or close while waiting,
    broken 2xx                               OutcomeUnknownError      perhaps
    3xx                                      TransientDeliveryError   no: not followed, because the
                                                                      POST would become a GET and
                                                                      look like success
    429                                      TransientDeliveryError   no; `retry_after` from headers
    other statuses                           by the provider's table below

Sources: SendGrid's v3 error catalogue; X's "Response codes" and its rate-limit page; docs.joinmastodon.org/api and
/methods/statuses; docs.bsky.app "Rate limits", atproto.com/specs/xrpc; RFC 9110 sections 10.2.3 and 15.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

import orjson

from notifier.channels.base import RateBudget, TooLargeError
from notifier.channels.redact import redacted
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.values import Reason

LONGEST_WAIT = timedelta(days=1)  # no provider's window is longer; a broken clock's header must not silence a channel
LARGEST_ANSWER = 2 * 1024 * 1024  # bytes; every response we use is far smaller


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """A provider's response. Header names are in lower case; `path` is that of the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    path: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 section 15.3

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is anything else (edge proxies send HTML)."""
        try:
            data = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return data if isinstance(data, dict) else {}


class ExchangeError(Exception):
    """A failed HTTP exchange. Internal to channels: senders turn it into a DeliveryError."""


class NotSentError(ExchangeError):
    """The request was not, or not fully, sent: the provider cannot have acted on it."""

    def __init__(self, detail: str, *, reset: bool = False, timed_out: bool = False) -> None:
        super().__init__(detail)
        self.detail, self.reset = detail, reset  # `reset`: the peer closed the connection while we were writing
        self.timed_out = timed_out


class NoAnswerError(ExchangeError):
    """The whole request was sent, but no complete, readable response arrived."""

    def __init__(self, detail: str, *, timed_out: bool = False, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail, self.timed_out, self.status = detail, timed_out, status


class RefusedError(ExchangeError):
    """The provider responded with a status other than 2xx."""

    def __init__(self, answer: ProviderResponse) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class Meaning(Enum):
    """What a status means for a retry."""

    STOPPED = auto()  # the channel is stopped until an operator acts
    PERMANENT = auto()
    TOO_LARGE = auto()
    RATE = auto()
    TRANSIENT = auto()  # certainly not done
    UNKNOWN = auto()  # may have been done
    REDIRECTED = auto()


def header_time(value: str | None) -> datetime | None:
    """Parse a time from a rate header: Unix seconds, RFC 3339 or an HTTP date; None if invalid."""
    if not value:
        return None
    try:
        seconds = float(value)
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def header_number(value: str | None) -> int | None:
    """Parse a non-negative integer from a header, or return None."""
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits


def retry_after_header(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Read `Retry-After`: seconds or an HTTP date (RFC 9110 section 10.2.3)."""
    value = headers.get("retry-after")
    seconds = header_number(value)
    if seconds is not None:
        return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))
    return wait_until(header_time(value), now)


def wait_until(moment: datetime | None, now: datetime) -> timedelta | None:
    """Return the time until then, from zero to one day; None if `moment` is None."""
    return None if moment is None else min(max(moment - now, timedelta(0)), LONGEST_WAIT)


def rate_budget(prefix: str) -> Callable[[Mapping[str, str]], RateBudget | None]:
    """Return a reader of `<prefix>-limit`, `-remaining` and `-reset`."""

    def read(headers: Mapping[str, str]) -> RateBudget | None:
        remaining = header_number(headers.get(f"{prefix}-remaining"))
        resets_at = header_time(headers.get(f"{prefix}-reset"))
        if remaining is None and resets_at is None:
            return None
        limit = header_number(headers.get(f"{prefix}-limit"))
        return RateBudget(remaining=remaining, limit=limit, resets_at=resets_at)

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How to interpret one provider's responses.

    `statuses` lists the exceptions. Any other 3xx is REDIRECTED, 4xx PERMANENT, 5xx `server`.
    `message` extracts the provider's error message from a response body.
    """

    provider: str
    statuses: Mapping[int, Meaning]
    server: Meaning = Meaning.UNKNOWN
    budget: Callable[[Mapping[str, str]], RateBudget | None]
    message: Callable[[Mapping[str, Any]], str]

    def meaning(self, status: int) -> Meaning:
        """Return what a status other than 2xx means."""
        found = self.statuses.get(status)
        if found is not None:
            return found
        if status >= 500:  # noqa: PLR2004 - RFC 9110 section 15.6
            return self.server
        return Meaning.PERMANENT if status >= 400 else Meaning.REDIRECTED  # noqa: PLR2004 - RFC 9110 section 15.5

    def wait(self, answer: ProviderResponse, now: datetime) -> timedelta | None:
        """The longest wait the response's headers ask for."""
        budget = self.budget(answer.headers)
        reset = wait_until(budget.resets_at, now) if budget else None
        asked = retry_after_header(answer.headers, now)
        return max((wait for wait in (reset, asked) if wait is not None), default=None)


_ABOUT_US = frozenset({401, 402, 403})  # key, credits, permissions
_S, _P, _L, _R, _T = Meaning.STOPPED, Meaning.PERMANENT, Meaning.TOO_LARGE, Meaning.RATE, Meaning.TRANSIENT

# 404, 405 and 415 on a fixed path mean that the server is not the provider: stop the channel until
# an operator looks, and fail no mail. 500 and 503 count as not accepted; 502, 504 and the codes of
# an edge proxy may follow an acceptance.
SENDGRID_STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {400: _P, 401: _S, 402: _S, 403: _S, 404: _S, 405: _S, 408: _T, 413: _L, 415: _S, 429: _R, 500: _T, 503: _T}
)
X_STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {400: _P, 401: _S, 402: _S, 403: _S, 404: _S, 405: _S, 408: _T, 413: _L, 429: _R}
)
MASTODON_STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {401: _S, 403: _S, 404: _S, 405: _S, 408: _T, 413: _L, 422: _P, 429: _R}
)
BLUESKY_STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {400: _P, 401: _S, 403: _S, 404: _S, 405: _S, 408: _T, 413: _L, 429: _R}
)


def refusal(answer: ProviderResponse, rules: Rules, *, now: datetime, secrets: Iterable[str] = ()) -> DeliveryError:
    """Return the delivery error for a response other than 2xx."""
    status = answer.status
    detail = redacted(rules.message(answer.json()) or f"status {status}", secrets)
    asked = retry_after_header(answer.headers, now)
    error: DeliveryError
    match rules.meaning(status):
        case Meaning.STOPPED:
            reason = Reason.AUTH if status in _ABOUT_US else Reason.REJECTED
            error = ChannelStoppedError(reason, detail, status=status, retry_after=asked)
        case Meaning.PERMANENT:
            error = PermanentDeliveryError(Reason.REJECTED, detail, status=status)
        case Meaning.TOO_LARGE:
            error = TooLargeError(detail, status=status)
        case Meaning.RATE:
            wait = rules.wait(answer, now)
            error = TransientDeliveryError(Reason.RATE_LIMITED, detail, status=status, retry_after=wait)
        case Meaning.TRANSIENT:
            error = TransientDeliveryError(Reason.SERVER_ERROR, detail, status=status, retry_after=asked)
        case Meaning.UNKNOWN:
            error = OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, detail, status=status, retry_after=asked)
        case Meaning.REDIRECTED:
            error = TransientDeliveryError(Reason.REDIRECTED, f"status {status}: not followed", status=status)
    return error


def failure(error: ExchangeError, rules: Rules, *, now: datetime, secrets: Iterable[str] = ()) -> DeliveryError:
    """Return the delivery error for a failed exchange."""
    if isinstance(error, RefusedError):
        return refusal(error.answer, rules, now=now, secrets=secrets)
    if isinstance(error, NoAnswerError):
        reason = Reason.TIMED_OUT if error.timed_out else Reason.OUTCOME_UNKNOWN
        return OutcomeUnknownError(reason, error.detail, status=error.status)
    silent = isinstance(error, NotSentError) and error.timed_out
    return TransientDeliveryError(Reason.TIMED_OUT if silent else Reason.UNREACHABLE, str(error))


def surely_not_done(error: DeliveryError) -> DeliveryError:
    """Make an unknown outcome transient; for calls without visible effect (logins, uploads)."""
    if not isinstance(error, OutcomeUnknownError):
        return error
    reason = Reason.TIMED_OUT if error.reason is Reason.TIMED_OUT else Reason.SERVER_ERROR
    return TransientDeliveryError(reason, error.detail, status=error.status, retry_after=error.retry_after)
