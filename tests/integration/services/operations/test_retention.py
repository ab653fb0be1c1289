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
from tests.support.email_harness import EmailHarness, Provider, build_harness, subscribe

DAY = 86_400.0
KEPT = Retention(deliveries=timedelta(days=90), events=timedelta(days=400), provider_events=None, audit=None)


@pytest.fixture
def harness(database: Database) -> EmailHarness:
    harness = build_harness(database, Provider(), batch_size=2)
    subscribe(harness, 7)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    return harness


def pruning_of(harness: EmailHarness, **changes: timedelta | None) -> Prune:
    kept = {"deliveries": KEPT.deliveries, "events": KEPT.events, "provider_events": None, "audit": None, **changes}
    return Prune(harness.pipeline.database, harness.pipeline.clock, Retention(**kept), chunk=3)


def rows(harness: EmailHarness) -> dict[str, int]:
    with harness.pipeline.database.read() as connection:
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


def resolve(harness: EmailHarness) -> None:
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    with harness.pipeline.database.write() as connection:  # partners and accounts: nobody is there to be told
        connection.execute(t.batch.update().where(t.batch.c.state == "queued").values(state="accepted", due_at=None))


def test_of_an_ended_incident_only_the_numbers_stay(harness: EmailHarness) -> None:
    resolve(harness)
    with harness.pipeline.database.write() as connection:
        connection.execute(
            t.suppression.insert().values(
                address_key=1, channel="email", reason="bounced", detail="", since=harness.pipeline.now
            )
        )
    history = History(harness.pipeline.database)
    before = history.notifications("inc-1")
    harness.pipeline.now += timedelta(days=91)
    removed = pruning_of(harness).all()
    assert removed["deliveries"] > 0
    left = rows(harness)
    assert [left[name] for name in ("delivery", "batch", "attempt", "plan_range", "verdict")] == [0] * 5
    assert (left["event"], left["suppression"]) == (2, 1)
    assert history.notifications("inc-1") == before
    assert any(item["counts"] == {"accepted": 7} for item in before)
    assert pruning_of(harness).all() == {}


def test_an_incident_that_still_runs_keeps_every_delivery_however_old(harness: EmailHarness) -> None:
    before = rows(harness)
    harness.pipeline.now += timedelta(days=200)
    assert pruning_of(harness).all() == {}
    assert rows(harness) == before


def test_a_step_is_bounded_and_one_that_was_broken_off_goes_on(harness: EmailHarness) -> None:
    resolve(harness)
    history = History(harness.pipeline.database)
    before = history.notifications("inc-1")
    harness.pipeline.now += timedelta(days=91)
    everything = rows(harness)["delivery"]
    pruning_of(harness).step()
    assert everything - rows(harness)["delivery"] == 3
    assert history.notifications("inc-1") == before
    pruning_of(harness).all()
    assert rows(harness)["delivery"] == 0
    assert history.notifications("inc-1") == before


def test_as_a_chore_it_does_a_step_a_beat_and_then_rests_for_a_day(harness: EmailHarness) -> None:
    prune = pruning_of(harness, events=timedelta(days=1))
    assert prune.run() == 0
    harness.pipeline.now += timedelta(hours=23)
    harness.pipeline.post(Status.IDENTIFIED)
    harness.pipeline.now += timedelta(hours=2)
    assert (prune.run(), rows(harness)["event"]) == (1, 1)
    assert prune.run() == 0
    harness.pipeline.now += timedelta(hours=23)
    assert prune.run() == 0
    harness.pipeline.now += timedelta(hours=2)
    assert (prune.run(), rows(harness)["event"]) == (1, 0)


def test_without_a_limit_nothing_goes(harness: EmailHarness) -> None:
    resolve(harness)
    harness.pipeline.now += timedelta(days=5000)
    assert pruning_of(harness, deliveries=None, events=None).all() == {}


def test_explain_says_that_it_is_forgotten_rather_than_guess(harness: EmailHarness) -> None:
    resolve(harness)
    harness.later(120 * DAY)
    pruning_of(harness).all()
    found = harness.pipeline.explain.recipient("inc-1", "shop-1")
    assert [item["told"] for item in found["notifications"]] == [None, None]
    assert "it is forgotten who was told" in found["notifications"][0]["words"]
    assert found["summary"].startswith("It is so long ago that it is forgotten")
