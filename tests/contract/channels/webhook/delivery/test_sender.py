"""Every way a receiver can fail, on real sockets: the type of the error, its reason, the wait it asks for."""

import gzip
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from notifier.channels.webhook import WebhookEngine
from notifier.channels.webhook.responses import MAX_RETRY_AFTER
from notifier.domain.errors import DeliveryError, OutcomeUnknownError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.message import HookResult
from notifier.domain.values import DeliveryState, Reason
from notifier.services.dispatch.webhook_outcomes import override
from tests.contract.channels.webhook.receivers import (
    Behaviour,
    Line,
    Received,
    Receiver,
    a_request,
    answering,
    quick_limits,
    receiving,
    running,
)

GZIP_BOMB = gzip.compress(bytes(50_000_000))


def reply(status: str, *fields: str, body: bytes = b"") -> Behaviour:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields])
    return answering(f"{head}\r\n\r\n".encode("latin-1") + body)


def closing_after(data: bytes) -> Behaviour:
    def behave(line: Line, _request: Received) -> bool:
        line.sock.sendall(data)
        return False

    return behave


def dripping(data: bytes, pause: float) -> Behaviour:
    def behave(line: Line, _request: Received) -> bool:
        line.drip(data, pause)
        return False

    return behave


def endless(head: bytes, part: bytes) -> Behaviour:
    def behave(line: Line, _request: Received) -> bool:
        line.sock.sendall(head)
        while not line.closing.is_set():
            line.sock.sendall(part)  # ends with an error when the sender has had enough
        return False

    return behave


def hanging(line: Line, _request: Received) -> bool:
    line.hang()
    return False


def resetting(line: Line, _request: Received) -> bool:
    line.reset()
    return False


def deliver_to(behave: Behaviour, engine: WebhookEngine | None = None) -> HookResult:
    with receiving(behave) as receiver:
        if engine is not None:
            return engine.deliver([a_request(receiver.url())])[0]
        with running() as own:
            return own.deliver([a_request(receiver.url())])[0]


@dataclass(frozen=True)
class Expected:
    error: type[DeliveryError]
    reason: Reason
    status: int | None = None
    retry_after: timedelta | None = None


