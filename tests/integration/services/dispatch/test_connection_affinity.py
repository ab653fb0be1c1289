"""Two processes share a lane: each posts to endpoints it has connections to; nobody is left out or told twice."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import update

from notifier.domain.values import Channel, DeliveryState, QueueName, Status
from notifier.services.dispatch.attempt import Attempt
from notifier.services.dispatch.connection_affinity import ConnectionAffinity
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.plan import BATCH_SIZES
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches
from notifier.storage.deliveries.batches import Batch
from tests.support.fake_endpoints import EndpointHarness, Line, down, endpoint_harness, url_of

ENDPOINTS = 12
UPDATES = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)


class Process:
    """A worker process of the webhook lane: an attempt and a client of its own, on the common ledger."""

    def __init__(self, harness: EndpointHarness, name: str) -> None:
        self.line = Line(harness.pipeline.clock, harness.line.answers)
        pipeline, record = harness.pipeline, replace(harness.hooks.record, owner=name)
        channels = {Channel.WEBHOOK: replace(harness.hooks, engine=self.line, record=record)}
        choice = ConnectionAffinity(Channel.WEBHOOK)
        self.attempt = Attempt(pipeline.database, pipeline.clock, pipeline.tasks, name, channels, choice=choice)

    def posted(self) -> set[str]:
        """To whom it has posted since it was asked last."""
        urls = {request.url for request in self.line.requests}
        self.line.requests.clear()
        return urls


def build_harness(database: Database) -> EndpointHarness:
    harness = endpoint_harness(database)
    harness.pipeline.plan = replace(harness.pipeline.plan, batch_sizes={**BATCH_SIZES, Channel.WEBHOOK: 2})
    for place in range(ENDPOINTS):
        harness.endpoint(f"partner-{place}")
    return harness


def announced(harness: EndpointHarness, status: Status) -> list[int]:
    """The batches of an update that the queue's messages name, one message each."""
    harness.pipeline.now = harness.pipeline.now.replace(minute=harness.pipeline.now.minute + 1)
    harness.pipeline.post(status)
    harness.pipeline.plan_all()
    enqueued, harness.pipeline.tasks.attempts = harness.pipeline.tasks.attempts, []
    return [number for queue, number in enqueued if queue is QueueName.WEBHOOK]


def account_lock(processes: Sequence[Process], number: int) -> list[Process]:
    """Who takes which message: each as many, in an order that nobody can rely on."""
    order = [processes[place % len(processes)] for place in range(number)]
    random.Random(number).shuffle(order)
    return order


def test_each_process_posts_again_to_whom_it_posted_before_whatever_the_messages_name(database: Database) -> None:
    harness = build_harness(database)
    processes = [Process(harness, "one"), Process(harness, "two")]
    before: list[set[str]] = []
    for status in UPDATES:
        numbers = announced(harness, status)
        random.Random(status.value).shuffle(numbers)
        for process, number in zip(account_lock(processes, len(numbers)), numbers, strict=True):
            process.attempt.run(number)
        found = [process.posted() for process in processes]
        assert [len(urls) for urls in found] == [ENDPOINTS / 2, ENDPOINTS / 2]
        assert before in ([], found)
        before = found


@pytest.mark.parametrize("seed", range(5))
def test_as_many_messages_as_batches_tell_everybody_once_though_some_come_twice(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    harness = build_harness(database)
    processes = [Process(harness, name) for name in ("one", "two", "three")]
    for status in UPDATES:
        numbers = announced(harness, status)
        messages = [*numbers, *chance.sample(numbers, 2)]
        chance.shuffle(messages)
        for number in messages:
            chance.choice(processes).attempt.run(number)
        told = Counter(request.url for process in processes for request in process.line.requests)
        assert told == {url_of(f"partner-{place}"): 1 for place in range(ENDPOINTS)}
        for process in processes:
            process.line.requests.clear()


def test_a_process_that_ends_leaves_its_endpoints_to_the_others(database: Database) -> None:
    harness = build_harness(database)
    one, two = Process(harness, "one"), Process(harness, "two")
    for process, number in zip(account_lock([one, two], 6), announced(harness, Status.INVESTIGATING), strict=True):
        process.attempt.run(number)
    two.posted()
    for number in announced(harness, Status.IDENTIFIED):
        two.attempt.run(number)
    assert len(two.posted()) == ENDPOINTS


def test_a_repetition_is_of_the_batch_that_the_message_names(database: Database) -> None:
    harness = build_harness(database)
    harness.line.answers[url_of("partner-0")] = down
    process = Process(harness, "one")
    first = announced(harness, Status.INVESTIGATING)
    process.attempt.run(first[0])
    harness.pipeline.later(60)
    (repetition,) = [number for queue, number in harness.pipeline.tasks.attempts if queue is QueueName.RETRY]
    process.posted()
    process.attempt.run(repetition)
    assert process.posted() == {url_of("partner-0")}


def test_what_is_of_another_channel_is_claimed_as_it_is_named(database: Database) -> None:
    harness = build_harness(database)
    numbers = announced(harness, Status.INVESTIGATING)
    asked: list[int] = []
    with database.write() as connection:
        assert batches.untried_siblings(connection, numbers[3], Channel.WEBHOOK) == numbers
        assert ConnectionAffinity(Channel.EMAIL).choose(connection, numbers[3], refusing(asked)) is None
    assert asked == [numbers[3]]


def test_who_loses_a_race_for_one_batch_takes_another_until_none_waits(database: Database) -> None:
    harness = build_harness(database)
    numbers = announced(harness, Status.INVESTIGATING)
    asked: list[int] = []
    with database.write() as connection:
        assert ConnectionAffinity(Channel.WEBHOOK).choose(connection, numbers[3], refusing(asked)) is None
    assert asked[0] == numbers[3]
    assert set(asked) == set(numbers)


def test_who_comes_too_late_for_all_it_saw_takes_what_was_planned_meanwhile(database: Database) -> None:
    """Another process took the batch that we saw, and left us its own, which was planned after we had looked."""
    harness = build_harness(database)
    seen, *planned_later = announced(harness, Status.INVESTIGATING)
    owner, now = "another", harness.pipeline.now
    with database.write() as connection:
        hide = update(t.batch).where(t.batch.c.id.in_(planned_later))
        connection.execute(hide.values(state=DeliveryState.SENDING.value))

        def claim(number: int) -> Batch | None:
            if number == seen:
                connection.execute(hide.values(state=DeliveryState.QUEUED.value))
                batches.claim(connection, seen, owner=owner, now=now, lease=LEASE)
            return batches.claim(connection, number, owner="we", now=now, lease=LEASE)

        found = ConnectionAffinity(Channel.WEBHOOK).choose(connection, seen, claim)
    assert found is not None
    assert found.id in planned_later


def refusing(asked: list[int]) -> Callable[[int], None]:
    """A claim that always comes too late."""
    return asked.append
