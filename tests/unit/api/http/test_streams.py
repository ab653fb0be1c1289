import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from anyio import to_thread

from notifier.api.http.streams import as_file


def read(*pieces: bytes, then: Exception | None = None, seconds: float = 5) -> list[bytes]:
    """Read the lines of a body that comes in these pieces, in a thread as an import does."""

    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        if then is not None:
            raise then
        if seconds < 1:
            await asyncio.Event().wait()

    async def run() -> list[bytes]:
        file = as_file(stream(), seconds)
        return await to_thread.run_sync(file.readlines)

    return asyncio.run(run())


def test_lines_are_whole_however_the_body_is_cut() -> None:
    assert read(b"on", b"", b"e\ntwo", b"\n", b"three") == [b"one\n", b"two\n", b"three"]


def test_an_empty_body_has_no_lines() -> None:
    assert read() == []


def test_a_piece_larger_than_the_buffer_is_read_whole() -> None:
    assert read(b"x" * 1_000_000 + b"\n", b"y") == [b"x" * 1_000_000 + b"\n", b"y"]


def test_a_body_that_breaks_off_does_not_pass_for_a_whole_one() -> None:
    with pytest.raises(ConnectionError):
        read(b"one\n", then=ConnectionError("gone"))


def test_a_caller_who_falls_silent_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        read(b"one\n", seconds=0.05)


def test_a_caller_who_trickles_is_given_up_and_one_whom_we_keep_waiting_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("notifier.api.http.streams.time", SimpleNamespace(monotonic=lambda: now))

    def read_slowly(piece: bytes, *, theirs: float, ours: float) -> int:
        """Read ten pieces, each of which takes `theirs` seconds to come and `ours` to store; returns their bytes."""

        async def stream() -> AsyncIterator[bytes]:
            nonlocal now
            for _ in range(10):
                now += theirs
                yield piece

        def work() -> int:
            nonlocal now
            total = 0
            while read := file.raw.read(65_536):
                total += len(read)
                now += ours
            return total

        async def run() -> int:
            return await to_thread.run_sync(work)

        file = as_file(stream(), 60)
        return asyncio.run(run())

    with pytest.raises(TimeoutError):
        read_slowly(b"x", theirs=20, ours=0)
    assert read_slowly(b"x" * 16_384, theirs=20, ours=0) == 163_840
    assert read_slowly(b"x", theirs=0, ours=100) == 10
