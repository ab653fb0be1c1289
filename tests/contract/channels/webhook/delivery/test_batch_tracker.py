import threading
from collections.abc import Sequence

import pytest

from notifier.channels.webhook import SlotLimits
from notifier.domain.errors import UnavailableError
from notifier.domain.messages.message import HookResult
from tests.contract.channels.webhook.receivers import (
    Gate,
    a_request,
    quick_limits,
    receiving,
    running,
    wait_until,
)


def test_results_come_in_chunks_while_others_are_still_on_their_way() -> None:
    gate, chunks = Gate(), list[int]()
    with receiving(gate) as hanging, receiving() as quick, running(quick_limits(result_chunk=10)) as engine:
        requests = [a_request(quick.url(), number) for number in range(40)] + [a_request(hanging.url(), 99)]
        worker = threading.Thread(
            target=lambda: engine.deliver(requests, on_results=lambda results: chunks.append(len(results)))
        )
        worker.start()
        wait_until(lambda: sum(chunks) == 40)
        assert worker.is_alive()
        assert max(chunks) <= 10
        gate.open.set()
        worker.join(10)
    assert sum(chunks) == 41


def test_an_exception_of_the_callback_reaches_the_caller_and_loses_no_other_result() -> None:
    gate, told = Gate(), list[HookResult]()

    def record(results: Sequence[HookResult]) -> None:
        if not told:
            told.extend(results)
            raise UnavailableError("the database is gone")
        told.extend(results)

    with receiving(gate) as hanging, receiving() as quick, running() as engine:
        with pytest.raises(UnavailableError):
            engine.deliver([a_request(quick.url(), 1), a_request(hanging.url(), 2)], on_results=record)
        gate.open.set()
        wait_until(lambda: len(told) == 2)


def test_a_late_callback_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    queues = SlotLimits(fast=5, slow=5, slow_after=0.02)
    gate = Gate()

    def record(_results: Sequence[HookResult]) -> None:
        raise UnavailableError("the database is gone")

    with receiving(gate) as hanging, running(quick_limits(first=queues)) as engine:
        assert engine.deliver([a_request(hanging.url())], on_results=record, wait_for_slow=False) == []
        gate.open.set()
        wait_until(lambda: "webhook_results_not_recorded" in caplog.text)
