import asyncio
import time

from notifier.channels.webhook.delivery.adaptive_slots import AdaptiveConcurrency, Slot
from notifier.channels.webhook.delivery.limits import SlotLimits


def unwatched() -> None:
    """Nobody wants to know."""


async def quick_answers(slots: AdaptiveConcurrency) -> None:
    """Teach the lanes that answers come at once."""
    for _ in range(500):
        slots.leave(await slots.enter(unwatched))


def test_a_long_request_hands_its_fast_slot_back_and_says_so() -> None:
    async def scenario() -> None:
        slots, told = AdaptiveConcurrency(SlotLimits(fast=2, slow=2, slow_after=0.05)), asyncio.Event()
        slot = await slots.enter(told.set)
        await asyncio.wait_for(told.wait(), 60)
        assert slot.slow
        assert slots.counts == (0, 1, 0)
        slots.leave(slot)
        assert slots.counts == (0, 0, 0)

    asyncio.run(scenario())


def test_a_request_that_takes_longer_than_others_makes_room_early() -> None:
    async def scenario() -> float:
        slots = AdaptiveConcurrency(SlotLimits(fast=2, slow=10, slow_after=30, slow_floor=0.05))
        await quick_answers(slots)
        hanging = [await slots.enter(unwatched) for _ in range(2)]
        began = time.monotonic()
        quick = await asyncio.wait_for(slots.enter(unwatched), 25)
        waited = time.monotonic() - began
        assert [slot.slow for slot in hanging] == [True, True]
        assert not quick.slow
        return waited

    assert asyncio.run(scenario()) > 0.04


def test_nobody_counts_as_slow_while_every_answer_takes_long() -> None:
    async def scenario() -> None:
        slots = AdaptiveConcurrency(SlotLimits(fast=1, slow=10, slow_after=100, slow_floor=0.01))
        for _ in range(20):  # this machine is slow: 20 s for each answer
            slot = await slots.enter(unwatched)
            slot.started -= 20
            slots.leave(slot)
        ordinary = await slots.enter(unwatched)
        waiting = asyncio.create_task(slots.enter(unwatched))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        slots.leave(ordinary)
        slots.leave(await asyncio.wait_for(waiting, 60))

    asyncio.run(scenario())


def test_a_full_slow_lane_is_back_pressure_until_somebody_leaves_it() -> None:
    async def scenario() -> None:
        slots = AdaptiveConcurrency(SlotLimits(fast=1, slow=1, slow_after=0.02, slow_floor=0.01))
        first = await slots.enter(unwatched)
        second = await asyncio.wait_for(slots.enter(unwatched), 60)  # the first became slow
        third = asyncio.create_task(slots.enter(unwatched))
        done, _ = await asyncio.wait([third], timeout=0.1)
        assert not done
        assert slots.counts == (1, 1, 1)
        slots.leave(first)  # the second may become slow now
        await asyncio.wait_for(third, 60)
        assert second.slow
        slots.leave(second)
        slots.leave(third.result())
        assert slots.counts == (0, 0, 0)

    asyncio.run(scenario())


def test_slots_go_to_those_who_wait_in_order_of_arrival() -> None:
    async def scenario() -> list[int]:
        slots, entered = AdaptiveConcurrency(SlotLimits(fast=1, slow=0, slow_after=30)), []
        slot = await slots.enter(unwatched)

        async def pass_through(number: int) -> None:
            mine = await slots.enter(unwatched)
            entered.append(number)
            slots.leave(mine)

        tasks = [asyncio.create_task(pass_through(number)) for number in range(5)]
        await asyncio.sleep(0)
        slots.leave(slot)
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
        assert slots.counts == (0, 0, 0)
        return entered

    assert asyncio.run(scenario()) == [0, 1, 2, 3, 4]


def test_a_waiter_that_is_cancelled_leaves_no_slot_behind() -> None:
    async def scenario() -> None:
        slots = AdaptiveConcurrency(SlotLimits(fast=1, slow=0, slow_after=30))
        slot: Slot = await slots.enter(unwatched)
        in_line, handed = asyncio.create_task(slots.enter(unwatched)), asyncio.create_task(slots.enter(unwatched))
        await asyncio.sleep(0)
        in_line.cancel()
        await asyncio.sleep(0)
        slots.leave(slot)  # handed to the second, which is cancelled before it notices
        handed.cancel()
        await asyncio.wait([in_line, handed])
        assert slots.counts == (0, 0, 0)
        slots.leave(await asyncio.wait_for(slots.enter(unwatched), 60))

    asyncio.run(scenario())