T, U, P = TransientDeliveryError, OutcomeUnknownError, PermanentDeliveryError
IN_AN_HOUR = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
MATRIX: dict[str, tuple[Behaviour, Expected]] = {
    "301 to a private address": (
        reply("301 Moved", "Location: http://169.254.169.254/latest/meta-data/"),
        Expected(T, Reason.REDIRECTED, 301),
    ),
    "302": (reply("302 Found", "Location: https://elsewhere.example/"), Expected(T, Reason.REDIRECTED, 302)),
    "304": (reply("304 Not Modified"), Expected(T, Reason.REDIRECTED, 304)),
    "307": (reply("307 Temporary", "Location: /other"), Expected(T, Reason.REDIRECTED, 307)),
    "308": (reply("308 Permanent", "Location: /other"), Expected(T, Reason.REDIRECTED, 308)),
    "400": (reply("400 Bad Request", body=b"no"), Expected(T, Reason.REJECTED, 400)),
    "401": (reply("401 Unauthorized"), Expected(T, Reason.AUTH, 401)),
    "403": (reply("403 Forbidden"), Expected(T, Reason.AUTH, 403)),
    "404": (reply("404 Not Found"), Expected(T, Reason.REJECTED, 404)),
    "408": (reply("408 Request Timeout"), Expected(T, Reason.TIMED_OUT, 408)),
    "410": (reply("410 Gone"), Expected(P, Reason.GONE, 410)),
    "413": (reply("413 Content Too Large"), Expected(T, Reason.TOO_LARGE, 413)),
    "422": (reply("422 Unprocessable"), Expected(T, Reason.REJECTED, 422)),
    "429 without a wait": (reply("429 Too Many Requests"), Expected(T, Reason.RATE_LIMITED, 429)),
    "429 with seconds": (
        reply("429 Too Many Requests", "Retry-After: 120"),
        Expected(T, Reason.RATE_LIMITED, 429, timedelta(seconds=120)),
    ),
    "429 with a date": (
        reply("429 Too Many Requests", f"retry-after: {IN_AN_HOUR}"),
        Expected(T, Reason.RATE_LIMITED, 429, timedelta(hours=1)),
    ),
    "429 with a year": (
        reply("429 Too Many Requests", "Retry-After: 31536000"),
        Expected(T, Reason.RATE_LIMITED, 429, MAX_RETRY_AFTER),
    ),
    "500": (reply("500 Oops", body=b"trace"), Expected(T, Reason.SERVER_ERROR, 500)),
    "502": (reply("502 Bad Gateway"), Expected(T, Reason.SERVER_ERROR, 502)),
    "503 with seconds": (
        reply("503 Unavailable", "RETRY-AFTER: 30"),
        Expected(T, Reason.SERVER_ERROR, 503, timedelta(seconds=30)),
    ),
    "504": (reply("504 Gateway Timeout"), Expected(T, Reason.SERVER_ERROR, 504)),
    "reset": (resetting, Expected(U, Reason.OUTCOME_UNKNOWN)),
    "hung up without a word": (closing_after(b""), Expected(U, Reason.OUTCOME_UNKNOWN)),
    "hung up within the head": (closing_after(b"HTTP/1.1 200 OK\r\nContent-"), Expected(U, Reason.OUTCOME_UNKNOWN)),
    "hang before headers": (hanging, Expected(U, Reason.TIMED_OUT)),
    "slow drip of the head": (dripping(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 500, 0.02), Expected(U, Reason.TIMED_OUT)),
    "endless head": (
        endless(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"a" * 1000 + b"\r\n"),
        Expected(T, Reason.SERVER_ERROR),
    ),
    "endless informational answers": (
        endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        Expected(T, Reason.SERVER_ERROR),
    ),
    "not HTTP": (closing_after(b"SSH-2.0-OpenSSH_9.2\r\n"), Expected(T, Reason.SERVER_ERROR)),
    "not HTTP either": (closing_after(b"\x16\x03\x01\x02\x00"), Expected(T, Reason.SERVER_ERROR)),
    "HTTP/0.9": (closing_after(b"<html>fine</html>"), Expected(T, Reason.SERVER_ERROR)),
    "two lengths": (
        closing_after(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
        Expected(T, Reason.SERVER_ERROR),
    ),
    "length and chunks": (
        closing_after(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Expected(T, Reason.SERVER_ERROR),
    ),
    "a bad header": (closing_after(b"HTTP/1.1 200 OK\r\nbad\x00header: 1\r\n\r\n"), Expected(T, Reason.SERVER_ERROR)),
    "another protocol": (
        closing_after(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        Expected(T, Reason.SERVER_ERROR),
    ),
    "status 999": (reply("999 What"), Expected(T, Reason.SERVER_ERROR, 999)),
}


@pytest.mark.parametrize("case", MATRIX)
def test_each_fault_has_its_error_reason_and_wait(case: str) -> None:
    behave, expected = MATRIX[case]
    result = deliver_to(behave)
    error = result.error
    assert isinstance(error, expected.error)
    assert type(error) in (expected.error, *expected.error.__subclasses__())
    assert (error.reason, error.status, result.status) == (expected.reason, expected.status, expected.status)
    if expected.retry_after is None:
        assert error.retry_after is None
    else:
        assert error.retry_after is not None
        # A date was written down when the tests were collected, minutes ago on a busy machine.
        latest = expected.retry_after + timedelta(seconds=30)
        assert expected.retry_after - timedelta(minutes=15) < error.retry_after < latest
    assert result.delivery_id == "dlv_1"


@pytest.mark.parametrize("case", MATRIX)
def test_each_fault_leaves_a_delivery_with_its_state_reason_and_next_attempt(case: str) -> None:
    behave, expected = MATRIX[case]
    result = deliver_to(behave)
    assert isinstance(result.error, DeliveryError)
    now = datetime.now(UTC)
    left = override(result, 1, now, spread=lambda: 0.5)
    if expected.reason is Reason.GONE:
        assert (left.state, left.reason, left.due_at) == (DeliveryState.FAILED, Reason.GONE, None)
        return
    assert (left.state, left.reason, left.attempts) == (DeliveryState.QUEUED, expected.reason, 1)
    assert left.due_at is not None
    wait = left.due_at - now
    asked = result.error.retry_after or timedelta()
    assert timedelta(seconds=5) + timedelta(seconds=0.5) <= wait  # the schedule's first wait, and its jitter
    assert max(asked, timedelta(seconds=5)) < wait <= max(asked, timedelta(seconds=5)) + timedelta(seconds=1)
    assert override(result, 11, now, spread=lambda: 0.5).state is DeliveryState.FAILED


FINAL_AFTER_OTHERS = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
BOMB_HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP_BOMB)
# The status is the answer; what follows is read for the log only, within the limits.
SUCCESSES: dict[str, tuple[Behaviour, int, Callable[[str], bool]]] = {
    "200": (reply("200 OK", body=b"thanks"), 200, lambda text: text == "thanks"),
    "201": (reply("201 Created"), 201, lambda text: text == ""),
    "204": (answering(b"HTTP/1.1 204 No Content\r\n\r\n"), 204, lambda text: text == ""),
    "chunked": (answering(CHUNKED + b"2\r\nok\r\n0\r\n\r\n"), 200, lambda text: text == "ok"),
    "HTTP/1.0": (closing_after(b"HTTP/1.0 200 OK\r\n\r\nold, fine"), 200, lambda text: text == "old, fine"),
    "after 100 and 103": (answering(FINAL_AFTER_OTHERS), 202, lambda text: text == ""),
    "endless body": (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 4096), 200, lambda text: text == "x" * 1024),
    "endless body in small chunks": (
        endless(CHUNKED, b"1;" + b"e" * 500 + b"\r\nx\r\n"),
        200,
        lambda text: set(text) == {"x"},
    ),
    "slow drip of the body": (dripping(LONG + b"y" * 5000, 0.005), 200, lambda text: set(text) == {"y"}),
    "cut body": (closing_after(LONG + b"short"), 200, lambda text: text == "short"),
    "gzip bomb": (answering(BOMB_HEAD + GZIP_BOMB), 200, lambda text: len(text) <= 1024),
}


@pytest.mark.parametrize("case", SUCCESSES)
def test_a_2xx_is_success_whatever_follows_it(case: str) -> None:
    behave, status, excerpt = SUCCESSES[case]
    result = deliver_to(behave)
    assert (result.error, result.status) == (None, status)
    assert excerpt(result.excerpt)


def test_a_refused_connection_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with running() as engine:
        result = engine.deliver([a_request(f"http://127.0.0.1:{port}/")])[0]
    assert isinstance(result.error, TransientDeliveryError)
    assert not isinstance(result.error, OutcomeUnknownError)
    assert result.error.reason is Reason.UNREACHABLE
    assert "refused" in result.error.detail.lower()


def test_a_connection_that_is_never_accepted_times_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.socket() as filler,
        socket.socket() as more,
    ):
        for sock in (filler, more):  # the queue of a server that never accepts is full
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())
        with running() as engine:
            result = engine.deliver([a_request(f"http://127.0.0.1:{server.getsockname()[1]}/")])[0]
    assert isinstance(result.error, TransientDeliveryError)
    assert result.error.reason is Reason.TIMED_OUT
    assert result.duration_ms > 400


