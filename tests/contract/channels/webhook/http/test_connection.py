import asyncio

import pytest

from notifier.channels.webhook.delivery.limits import ResponseLimits
from notifier.channels.webhook.http.connection import HttpConnection
from notifier.domain.errors import OutcomeUnknownError
from tests.contract.channels.webhook.receivers import (
    OK,
    Line,
    Received,
    a_request,
    receiving,
    running,
    wait_until,
)


def test_bytes_that_nobody_asked_for_end_an_idle_connection() -> None:
    def chatty(line: Line, _request: Received) -> bool:
        line.sock.sendall(OK)
        line.closing.wait(0.05)
        line.sock.sendall(OK)  # an answer to nothing
        return True

    with receiving(chatty) as receiver, running() as engine:
        assert engine.deliver([a_request(receiver.url())])[0].error is None
        wait_until(lambda: len(receiver.requests) == 1 and receiver.is_quiet())
        assert engine.deliver([a_request(receiver.url())])[0].error is None
        assert receiver.connections == 2


def test_an_exchange_on_a_closed_connection_says_so() -> None:
    async def scenario() -> None:
        connection = HttpConnection(ResponseLimits(), lambda _: None)
        with pytest.raises(OutcomeUnknownError):
            await connection.exchange(b"POST / HTTP/1.1\r\n\r\n")

    asyncio.run(scenario())
