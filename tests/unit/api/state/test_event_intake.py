import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from notifier.api.http.load_shedding import LoadShedder
from notifier.api.http.problems import OverloadedError
from notifier.api.state.event_intake import EventIntake, ReplayCache, event_gate
from notifier.api.state.key_cache import SECONDS, ApiKeyCache
from notifier.domain.errors import InvalidInputError, UnavailableError
from notifier.domain.values import Outcome
from notifier.services.events.ingest import Receipt
from notifier.services.security.api_keys import Caller, KeyScope
from notifier.services.security.audit import Actor


def a_receipt(event_id: str, outcome: Outcome = Outcome.ACCEPTED) -> Receipt:
    return Receipt(event_id=event_id, incident_id="inc-1", update_id="upd-1", outcome=outcome, reason="because")


class Ledger:
    """Takes events by their bytes and counts the calls; `before` runs first, in the thread."""

    def __init__(self, before: Callable[[bytes], object] = bytes) -> None:
        self.taken: list[bytes] = []
        self._before = before

    def publish(self, body: bytes, actor: Actor, *, guarded: bool) -> Receipt:
        del actor, guarded
        self._before(body)
        self.taken.append(body)
        return a_receipt(body.decode())

    def find(self, event_id: str) -> Receipt | None:
        held = event_id.encode() in self.taken
        return a_receipt(event_id, Outcome.DUPLICATE) if held else None