def test_a_slow_drip_cannot_hold_its_slot_beyond_the_total_time() -> None:
    with running(quick_limits()) as engine:
        result = deliver_to(dripping(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 5000, 0.01), engine)  # 50 s of it
    assert isinstance(result.error, OutcomeUnknownError)
    assert result.error.reason is Reason.TIMED_OUT
    assert result.duration_ms >= 700


def test_the_answer_to_one_request_never_becomes_the_answer_to_the_next() -> None:
    smuggled = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n" + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with receiving(answering(smuggled)) as receiver, running() as engine:
        results = engine.deliver([a_request(receiver.url()), a_request(receiver.url())])
        assert [result.status for result in results] == [500, 500]
        assert receiver.connections == 2  # the connection was not used again


def test_a_redirect_is_not_followed_and_its_target_not_dialled() -> None:
    with receiving() as secret_service:
        target = reply("307 Temporary", f"Location: {secret_service.url()}")
        result = deliver_to(target)
        assert isinstance(result.error, TransientDeliveryError)
        assert result.error.reason is Reason.REDIRECTED
        assert secret_service.connections == 0


def test_a_receiver_that_does_not_read_is_given_up_in_time() -> None:
    class Deaf(Receiver):
        def _serve(self, sock: socket.socket, number: int) -> None:
            self._open.add(sock)
            self._closing.wait(20)
            sock.close()

    receiver = Deaf(answering())
    try:
        with running() as engine:
            result = engine.deliver([a_request(receiver.url(), body=b"x" * 20_000_000)])[0]
    finally:
        receiver.close()
    assert isinstance(result.error, OutcomeUnknownError)
    assert result.error.reason is Reason.TIMED_OUT
