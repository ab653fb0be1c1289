import asyncio
from collections.abc import Iterator
from typing import Any

from notifier.api.http.body_limit import BodyLimit


class Echo:
    """Answers with how many bytes of body it was given, and whether the caller hung up."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        self.bodies.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def ask(
    messages: list[dict[str, Any]],
    *,
    path: str = "/v1/events",
    headers: list[tuple[bytes, bytes]] | None = None,
    **limits: Any,
) -> tuple[list[int], list[bytes]]:
    """Send a request of these messages; returns the statuses answered and the bodies passed on."""
    echo, sent = Echo(), list[Any]()
    waiting: Iterator[dict[str, Any]] = iter(messages)

    async def receive() -> Any:
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers or []}
    guard = BodyLimit(echo, **({"limit": 10} | limits))
    asyncio.run(asyncio.wait_for(guard(scope, receive, send), 5))
    return [message["status"] for message in sent if message["type"] == "http.response.start"], echo.bodies


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_within_the_limit_is_passed_on_whole() -> None:
    assert ask([piece(b"12345", more=True), piece(b"67890")]) == ([200], [b"1234567890"])


def test_a_body_that_grows_beyond_the_limit_is_refused() -> None:
    assert ask([piece(b"12345", more=True), piece(b"678901", more=True)]) == ([413], [])


def test_a_length_beyond_the_limit_is_refused_without_reading() -> None:
    assert ask([], headers=[(b"content-length", b"11")]) == ([413], [])


def test_a_length_that_is_no_number_is_refused() -> None:
    assert ask([], headers=[(b"content-length", b"-5")]) == ([413], [])


def test_who_hangs_up_half_way_is_not_taken_at_their_word() -> None:
    assert ask([piece(b"12345", more=True), {"type": "http.disconnect"}]) == ([], [])


def test_a_body_that_never_ends_is_given_up() -> None:
    assert ask([piece(b"1", more=True)], seconds=0.05) == ([408], [])


def test_some_paths_take_more() -> None:
    larger = {"/v1/inbound/": 20}
    body = [piece(b"x" * 15)]
    assert ask(list(body), path="/v1/inbound/sendgrid/events", larger=larger)[0] == [200]
    assert ask(list(body), larger=larger)[0] == [413]


def test_a_streaming_path_reads_for_itself() -> None:
    path = "/v1/subscribers/import"
    assert ask([piece(b"x" * 100, more=True)], path=path, streaming=[path]) == ([200], [b"x" * 100])


def test_bodies_that_fill_the_memory_together_give_way_from_the_slowest_on() -> None:
    async def crowd() -> list[int]:
        guard, statuses = BodyLimit(Echo(), limit=100, together=250), list[int]()

        async def one(pieces: list[dict[str, Any]]) -> None:
            waiting = iter(pieces)

            async def receive() -> Any:
                message = next(waiting, None)
                if message is None:
                    await asyncio.Event().wait()
                return message

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            await guard({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)

        async with asyncio.timeout(5):
            slow = [asyncio.create_task(one([piece(b"x" * 90, more=True)])) for _ in range(5)]
            await asyncio.wait(slow[:3])
            assert [task.done() for task in slow] == [True] * 3 + [False] * 2
            await one([piece(b"x" * 20, more=True), piece(b"x" * 20)])
        for task in slow:
            task.cancel()
        return statuses

    assert asyncio.run(crowd()) == [408, 408, 408, 200]
