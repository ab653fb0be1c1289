"""One bad incident, plan, letter or chore never stops the others, and is given up in the end."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Connection, and_, select, update

from notifier.domain.errors import UnavailableError
from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.messages.brand import Account
from notifier.domain.providers.retry import most_attempts
from notifier.domain.values import Channel, Platform, Status
from notifier.services.dispatch.attempt import Attempt
from notifier.services.isolation import MOST_FAILURES, Isolation, Revive
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import alerts, dead_letters
from tests.sandbox_server import running_sandbox
from tests.support.email_harness import EmailHarness, Provider, build_harness, subscribe
from tests.support.fake_endpoints import down, endpoint_harness, url_of
from tests.support.pipeline_harness import Pipeline
from tests.support.social_harness import social_harness

WINDOW = CoalescePolicy(window=60, max_window=600)


def guarded(database: Database) -> Pipeline:
    """Return a spine whose sweep and plan isolate, with a window to end."""
    pipeline = Pipeline(database, policies={Channel.EMAIL: WINDOW})
    alone = Isolation(database, pipeline.clock, pipeline.seconds)
    pipeline.sweep = replace(pipeline.sweep, isolate=alone)
    pipeline.plan = replace(pipeline.plan, isolate=alone)
    return pipeline


def current_alerts(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {row.key: row.detail for row in alerts.current(connection)}


def spoil(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(statement)


def test_an_incident_whose_content_cannot_be_parsed_does_not_stop_the_sweep(database: Database) -> None:
    pipeline = guarded(database)
    for incident in ("inc-1", "inc-2"):
        pipeline.post(Status.INVESTIGATING, incident_id=incident)
        pipeline.now += timedelta(seconds=1)
        pipeline.post(Status.IDENTIFIED, incident_id=incident)
    pipeline.tasks.plans.clear()
    spoil(database, "UPDATE incident_update SET incident = '{}' WHERE incident_id = 'inc-1'")
    for _ in range(3):
        pipeline.later(61)
    assert len(pipeline.tasks.plans) >= 1
    with database.read() as connection:
        told = connection.exec_driver_sql("SELECT incident_id, sequence FROM notification ORDER BY id").all()
    assert [tuple(row) for row in told] == [("inc-1", 1), ("inc-2", 1), ("inc-2", 2)]
    assert "KeyError, 3 times" in current_alerts(database)["incident:inc-1"]


def test_what_fails_waits_longer_each_time_is_given_up_and_tried_again_by_a_new_start(database: Database) -> None:
    pipeline = Pipeline(database)
    alone = Isolation(database, pipeline.clock, pipeline.seconds)
    tries: list[timedelta] = []
    given_up: list[Connection] = []
    began = pipeline.now

    def work() -> int:
        tries.append(pipeline.now - began)
        raise KeyError("owner@example.org")

    while len(tries) < MOST_FAILURES:
        assert alone.run("letter", "7", work, given_up.append) is None
        pipeline.now += timedelta(seconds=1)
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=2)
    pipeline.now += timedelta(days=9)
    assert alone.run("letter", "7", work, given_up.append) is None
    assert (len(tries), len(given_up)) == (MOST_FAILURES, 1)
    assert "given up" in current_alerts(database)["letter:7"]
    assert "owner" not in str(current_alerts(database))
    pipeline.now += timedelta(seconds=1)
    revive = Revive(database, pipeline.clock)
    assert (revive.run(), revive.run()) == (1, 0)
    pipeline.now += timedelta(seconds=1)
    assert alone.run("letter", "7", lambda: 5) == 5
    assert current_alerts(database) == {}
    with database.read() as connection:
        assert ("letter", "7") not in dead_letters.get_all(connection)


def test_a_database_that_is_away_is_nobodys_fault(database: Database) -> None:
    pipeline = Pipeline(database)

    def away() -> None:
        raise UnavailableError("database: gone")

    with pytest.raises(UnavailableError):
        Isolation(database, pipeline.clock).run("chore", "calm", away)
    assert current_alerts(database) == {}


def test_a_chore_that_fails_leaves_the_others_to_go_on(database: Database) -> None:
    pipeline = guarded(database)
    done: list[str] = []

    class Chore:
        def __init__(self, name: str, error: Exception | None = None) -> None:
            self.name, self.error = name, error

        def run(self) -> int:
            done.append(self.name)
            if self.error is not None:
                raise self.error
            return 1

    busy = Chore("busy", UnavailableError("database: a row is locked"))
    sweep = replace(pipeline.sweep, chores=(Chore("bad", KeyError("x")), Chore("good"), busy, Chore("last")))
    counts = sweep.run()
    assert done == ["bad", "good", "busy", "last"]
    assert (counts["good"], counts["last"], counts["bad"]) == (1, 1, 0)
    away = replace(sweep, chores=(busy, Chore("too", busy.error), Chore("never")))
    with pytest.raises(UnavailableError):
        away.run()
    assert done[4:] == ["busy", "too"]
    assert set(current_alerts(database)) == {"chore:bad"}


def a_poisoned_plan(database: Database) -> tuple[EmailHarness, Any]:
    harness = build_harness(database, provider := Provider(name="sendgrid"))
    alone = Isolation(database, harness.pipeline.clock)
    harness.pipeline.plan = replace(harness.pipeline.plan, isolate=alone)
    harness.pipeline.sweep = replace(harness.pipeline.sweep, isolate=alone)
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    spoil(database, "UPDATE notification SET content = '{}' WHERE channel = 'email'")
    return harness, provider


def test_a_plan_that_always_fails_is_given_up_and_the_next_message_tells_everything(database: Database) -> None:
    harness, provider = a_poisoned_plan(database)
    harness.work()
    for _ in range(MOST_FAILURES):
        harness.later(601)
    with database.read() as connection:
        states = connection.exec_driver_sql("SELECT state FROM notification WHERE channel = 'email'").scalars().all()
    assert states == ["canceled"]
    harness.pipeline.post(Status.RESOLVED, incident_id="inc-2")
    harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-3")
    harness.work()
    assert len(provider.requests) == 1


class Workers:
    """Attempts batches as tasks do: a fault ends the task and nothing else."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt, self.met = attempt, 0

    def run(self, batch_id: int) -> None:
        try:
            self._attempt.run(batch_id)
        except KeyError:
            self.met += 1


