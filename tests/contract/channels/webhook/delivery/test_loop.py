"""Beginning, ending and everything between callers and the engine's thread."""

import asyncio
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest

from notifier.channels.base import NotAttemptedError
from notifier.channels.webhook import WebhookEngine
from notifier.channels.webhook.delivery.limits import EngineLimits, Timeouts
from notifier.channels.webhook.responses import WebhookResponse
from notifier.domain.errors import OutcomeUnknownError, UnavailableError
from notifier.domain.messages.message import HookResult
from notifier.domain.values import Reason
from tests.contract.channels.webhook.receivers import (
    OPEN,
    Gate,
    Receiver,
    a_request,
    receiving,
    running,
    wait_until,
)

PATIENT = EngineLimits(timeouts=Timeouts(first_byte=60, total=60))


def test_what_has_not_begun_in_time_is_given_back_unattempted() -> None:
    gate = Gate()
    told: list[HookResult] = []
    with receiving(gate) as receiver, running(PATIENT) as engine:
        soon = datetime.now(UTC) + timedelta(seconds=0.5)
        worker = delivering_three(engine, receiver, told, start_before=soon)
        wait_until(lambda: len(told) == 2)
        assert datetime.now(UTC) >= soon
        gate.open.set()
        worker.join(10)
    assert_only_the_first_was_attempted(receiver, told)


def test_closing_waits_for_answers_and_gives_the_rest_back() -> None:
    gate = Gate()
    told: list[HookResult] = []
    with receiving(gate) as receiver:
        engine = WebhookEngine(policy=OPEN, limits=PATIENT)
        worker = delivering_three(engine, receiver, told)
        closer = threading.Thread(target=engine.close)
        closer.start()
        wait_until(lambda: len(told) == 2)
        assert closer.is_alive()
        gate.open.set()
        worker.join(10)
        closer.join(10)
    assert_only_the_first_was_attempted(receiver, told)


def delivering_three(
    engine: WebhookEngine, receiver: Receiver, told: list[HookResult], start_before: datetime | None = None
) -> threading.Thread:
    """Send three requests to one endpoint from a thread of its own; returns once the first has arrived."""
    requests = [a_request(receiver.url(), 1, delivery_id=f"dlv_{number}") for number in range(3)]

    def deliver() -> None:
        engine.deliver(requests, start_before=start_before, on_results=told.extend, wait_for_slow=True)

    worker = threading.Thread(target=deliver)
    worker.start()
    wait_until(lambda: len(receiver.requests) == 1)
    return worker


def assert_only_the_first_was_attempted(receiver: Receiver, told: list[HookResult]) -> None:
    by_id = {result.delivery_id: result.error for result in told}
    assert by_id.pop("dlv_0") is None
    assert [getattr(error, "reason", None) for error in by_id.values()] == [Reason.NOT_STARTED] * 2
    assert all(isinstance(error, NotAttemptedError) for error in by_id.values())
    assert len(receiver.requests) == 1


def test_closing_does_not_wait_longer_than_it_was_told() -> None:
    with receiving(Gate()) as receiver:
        engine = WebhookEngine(policy=OPEN, limits=EngineLimits(timeouts=Timeouts(first_byte=600, total=600)))
        told: list[HookResult] = []
        worker = threading.Thread(target=lambda: told.extend(engine.deliver([a_request(receiver.url())])))
        worker.start()
        wait_until(lambda: len(receiver.requests) == 1)
        engine.close(drain=timedelta(seconds=0.05))
        worker.join(30)
    assert isinstance(told[0].error, OutcomeUnknownError)


def test_a_closed_engine_gives_everything_back() -> None:
    engine = WebhookEngine()
    engine.close()
    engine.close()
    told: list[HookResult] = []
    results = engine.deliver([a_request("https://partner.example/")], on_results=told.extend)
    assert results == told
    assert isinstance(results[0].error, NotAttemptedError)
    with pytest.raises(UnavailableError):
        engine.check_url("https://partner.example/")


def test_an_empty_batch_starts_nothing() -> None:
    before = threading.active_count()
    engine = WebhookEngine()
    assert engine.deliver([]) == []
    assert threading.active_count() == before
    engine.close()


def test_an_engine_can_be_started_before_its_first_batch_and_stays_ended() -> None:
    before = set(threading.enumerate())

    def running_now() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread not in before]

    engine = WebhookEngine()
    engine.open()
    engine.open()
    assert running_now() == ["webhook-engine"]
    engine.close()
    engine.open()
    assert running_now() == []


def test_callers_in_an_event_loop_of_their_own_are_served_too() -> None:
    with receiving() as receiver, running() as engine:
        results = asyncio.run(engine.deliver_async([a_request(receiver.url())]))
    assert [result.error for result in results] == [None]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # 3.12 and later: threads are running, as in a worker
def test_a_forked_process_starts_an_engine_of_its_own() -> None:
    with receiving() as receiver, running() as engine:
        assert engine.deliver([a_request(receiver.url())])[0].error is None
        child = os.fork()
        if child == 0:
            delivered = False
            try:
                delivered = engine.deliver([a_request(receiver.url(), 2)])[0].error is None
            finally:  # the child must never go on with the tests
                os._exit(0 if delivered else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert engine.deliver([a_request(receiver.url())])[0].error is None
        assert receiver.connections == 2


def test_a_fault_of_ours_reaches_the_caller_instead_of_hanging_it() -> None:
    class Broken:
        async def post(self, *_args: object, **_kwargs: object) -> WebhookResponse:
            raise ZeroDivisionError

        async def close(self) -> None:
            """Nothing to close."""

    with running(transport=lambda _limits, _tls: Broken()) as engine, pytest.raises(ZeroDivisionError):
        engine.deliver([a_request("http://127.0.0.1:1/")])
