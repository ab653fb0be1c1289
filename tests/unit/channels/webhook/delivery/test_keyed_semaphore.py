import asyncio

import pytest

from notifier.channels.webhook.delivery.keyed_semaphore import KeyedSemaphore


def test_a_full_key_holds_up_its_own_line_only_and_keeps_its_order() -> None:
    async def scenario() -> list[str]:
        gate, entered = KeyedSemaphore(1), []

        async def pass_through(key: str, name: str) -> None:
            await gate.enter(key)
            entered.append(name)

        await pass_through("a", "a1")
        waiting = [asyncio.create_task(pass_through("a", name)) for name in ("a2", "a3")]
        await pass_through("b", "b1")
        await asyncio.sleep(0)
        for _ in waiting:
            gate.leave("a")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        gate.leave("a")
        gate.leave("b")
        assert len(gate) == 0
        return entered

    assert asyncio.run(scenario()) == ["a1", "b1", "a2", "a3"]


def test_the_cap_is_never_exceeded() -> None:
    async def scenario() -> int:
        gate, inside, most = KeyedSemaphore(3), 0, 0

        async def visit() -> None:
            nonlocal inside, most
            await gate.enter("a")
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            gate.leave("a")

        await asyncio.gather(*[visit() for _ in range(50)])
        assert len(gate) == 0
        return most

    assert asyncio.run(scenario()) == 3


def test_nobody_slips_in_before_the_one_who_was_handed_the_place() -> None:
    async def scenario() -> bool:
        gate = KeyedSemaphore(1)
        await gate.enter("a")
        waiting = asyncio.create_task(gate.enter("a"))
        await asyncio.sleep(0)
        gate.leave("a")
        slipped_in = gate.try_enter("a")
        await waiting
        return slipped_in

    assert asyncio.run(scenario()) is False


def test_a_waiter_that_is_cancelled_does_not_take_its_place_along() -> None:
    async def scenario() -> None:
        gate = KeyedSemaphore(1)
        await gate.enter("a")
        first, second = asyncio.create_task(gate.enter("a")), asyncio.create_task(gate.enter("a"))
        await asyncio.sleep(0)
        gate.leave("a")  # handed to the first, which is cancelled before it notices
        first.cancel()
        await asyncio.wait_for(second, 60)
        gate.leave("a")
        third = asyncio.create_task(gate.enter("a"))
        await asyncio.wait_for(third, 60)
        fourth = asyncio.create_task(gate.enter("a"))
        await asyncio.sleep(0)
        fourth.cancel()  # cancelled while it waits
        await asyncio.sleep(0)
        gate.leave("a")
        assert len(gate) == 0
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(scenario())
