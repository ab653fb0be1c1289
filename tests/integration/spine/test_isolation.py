"""One bad incident, plan, letter or chore never stops the others, and is given up in the end."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection

from notifier.domain.coalesce import CoalescePolicy
from notifier.domain.errors import UnavailableError
from notifier.domain.values import Channel, Status
from notifier.services.isolation import MOST_FAILURES, Isolation, Revive
from notifier.storage import alarms, dead_letters
from notifier.storage.engine import Database
from tests.mail_house import House, Provider, a_house, subscribe
from tests.spine import Spine

WINDOW = CoalescePolicy(window=60, max_window=600)


def guarded(database: Database) -> Spine:
    """Return a spine whose sweep and plan isolate, with a window to end."""
    spine = Spine(database, policies={Channel.EMAIL: WINDOW})
    alone = Isolation(database, spine.clock, spine.seconds)
    spine.sweep = replace(spine.sweep, isolate=alone)
    spine.plan = replace(spine.plan, isolate=alone)
    return spine


def alarmed(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row.key: row.detail for row in alarms.current(connection)}


def spoil(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(statement)


def test_an_incident_whose_content_cannot_be_parsed_does_not_stop_the_sweep(database: Database) -> None:
    spine = guarded(database)
    for incident in ("inc-1", "inc-2"):
        spine.post(Status.INVESTIGATING, incident_id=incident)
        spine.now += timedelta(seconds=1)
        spine.post(Status.IDENTIFIED, incident_id=incident)
    spine.nudges.plans.clear()
    spoil(database, "UPDATE incident_update SET incident = '{}' WHERE incident_id = 'inc-1'")
    for _ in range(3):
        spine.later(61)
    assert len(spine.nudges.plans) >= 1
    with database.read() as connection:
        told = connection.exec_driver_sql("SELECT incident_id, sequence FROM notification ORDER BY id").all()
    assert [tuple(row) for row in told] == [("inc-1", 1), ("inc-2", 1), ("inc-2", 2)]
    assert "KeyError, 3 times" in alarmed(database)["incident:inc-1"]


def test_what_fails_waits_longer_each_time_is_given_up_and_tried_again_by_a_new_start(database: Database) -> None:
    spine = Spine(database)
    alone = Isolation(database, spine.clock, spine.seconds)
    tries: list[timedelta] = []
    given_up: list[Connection] = []
    began = spine.now

    def work() -> int:
        tries.append(spine.now - began)
        raise KeyError("owner@example.org")

    while len(tries) < MOST_FAILURES:
        assert alone("letter", "7", work, given_up.append) is None
        spine.now += timedelta(seconds=1)
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=2)
    spine.now += timedelta(days=9)
    assert alone("letter", "7", work, given_up.append) is None
    assert (len(tries), len(given_up)) == (MOST_FAILURES, 1)
    assert "given up" in alarmed(database)["letter:7"]
    assert "owner" not in str(alarmed(database))
    spine.now += timedelta(seconds=1)
    revive = Revive(database, spine.clock)
    assert (revive(), revive()) == (1, 0)
    spine.now += timedelta(seconds=1)
    assert alone("letter", "7", lambda: 5) == 5
    assert alarmed(database) == {}
    with database.read() as connection:
        assert ("letter", "7") not in dead_letters.get_all(connection)


def test_a_database_that_is_away_is_nobodys_fault(database: Database) -> None:
    spine = Spine(database)

    def away() -> None:
        raise UnavailableError("database: gone")

    with pytest.raises(UnavailableError):
        Isolation(database, spine.clock)("chore", "calm", away)
    assert alarmed(database) == {}


def test_a_chore_that_fails_leaves_the_others_to_go_on(database: Database) -> None:
    spine = guarded(database)
    done: list[str] = []

    class Chore:
        def __init__(self, name: str, error: Exception | None = None) -> None:
            self.name, self.error = name, error

        def __call__(self) -> int:
            done.append(self.name)
            if self.error is not None:
                raise self.error
            return 1

    busy = Chore("busy", UnavailableError("database: a row is locked"))
    sweep = replace(spine.sweep, chores=(Chore("bad", KeyError("x")), Chore("good"), busy, Chore("last")))
    counts = sweep()
    assert done == ["bad", "good", "busy", "last"]
    assert (counts["good"], counts["last"], counts["bad"]) == (1, 1, 0)
    away = replace(sweep, chores=(busy, Chore("too", busy.error), Chore("never")))
    with pytest.raises(UnavailableError):
        away()
    assert done[4:] == ["busy", "too"]
    assert set(alarmed(database)) == {"chore:bad"}


def a_poisoned_plan(database: Database) -> tuple[House, Any]:
    house = a_house(database, provider := Provider(name="sendgrid"))
    alone = Isolation(database, house.spine.clock)
    house.spine.plan = replace(house.spine.plan, isolate=alone)
    house.spine.sweep = replace(house.spine.sweep, isolate=alone)
    subscribe(house, 1)
    house.spine.post(Status.INVESTIGATING)
    spoil(database, "UPDATE notification SET content = '{}' WHERE channel = 'email'")
    return house, provider


def test_a_plan_that_always_fails_is_given_up_and_the_next_message_tells_everything(database: Database) -> None:
    house, provider = a_poisoned_plan(database)
    house.work()
    for _ in range(MOST_FAILURES):
        house.later(601)
    with database.read() as connection:
        states = connection.exec_driver_sql("SELECT state FROM notification WHERE channel = 'email'").scalars().all()
    assert states == ["canceled"]
    house.spine.post(Status.RESOLVED, incident_id="inc-2")
    house.spine.post(Status.INVESTIGATING, incident_id="inc-3")
    house.work()
    assert len(provider.requests) == 1
