"""The client below the engine: what the engine's tests cannot reach."""

import asyncio
import errno
import socket
import ssl
from collections import UserDict
from collections.abc import Awaitable, Callable, ItemsView
from typing import Any

import pytest

from notifier.channels.base import NotAttemptedError
from notifier.channels.webhook import EngineLimits, SlotLimits, TargetPolicy, WebhookEngine
from notifier.channels.webhook.egress.url_policy import VettedUrl, vet_url
from notifier.channels.webhook.http.transport import HttpTransport
from notifier.channels.webhook.responses import WebhookResponse
from notifier.domain.errors import InvalidInputError, TransientDeliveryError
from notifier.domain.values import Reason
from tests.contract.channels.webhook.receivers import (
    OPEN,
    Receiver,
    a_request,
    quick_limits,
    receiving,
    running,
    wait_until,
)


def posting(
    receiver: Receiver,
    scenario: Callable[[HttpTransport, Callable[[], Awaitable[WebhookResponse]]], Awaitable[None]],
    **limits: Any,
) -> None:
    """Run a scenario with a transport and a function that posts to the receiver."""

    async def run() -> None:
        transport = HttpTransport(quick_limits(**limits), ssl.create_default_context())
        url: VettedUrl = vet_url(receiver.url(), OPEN)
        try:
            await scenario(transport, lambda: transport.post(url, ["127.0.0.1"], {}, b"{}", budget=1))
        finally:
            await transport.close()
            await asyncio.sleep(0.02)

    asyncio.run(run())


def test_a_header_cannot_bring_another_header_along() -> None:
    async def scenario(transport: HttpTransport, _post: object) -> None:
        url = vet_url("https://8.8.8.8/", TargetPolicy())
        for name, value in (("X", "a\r\nY: b"), ("X", "a\nb"), ("X\r\nY", "b"), ("X", "a\r")):
            with pytest.raises(InvalidInputError):
                await transport.post(url, ["8.8.8.8"], {name: value}, b"", budget=1)

    with receiving() as receiver:
        posting(receiver, scenario)
        assert receiver.connections == 0


def test_requests_that_are_ready_together_are_all_prepared_before_any_of_them_dials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    class Headers(UserDict[str, str]):
        def items(self) -> ItemsView[str, str]:
            done.append("prepared")
            return super().items()

    async def scenario(transport: HttpTransport, _post: object) -> None:
        dial = asyncio.get_running_loop().create_connection

        async def noting(*args: Any, **kwargs: Any) -> Any:
            done.append("dialled")
            return await dial(*args, **kwargs)

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", noting)
        url = vet_url(receiver.url(), OPEN)
        posts = [transport.post(url, ["127.0.0.1"], Headers(), b"{}", budget=5) for _ in range(4)]
        await asyncio.gather(*posts)

    with receiving() as receiver:
        posting(receiver, scenario)
    assert done == ["prepared"] * 4 + ["dialled"] * 4


@pytest.mark.parametrize("trouble", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL])
def test_want_of_sockets_here_is_not_the_receivers_fault(trouble: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(_transport: HttpTransport, post: Callable[[], Awaitable[WebhookResponse]]) -> None:
        async def without_sockets(*_args: object, **_kwargs: object) -> None:
            raise OSError(trouble, "none left")

        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", without_sockets)
        with pytest.raises(NotAttemptedError) as caught:
            await post()
        assert caught.value.reason is Reason.NOT_STARTED

    with receiving() as receiver:
        posting(receiver, scenario)


def test_idle_connections_are_closed_after_their_time() -> None:
    with receiving() as receiver, running(quick_limits(idle_seconds=0.05, sweep_seconds=0.02)) as engine:
        assert engine.deliver([a_request(receiver.url())])[0].error is None
        wait_until(receiver.is_quiet)


def test_without_places_for_idle_connections_each_message_gets_its_own() -> None:
    with receiving() as receiver, running(quick_limits(idle_sockets=0)) as engine:
        for _ in range(3):
            assert engine.deliver([a_request(receiver.url())])[0].error is None
        assert receiver.connections == 3


def test_addresses_of_both_families_are_dialled_one_after_the_other() -> None:
    async def scenario() -> None:
        transport = HttpTransport(quick_limits(), ssl.create_default_context())
        with receiving() as receiver:
            url = vet_url(receiver.url(host="partner.example"), OPEN)
            result = await transport.post(url, ["::1", "127.0.0.1"], {}, b"{}", budget=1)
            assert result.status == 200
            await transport.close()

    asyncio.run(scenario())


def test_no_address_of_several_answering_is_unreachable() -> None:
    async def scenario() -> None:
        transport = HttpTransport(quick_limits(), ssl.create_default_context())
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        url = vet_url(f"http://partner.example:{port}/", OPEN)
        with pytest.raises(TransientDeliveryError) as caught:
            await transport.post(url, ["127.0.0.1", "127.0.0.2"], {}, b"{}", budget=1)
        assert caught.value.reason is Reason.UNREACHABLE
        await transport.close()

    asyncio.run(scenario())


def test_the_engine_runs_on_the_event_loop_of_the_standard_library_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.channels.webhook.delivery.loop.new_event_loop", asyncio.new_event_loop)
    with receiving() as receiver, running(EngineLimits()) as engine:
        results = engine.deliver([a_request(receiver.url(), number) for number in range(100)])
        assert [result.error for result in results] == [None] * 100


def test_a_fault_of_ours_in_a_late_attempt_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class SlowlyBroken:
        async def post(self, *_args: object, **_kwargs: object) -> WebhookResponse:
            await asyncio.sleep(0.2)
            raise ZeroDivisionError

        async def close(self) -> None:
            """Nothing to close."""

    limits = EngineLimits(first=SlotLimits(slow_after=0.05, slow_floor=0.02))
    engine = WebhookEngine(policy=OPEN, limits=limits, transport=lambda _limits, _tls: SlowlyBroken())
    told: list[object] = []
    assert engine.deliver([a_request("http://127.0.0.1:1/")], on_results=told.extend, wait_for_slow=False) == []
    wait_until(lambda: "webhook_engine_failed" in caplog.text)
    engine.close()
    assert told == []
