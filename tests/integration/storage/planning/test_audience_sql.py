"""What planning selects by SQL is what the pure rule says that `explain` tells, for random people and incidents."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import update

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import QueueName, Status
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import preferences
from tests.support.email_harness import EmailHarness, Provider, build_harness
from tests.support.pipeline_harness import Pipeline, RecordingTaskQueue
from tests.support.random_subscribers import RUNNING, RandomSubscribers

PEOPLE, UPDATES = 10, 5


def selected(harness: EmailHarness, number: int) -> set[int]:
    with harness.pipeline.database.read() as connection:
        statement = f"SELECT recipient_key FROM delivery WHERE notification_id = {number:d}"  # noqa: S608 - a number
        return set(connection.exec_driver_sql(statement).scalars())


def explained(harness: EmailHarness, people: RandomSubscribers) -> dict[int, set[int]]:
    """Return per notification the addresses that no rule stops, asked for every subscriber one by one."""
    explain = harness.pipeline.explain
    numbers = {row.public_id: row.id for row in harness.pipeline.notices()}
    wanted: dict[int, set[int]] = {number: set() for number in numbers.values()}
    for name in people.addresses:
        for item in explain.recipient("inc-1", name)["notifications"]:
            if all(rule["passed"] for rule in item["rules"]):
                wanted[numbers[item["notification_id"]]].add(people.key(name))
    return wanted


@pytest.mark.parametrize("seed", range(2))
def test_the_audience_in_sql_is_what_the_rule_says_one_by_one(database: Database, seed: int) -> None:
    harness = build_harness(database, Provider(), batch_size=5)
    chance = Random(seed)
    people = RandomSubscribers(harness.pipeline, chance)
    people.add(PEOPLE, states=["active"] * 8 + ["pending", "unsubscribed"], limits=(None, 2, 4))
    compared = reached = 0
    for place in range(UPDATES):
        status = Status.RESOLVED if place == UPDATES - 1 else chance.choice(RUNNING)
        before = {row.id for row in harness.pipeline.notices()}
        harness.pipeline.post(status, **people.news())
        harness.pipeline.later(chance.choice((0, 61, 601)))
        harness.pipeline.plan_all()
        said = explained(harness, people)
        for number in sorted({row.id for row in harness.pipeline.notices()} - before):
            assert selected(harness, number) == said[number], (seed, place)
            reached += len(selected(harness, number))
            compared += 1
        harness.work()
        harness.later(chance.choice((61, 3_700)))
        people.change_preferences(4)
        if place == 1:
            people.suppress_and_opt_out(harness.pipeline.now)
    assert compared >= UPDATES // 2
    assert reached


class ChangingMinds(RecordingTaskQueue):
    """While the first people are nudged, all others choose what nobody had chosen before."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self.changed = False

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        super().attempt(queue, batch_ids)
        if not self.changed:
            self.changed = True
            with self._database.write() as connection:
                new = preferences.ensure(connection, Preferences(components=frozenset({"checkout"})))
                connection.execute(update(t.subscriber).values(preference_id=new))


def test_preferences_that_appear_while_an_audience_is_planned_are_judged_too(database: Database) -> None:
    tasks = ChangingMinds(database)
    pipeline = Pipeline(database, tasks=tasks)
    pipeline.plan = replace(pipeline.plan, tasks=tasks, first_range=1, range_size=1, row_range_size=1)
    names = {f"shop-{number}" for number in range(8)}
    for name in names:
        pipeline.subscriber(name)
    pipeline.post(Status.INVESTIGATING, components=("checkout",))
    pipeline.plan_all()
    assert tasks.changed
    assert set(pipeline.delivery_states(pipeline.notices()[0].id)) == names
