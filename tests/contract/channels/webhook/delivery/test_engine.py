"""What a batch looks like from both ends."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from notifier.channels.base import NotAttemptedError
from notifier.channels.webhook import EngineLimits, SlotLimits
from notifier.domain.circuit_breaker import BreakerPolicy
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.messages.message import HookResult
from notifier.domain.values import Reason
from tests.contract.channels.webhook.receivers import (
    BODY,
    OK,
    SECRET,
    Gate,
    Line,
    Received,
    a_request,
    answering,
    quick_limits,
    receiving,
    running,
    wait_until,
)


def test_the_request_is_the_signed_bytes_under_our_headers() -> None:
    with receiving() as receiver, running() as engine:
        before = datetime.now(UTC)
        result = engine.deliver(
            [
                a_request(
                    receiver.url("/hook?key=1"),
                    headers={"Authorization": "Bearer abc"},
                    content_type="application/cloudevents+json",
                )
            ]
        )[0]
    request = receiver.requests[0]
    assert request.line == "POST /hook?key=1 HTTP/1.1"
    assert request.body == BODY
    assert Webhook(SECRET).verify(request.body, dict(request.headers))
    assert request.headers["webhook-id"] == "dlv_1"
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["authorization"] == "Bearer abc"
    assert request.headers["user-agent"].startswith("notifier/")
    assert request.headers["accept-encoding"] == "identity"
    assert (result.status, result.excerpt, result.error) == (200, "ok", None)
    assert before <= result.started_at <= datetime.now(UTC)


def test_a_retry_carries_the_same_id_and_body_with_a_fresh_time_and_signature() -> None:
    times = [datetime.now(UTC) - timedelta(seconds=60)]
    with receiving() as receiver, running(clock=lambda: times[-1]) as engine:
        engine.deliver([a_request(receiver.url())])
        times.append(times[-1] + timedelta(seconds=60))
        engine.deliver([a_request(receiver.url())], retry=True)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    assert Webhook(SECRET).verify(second.body, dict(second.headers))


def test_connections_are_kept_from_batch_to_batch() -> None:
    with receiving() as receiver, running() as engine:
        for _ in range(5):
            assert engine.deliver([a_request(receiver.url())])[0].error is None
        assert receiver.connections == 1


def test_a_connection_that_was_closed_while_idle_costs_no_failure() -> None:
    def once(line: Line, request: Received) -> bool:
        line.sock.sendall(OK)  # promises to keep the connection and closes it
        return False

    with receiving(once) as receiver, running() as engine:
        for _ in range(20):
            assert engine.deliver([a_request(receiver.url())])[0].error is None
        assert len(receiver.requests) == 20


def test_a_connection_that_is_reset_at_the_second_request_is_replaced_and_the_repeat_bears_the_same_id() -> None:
    def behave(line: Line, request: Received) -> bool:
        if len(receiver.requests) == 2:
            line.reset()
            return False
        line.sock.sendall(OK)
        return True

    with receiving(behave) as receiver, running() as engine:
        for number in (1, 2):
            assert engine.deliver([a_request(receiver.url(), number)])[0].error is None
        assert [request.headers["webhook-id"] for request in receiver.requests] == ["dlv_1", "dlv_2", "dlv_2"]


def test_messages_to_one_endpoint_go_one_by_one_and_in_order() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def behave(line: Line, _request: Received) -> bool:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.002)
        with lock:
            inside -= 1
        line.sock.sendall(OK)
        return True

    with receiving(behave) as receiver, running(EngineLimits()) as engine:
        requests = [a_request(receiver.url(), 1, delivery_id=f"dlv_{number}") for number in range(30)]
        results = engine.deliver(requests)
    assert [request.headers["webhook-id"] for request in receiver.requests] == [f"dlv_{n}" for n in range(30)]
    assert [result.delivery_id for result in results] == [f"dlv_{n}" for n in range(30)]
    assert most == 1


def test_a_host_is_not_overrun_and_holds_up_nobody_else() -> None:
    gate = Gate()
    with receiving(gate) as busy, receiving() as quick, running(quick_limits(per_host=3)) as engine:
        told: list[HookResult] = []
        requests = [a_request(busy.url(), number) for number in range(10)]
        requests += [a_request(quick.url(), number) for number in range(100, 120)]
        worker = threading.Thread(target=lambda: engine.deliver(requests, on_results=told.extend))
        worker.start()
        wait_until(lambda: len(told) == 20)
        assert len(busy.requests) == 3
        gate.open.set()
        worker.join(10)
        assert len(told) == 30
        assert busy.connections == 3


def test_hanging_receivers_do_not_hold_up_the_quick_ones() -> None:
    queues = SlotLimits(fast=2, slow=50, slow_after=0.2, slow_floor=0.02)
    gate = Gate()
    with receiving(gate) as hanging, receiving() as quick, running(quick_limits(first=queues)) as engine:
        engine.deliver([a_request(quick.url(), number) for number in range(200)])  # this is how long answers take
        requests = [a_request(hanging.url(), number) for number in range(10)]
        requests += [a_request(quick.url(), number) for number in range(100, 130)]
        told = list[HookResult]()
        worker = threading.Thread(target=lambda: engine.deliver(requests, on_results=told.extend))
        worker.start()
        wait_until(lambda: len(told) >= 30)
        assert all(result.error is None for result in told[:30])  # none of them is a hanging one that timed out
        gate.open.set()
        worker.join(10)
        assert len(told) == 40


def test_retries_have_slots_of_their_own() -> None:
    full = SlotLimits(fast=1, slow=0)
    gate = Gate()
    with receiving(gate) as hanging, receiving() as quick, running(quick_limits(retry=full)) as engine:
        worker = threading.Thread(
            target=lambda: engine.deliver([a_request(hanging.url(), number) for number in range(2)], retry=True)
        )
        worker.start()
        wait_until(lambda: len(hanging.requests) == 1)
        assert engine.deliver([a_request(quick.url(), 9)])[0].error is None
        assert len(hanging.requests) == 1
        gate.open.set()
        worker.join(10)


def test_a_caller_need_not_wait_for_the_slow_ones() -> None:
    queues = SlotLimits(fast=5, slow=5, slow_after=0.05)
    gate, told, threads = Gate(), list[HookResult](), set[str]()

    def record(results: Sequence[HookResult]) -> None:
        told.extend(results)
        threads.add(threading.current_thread().name)

    with receiving(gate) as hanging, receiving() as quick, running(quick_limits(first=queues)) as engine:
        requests = [a_request(quick.url(), 1), a_request(hanging.url(), 2), a_request(hanging.url(), 2)]
        results = engine.deliver(requests, on_results=record, wait_for_slow=False)
        assert [result.endpoint_id for result in results] == [1]
        assert threads == {threading.current_thread().name}
        gate.open.set()
        wait_until(lambda: len(told) == 3)
        assert len(threads) == 2
    assert [result.error for result in told] == [None] * 3


def test_many_threads_share_one_engine() -> None:
    with receiving() as receiver, running(EngineLimits()) as engine:
        told: list[HookResult] = []
        workers = [
            threading.Thread(
                target=lambda base=base: told.extend(
                    engine.deliver([a_request(receiver.url(), base + number) for number in range(50)])
                )
            )
            for base in range(0, 400, 50)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert sorted(result.endpoint_id for result in told) == list(range(400))
        assert all(result.error is None for result in told)
        assert receiver.connections <= 32  # the cap per host


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    limits = quick_limits(endpoint_breaker=BreakerPolicy(threshold=3, pause=0.3))
    answers = iter([b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"] * 3 + [OK] * 9)

    def behave(line: Line, _request: Received) -> bool:
        line.sock.sendall(next(answers))
        return True

    with receiving(behave) as receiver, running(limits) as engine:
        requests = [a_request(receiver.url(), 1, delivery_id=f"dlv_{number}") for number in range(5)]
        results = engine.deliver(requests)
        assert len(receiver.requests) == 3
        for result in results[3:]:
            assert isinstance(result.error, NotAttemptedError)
            assert result.error.reason is Reason.BREAKER_OPEN
            assert result.error.retry_after is not None
            assert timedelta() < result.error.retry_after <= timedelta(seconds=0.3)
        neighbour = engine.deliver([a_request(receiver.url(), 2)])[0]
        assert neighbour.error is None  # another endpoint on the same host
        wait_until(lambda: engine.deliver([a_request(receiver.url(), 1)])[0].error is None, 5)
        assert [result.error for result in engine.deliver(requests)] == [None] * 5


def test_an_open_breaker_does_not_hold_back_what_a_person_asked_for_after_it_opened() -> None:
    limits = quick_limits(
        endpoint_breaker=BreakerPolicy(threshold=2, pause=60), host_breaker=BreakerPolicy(threshold=2)
    )
    with receiving() as receiver:
        url = receiver.url()
    with running(limits) as engine:
        request = a_request(url, 1, changed_at=datetime.now(UTC))
        for _ in range(2):
            assert getattr(engine.deliver([request])[0].error, "reason", None) is Reason.UNREACHABLE
        for number in (1, 2):  # the endpoint, and another one on its host
            held = engine.deliver([a_request(url, number, changed_at=request.changed_at)])[0].error
            assert isinstance(held, NotAttemptedError)
        retried = a_request(url, 1, changed_at=datetime.now(UTC))
        assert getattr(engine.deliver([retried])[0].error, "reason", None) is Reason.UNREACHABLE
        assert isinstance(engine.deliver([retried])[0].error, NotAttemptedError)  # that failed, too


def test_an_endpoint_that_asked_for_time_gets_it() -> None:
    with receiving(answering(b"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")) as receiver:
        with running() as engine:
            engine.deliver([a_request(receiver.url())])
            error = engine.deliver([a_request(receiver.url())])[0].error
        assert len(receiver.requests) == 1
    assert isinstance(error, NotAttemptedError)
    assert error.retry_after is not None
    assert error.retry_after > timedelta(seconds=58)


def test_a_host_that_cannot_be_reached_spares_its_other_endpoints_the_wait() -> None:
    limits = quick_limits(host_breaker=BreakerPolicy(threshold=4))
    with receiving() as receiver:
        url = receiver.url()
    with running(limits) as engine:
        results = engine.deliver([a_request(url, number) for number in range(4)])
        assert {getattr(result.error, "reason", None) for result in results} == {Reason.UNREACHABLE}
        error = engine.deliver([a_request(url, 99)])[0].error
    assert isinstance(error, NotAttemptedError)
    assert error.reason is Reason.BREAKER_OPEN
    assert "host" in error.detail


def test_what_cannot_be_sent_as_it_is_stored_is_told_and_opens_no_socket() -> None:
    with receiving() as receiver, running() as engine:
        requests = [
            a_request(receiver.url(), 1, secrets=["whsec_%%%"]),
            a_request(receiver.url(), 2, secrets=[]),
            a_request(receiver.url(), 3, headers={"X-A": "a\r\nX-B: b"}),
            a_request(receiver.url(), 4, headers={"Host": "elsewhere"}),
            a_request(receiver.url(), 5, content_type="text/plain\r\nX-B: b"),
            a_request(receiver.url(), 6, delivery_id="dlv.6"),
            a_request("http://10.0.0.1/", 7),
            a_request("nonsense", 8),
        ]
        results = sorted(engine.deliver(requests), key=lambda result: result.endpoint_id)
        reasons = [getattr(result.error, "reason", None) for result in results]
        assert all(isinstance(result.error, TransientDeliveryError) for result in results)
        assert reasons == [Reason.AUTH] * 2 + [Reason.REJECTED] * 4 + [Reason.BLOCKED_TARGET] * 2
        assert receiver.connections == 0
        assert "%%%" not in str(results[0].error)
