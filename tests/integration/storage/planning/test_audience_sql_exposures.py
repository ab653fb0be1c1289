"""What planning reads from the ledger about a recipient is what the pure rule says, for every past there can be."""

from collections.abc import Iterator
from itertools import product

import pytest
from sqlalchemy import update

from notifier.domain.ids import address_key
from notifier.domain.recipients.audience import Exposure, Preferences, PriorNotification, exposure_of
from notifier.domain.values import DeliveryState, Status
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries.deliveries import prior_notification
from notifier.storage.notifications.channel_history import Earlier
from notifier.storage.recipients import preferences
from tests.support.pipeline_harness import PEPPER, Pipeline

PASTS = [None, DeliveryState.ACCEPTED, DeliveryState.SUPERSEDED, DeliveryState.FAILED]
# What counts as one of those.
ALIKE = {DeliveryState.ACCEPTED: DeliveryState.SENDING, DeliveryState.SUPERSEDED: DeliveryState.QUEUED}
# Opened and over, open again and over, and open for the third time: number, start of its round, told of an end.
BEFORE = [(1, 1, False), (2, 1, True), (3, 3, False), (4, 3, True), (5, 5, False)]
Past = tuple[DeliveryState | None, ...]


def pasts() -> Iterator[Past]:
    for place, past in enumerate(product(PASTS, repeat=len(BEFORE))):
        yield tuple(ALIKE.get(state, state) if state and place % 2 else state for state in past)


def received(past: Past) -> list[PriorNotification]:
    earlier = [Earlier(id=0, sequence=number, episode_start=start, ends=ends) for number, start, ends in BEFORE]
    found = [prior_notification(each, state) for each, state in zip(earlier, past, strict=True) if state]
    return [each for each in found if each]


def expected(past: Past, last: Status) -> int | None:
    standing, since = exposure_of(received(past), episode_start=5)
    return None if last is Status.RESOLVED and standing is Exposure.NONE else since


@pytest.mark.parametrize("last", [Status.IDENTIFIED, Status.RESOLVED])
def test_planning_and_the_pure_rule_agree_about_every_past(database: Database, last: Status) -> None:
    pipeline = Pipeline(database)
    for status in (Status.INVESTIGATING, Status.RESOLVED) * 2 + (Status.INVESTIGATING,):
        pipeline.post(status)
        pipeline.later(120)
    people = {f"shop-{place}": past for place, past in enumerate(pasts())}
    with database.write() as connection:
        wanted = preferences.ensure(connection, Preferences())
        rows = [_subscriber(pipeline, name, wanted) for name in people]
        connection.execute(t.subscriber.insert(), rows)
        numbers = [row.id for row in pipeline.notices()]
        connection.execute(update(t.notification).values(state="planned"))
        connection.execute(t.batch.insert(), [_batch(number) for number in numbers])
        connection.execute(
            t.delivery.insert(),
            [
                {"notification_id": number, "recipient_key": _key(name), "state": state.value}
                | {"recipient_id": 0, "batch_id": number, "since": 0}
                for name, past in people.items()
                for number, state in zip(numbers, past, strict=True)
                if state is not None
            ],
        )
    pipeline.tasks.plans.clear()
    pipeline.post(last)
    pipeline.later(120)
    pipeline.plan_all()
    with database.read() as connection:
        planned = connection.execute(
            t.delivery.select().where(t.delivery.c.notification_id == pipeline.notices()[-1].id)
        ).all()
    since = {row.recipient_key: row.since for row in planned}
    for name, past in people.items():
        assert since.get(_key(name)) == expected(past, last), past


def _key(name: str) -> int:
    return address_key(PEPPER, f"{name}@example.com")


def _subscriber(pipeline: Pipeline, name: str, wanted: int) -> dict[str, object]:
    return {
        "external_id": name,
        "kind": "merchant",
        "email": f"{name}@example.com",
        "address_key": _key(name),
        "name": name,
        "locale": "en",
        "timezone": "Europe/Amsterdam",
        "state": "active",
        "preference_id": wanted,
        "legal_basis": "test",
        "created_at": pipeline.now,
        "updated_at": pipeline.now,
    }


def _batch(number: int) -> dict[str, object]:
    return {
        "id": number,
        "notification_id": number,
        "channel": "email",
        "lane": "email",
        "locale": "en",
        "since": 0,
        "size": 0,
        "state": "accepted",
        "settle": False,
    }