def alert_text(incident_id: str, channel: Channel) -> ColumnElement[bool]:
    n = t.notification.c
    return and_(n.incident_id == incident_id, n.channel == channel.value)


def poison(database: Database, channel: Channel, incident_id: str) -> None:
    """Spoil what a planned notification says."""
    with database.write() as connection:
        connection.execute(update(t.notification).where(alert_text(incident_id, channel)).values(content={}))


def batches_of(database: Database, incident_id: str, channel: Channel) -> list[tuple[Any, ...]]:
    b = t.batch.c
    statement = select(b.state, b.reason, b.attempts).join(t.notification, t.notification.c.id == b.notification_id)
    with database.read() as connection:
        return [
            tuple(row) for row in connection.execute(statement.where(alert_text(incident_id, channel)).order_by(b.id))
        ]


def alert_of(database: Database, incident_id: str, channel: Channel) -> str:
    with database.read() as connection:
        statement = select(t.notification.c.public_id).where(alert_text(incident_id, channel))
        public_id = connection.execute(statement).scalar_one()
    return current_alerts(database).get(f"notification:{public_id}", "")


@contextmanager
def mails(database: Database) -> Iterator[tuple[Any, Channel]]:
    harness = build_harness(database, Provider(name="sendgrid"))
    subscribe(harness, 1)
    yield harness, Channel.EMAIL


@contextmanager
def posts(database: Database) -> Iterator[tuple[Any, Channel]]:
    account = Account(name="acc-de", platform=Platform.MASTODON, locale="en", with_card=False)
    with running_sandbox() as sandbox, social_harness(database, sandbox, account) as harness:
        yield harness, Channel.SOCIAL


@contextmanager
def webhooks(database: Database) -> Iterator[tuple[Any, Channel]]:
    harness = endpoint_harness(database)
    harness.endpoint("one")
    yield harness, Channel.WEBHOOK


