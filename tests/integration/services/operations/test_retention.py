"""Retention: what is old goes a little at a time, the numbers stay, and nobody is left hanging."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from notifier.domain.messages.brand import Retention
from notifier.domain.values import Status
from notifier.services.inspection.history import History
from notifier.services.operations.retention import Prune
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.support.email_harness import House, Provider, a_house, subscribe

DAY = 86_400.0
KEPT = Retention(deliveries=timedelta(days=90), events=timedelta(days=400), provider_events=None, audit=None)


@pytest.fixture
def house(database: Database) -> House:
    house = a_house(database, Provider(), batch_size=2)
    subscribe(house, 7)
    house.pipeline.post(Status.INVESTIGATING)
    house.work()
    return house


def pruning_of(house: House, **changes: timedelta | None) -> Prune:
    kept = {"deliveries": KEPT.deliveries, "events": KEPT.events, "provider_events": None, "audit": None, **changes}
    return Prune(house.pipeline.database, house.pipeline.clock, Retention(**kept), chunk=3)


def rows(house: House) -> dict[str, int]:
    with house.pipeline.database.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (
                t.delivery,
                t.batch,
                t.attempt,
                t.plan_range,
                t.verdict,
                t.notification,
                t.event,
                t.suppression,
            )
        }


def resolve(house: House) -> None:
    house.pipeline.post(Status.RESOLVED)
    house.work()
    with house.pipeline.database.write() as connection:  # partners and accounts: nobody is there to be told
        connection.execute(t.batch.update().where(t.batch.c.state == "queued").values(state="accepted", due_at=None))


def test_of_an_ended_incident_only_the_numbers_stay(house: House) -> None:
    resolve(house)
    with house.pipeline.database.write() as connection:
        connection.execute(
            t.suppression.insert().values(
                address_key=1, channel="email", reason="bounced", detail="", since=house.pipeline.now
            )
        )
    history = History(house.pipeline.database)
    before = history.notifications("inc-1")
    house.pipeline.now += timedelta(days=91)
    removed = pruning_of(house).all()
    assert removed["deliveries"] > 0
    left = rows(house)
    assert [left[name] for name in ("delivery", "batch", "attempt", "plan_range", "verdict")] == [0] * 5
    assert (left["event"], left["suppression"]) == (2, 1)
    assert history.notifications("inc-1") == before
    assert any(item["counts"] == {"accepted": 7} for item in before)
    assert pruning_of(house).all() == {}


def test_an_incident_that_still_runs_keeps_every_delivery_however_old(house: House) -> None:
    before = rows(house)
    house.pipeline.now += timedelta(days=200)
    assert pruning_of(house).all() == {}
    assert rows(house) == before


def test_a_step_is_bounded_and_one_that_was_broken_off_goes_on(house: House) -> None:
    resolve(house)
    history = History(house.pipeline.database)
    before = history.notifications("inc-1")
    house.pipeline.now += timedelta(days=91)
    everything = rows(house)["delivery"]
    pruning_of(house).step()
    assert everything - rows(house)["delivery"] == 3
    assert history.notifications("inc-1") == before
    pruning_of(house).all()
    assert rows(house)["delivery"] == 0
    assert history.notifications("inc-1") == before


def test_as_a_chore_it_does_a_step_a_beat_and_then_rests_for_a_day(house: House) -> None:
    prune = pruning_of(house, events=timedelta(days=1))
    assert prune.run() == 0
    house.pipeline.now += timedelta(hours=23)
    house.pipeline.post(Status.IDENTIFIED)
    house.pipeline.now += timedelta(hours=2)
    assert (prune.run(), rows(house)["event"]) == (1, 1)
    assert prune.run() == 0
    house.pipeline.now += timedelta(hours=23)
    assert prune.run() == 0
    house.pipeline.now += timedelta(hours=2)
    assert (prune.run(), rows(house)["event"]) == (1, 0)


def test_without_a_limit_nothing_goes(house: House) -> None:
    resolve(house)
    house.pipeline.now += timedelta(days=5000)
    assert pruning_of(house, deliveries=None, events=None).all() == {}


def test_explain_says_that_it_is_forgotten_rather_than_guess(house: House) -> None:
    resolve(house)
    house.later(120 * DAY)
    pruning_of(house).all()
    found = house.pipeline.explain.recipient("inc-1", "shop-1")
    assert [item["told"] for item in found["notifications"]] == [None, None]
    assert "it is forgotten who was told" in found["notifications"][0]["words"]
    assert found["summary"].startswith("It is so long ago that it is forgotten")