class Filter:
    """A filter that remembers, and can be made to lie."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.lie: str | None = None
        self.closed = False

    async def find(self, digest: str) -> str | None:
        return self.lie or self.known.get(digest)

    async def remember(self, digest: str, event_id: str) -> None:
        self.known[digest] = event_id

    async def close(self) -> None:
        self.closed = True


@dataclass
class Repeats:
    repeats: Ledger
    seen: Filter


@dataclass
class Counters:
    outcomes: list[str] = field(default_factory=list)

    def event(self, source: str, outcome: str) -> None:
        self.outcomes.append(outcome)

    def reused_id(self) -> None:
        self.outcomes.append("reused")


def event_intake(ledger: Ledger, seen: Filter | None = None, counters: Counters | None = None) -> EventIntake:
    return EventIntake(
        ledger, Repeats(ledger, seen or Filter()), counters or Counters(), load_shedder=event_gate(one_writer=True)
    )


async def outcome_of(publish: EventIntake, body: bytes) -> str:
    return str(json.loads(await publish.take(body))["outcome"])


async def until_done(tasks: Sequence[asyncio.Future[str]], number: int) -> None:
    """Wait until so many have ended."""
    while sum(task.done() for task in tasks) < number:
        await asyncio.wait([task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED)


def test_the_first_is_told_what_happened_and_the_rest_that_it_had() -> None:
    ledger, counters = Ledger(), Counters()

    async def run() -> list[str]:
        publish = event_intake(ledger, counters=counters)
        return [await outcome_of(publish, b"evt-1") for _ in range(3)]

    assert asyncio.run(run()) == ["accepted", "duplicate", "duplicate"]
    assert ledger.taken == [b"evt-1"]
    assert counters.outcomes == [Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.DUPLICATE]


def test_repeats_of_what_is_in_hand_wait_for_it() -> None:
    released = threading.Event()
    ledger = Ledger(before=lambda _: released.wait(5))

    async def run() -> list[str]:
        publish = event_intake(ledger)
        asked = [asyncio.ensure_future(outcome_of(publish, b"evt-1")) for _ in range(50)]
        await asyncio.sleep(0)
        released.set()
        return await asyncio.gather(*asked)

    answers = asyncio.run(run())
    assert sorted(set(answers)) == ["accepted", "duplicate"]
    assert answers.count("accepted") == 1
    assert ledger.taken == [b"evt-1"]


@pytest.mark.parametrize("error", [UnavailableError("database: away"), InvalidInputError([])])
def test_what_failed_is_remembered_by_nobody(error: Exception) -> None:
    failures = iter([error])

    def fail_once(_body: bytes) -> None:
        for failure in failures:
            raise failure

    async def run() -> list[object]:
        publish = event_intake(Ledger(before=fail_once))
        first = await asyncio.gather(publish.take(b"evt-1"), return_exceptions=True)
        return [*first, await outcome_of(publish, b"evt-1")]

    assert asyncio.run(run()) == [error, "accepted"]


def test_the_filter_is_asked_and_the_ledger_believed() -> None:
    seen = Filter()

    async def run() -> tuple[str, str]:
        ledger = Ledger()
        one, two = event_intake(ledger, seen), event_intake(ledger, seen)
        await one.take(b"evt-1")
        await two.take(b"evt-2")  # the filter is built after a process' first event
        await one.close()
        await two.close()
        known = await outcome_of(two, b"evt-1")
        seen.lie = "evt-that-never-was"
        return known, await outcome_of(one, b"evt-3")

    assert asyncio.run(run()) == ("duplicate", "accepted")
    assert seen.closed
    assert len(seen.known) >= 2


def test_too_many_at_once_are_sent_away_and_nothing_is_lost() -> None:
    released = threading.Event()
    ledger = Ledger(before=lambda _: released.wait(5))

    async def run() -> list[object]:
        publish = event_intake(ledger)
        asked = [asyncio.ensure_future(outcome_of(publish, b"evt-%d" % number)) for number in range(300)]
        await until_done(asked, 300 - 258)
        released.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(run())
    assert answers.count("accepted") == 258 == len(ledger.taken)
    assert sum(isinstance(answer, OverloadedError) for answer in answers) == 42


def test_a_gate_lets_so_many_in_and_no_more() -> None:
    both = threading.Barrier(2)  # passes only while two are inside
    load_shedder = LoadShedder(at_once=2, waiting=2)

    async def run() -> list[object]:
        asked = [asyncio.ensure_future(load_shedder.run(lambda: both.wait(5))) for _ in range(8)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(run())
    assert sum(isinstance(answer, OverloadedError) for answer in answers) == 4
    assert sorted(answer for answer in answers if isinstance(answer, int)) == [0, 0, 1, 1]
    assert not load_shedder.is_busy


def test_answers_are_forgotten_in_time_and_in_number() -> None:
    now = 100.0
    recent = ReplayCache(size=2, seconds=10, clock=lambda: now)
    for name in (b"a", b"b", b"c"):
        recent.put(name, name)
    assert [recent.get(name) for name in (b"a", b"b", b"c")] == [None, b"b", b"c"]
    now += 10.1
    assert recent.get(b"c") is None


class Keys:
    """One key, looked up how often?"""

    def __init__(self) -> None:
        self.asked = 0
        self.good = True

    def authenticate(self, presented: str) -> Caller | None:
        self.asked += 1
        return Caller("key_1", "ci", frozenset({KeyScope.READ})) if self.good and presented == "right" else None

    def note_use(self, caller: Caller) -> None:
        self.used = caller.id


def test_a_key_is_looked_up_again_after_a_few_seconds() -> None:
    keys, now = Keys(), 100.0

    async def run() -> list[bool]:
        nonlocal now
        ring = ApiKeyCache(keys, clock=lambda: now)  # type: ignore[arg-type]
        answers = [await ring.caller("right") is not None for _ in range(3)]
        keys.good = False
        answers.append(await ring.caller("right") is not None)
        now += SECONDS
        answers.append(await ring.caller("right") is not None)
        return answers

    assert asyncio.run(run()) == [True, True, True, True, False]
    assert keys.asked == 2


def test_a_wrong_key_is_not_remembered() -> None:
    keys = Keys()

    async def run() -> None:
        ring = ApiKeyCache(keys)  # type: ignore[arg-type]
        answers: list[Any] = [await ring.caller("wrong") for _ in range(3)]
        assert answers == [None] * 3

    asyncio.run(run())
    assert keys.asked == 3