@pytest.mark.parametrize("workers", [mails, posts, webhooks])
def test_a_batch_whose_content_makes_no_sense_is_counted_alarmed_and_given_up_and_the_others_go(
    database: Database, workers: Callable[[Database], AbstractContextManager[tuple[Any, Channel]]]
) -> None:
    with workers(database) as (harness, channel):
        met = harness.attempt = Workers(harness.attempt)
        harness.pipeline.post(Status.INVESTIGATING)
        harness.pipeline.plan_all()
        harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")
        poison(database, channel, "inc-1")
        harness.work()
        assert [row[0] for row in batches_of(database, "inc-2", channel)] == ["accepted"]
        assert batches_of(database, "inc-1", channel) == [("queued", "fault", 1)]
        assert "KeyError, 1 times" in alert_of(database, "inc-1", channel)
        harness.later(2)
        for _ in range(most_attempts(channel) + 3):
            harness.later(601)
        assert met.met == most_attempts(channel)
        assert batches_of(database, "inc-1", channel) == [("failed", "gave_up", most_attempts(channel))]
        assert "given up" in alert_of(database, "inc-1", channel)


def test_what_can_be_read_again_goes_out_and_ends_its_alarm(database: Database) -> None:
    harness: Any = build_harness(database, provider := Provider(name="sendgrid"))
    subscribe(harness, 1)
    harness.attempt = Workers(harness.attempt)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with database.read() as connection:
        content = connection.exec_driver_sql("SELECT content FROM notification WHERE channel = 'email'").scalar_one()
    poison(database, Channel.EMAIL, "inc-1")
    harness.work()
    assert current_alerts(database)
    with database.write() as connection:
        connection.execute(
            update(t.notification).values(content=json.loads(content) if isinstance(content, str) else content)
        )
    harness.later(2)
    assert (len(provider.requests), current_alerts(database)) == (1, {})


def test_a_later_round_does_not_fail_over_an_earlier_message_that_makes_no_sense(database: Database) -> None:
    harness = build_harness(database, provider := Provider(name="sendgrid"))
    subscribe(harness, 1)
    for status in (Status.INVESTIGATING, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.later(61)
    poison(database, Channel.EMAIL, "inc-1")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.later(61)
    assert len(provider.requests) == 3


def test_a_webhook_delivery_that_cannot_be_gathered_fails_alone(database: Database) -> None:
    harness = endpoint_harness(database)
    alone = Isolation(database, harness.pipeline.clock)
    harness.pipeline.regroup = replace(harness.pipeline.regroup, isolate=alone)
    harness.pipeline.sweep = replace(harness.pipeline.sweep, isolate=alone, regroup=harness.pipeline.regroup)
    numbers = {name: harness.endpoint(name) for name in ("one", "two")}
    harness.line.answers = dict.fromkeys(map(url_of, numbers), down)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    with database.write() as connection:
        row = dict(connection.execute(select(t.batch).where(t.batch.c.channel == "webhook")).one()._mapping)
        connection.execute(t.batch.insert().values(row | {"id": row["id"] + 77, "channel": "telex"}))
        mine = t.delivery.c.recipient_key == numbers["one"]
        connection.execute(update(t.delivery).where(mine).values(batch_id=row["id"] + 77))
    harness.line.answers.clear()
    harness.later(5)
    assert harness.states("two") == [("accepted", None, 2)]
    assert harness.states("one")[0][0] == "queued"
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    for _ in range(MOST_FAILURES):
        harness.later(601)
    assert [state for state, *_ in harness.states("one")] == ["failed", "accepted"]
    assert any("given up" in said for said in current_alerts(database).values())


def test_an_endpoint_whose_row_makes_no_sense_does_not_stop_the_others_of_its_batch(database: Database) -> None:
    harness = endpoint_harness(database)
    for name in ("one", "two", "three"):
        harness.endpoint(name)
    spoil(database, "UPDATE endpoint SET format = 'telex' WHERE public_id = 'end_one'")
    spoil(database, "UPDATE endpoint SET types = '5' WHERE public_id = 'end_two'")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert harness.states("three") == [("accepted", None, 1)]
    assert harness.states("one") == harness.states("two") == [("queued", "fault", 1)]
    assert set(current_alerts(database)) == {"webhook:end_one:fault", "webhook:end_two:fault"}
    spoil(database, "UPDATE endpoint SET format = 'standard' WHERE public_id = 'end_one'")
    harness.later(6)
    assert harness.states("one") == [("accepted", None, 2)]
    harness.hooks.warm()  # a new start: what still fails says so again
    harness.later(31)
    assert set(current_alerts(database)) == {"webhook:end_two:fault"}
