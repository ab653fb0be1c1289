"""Webhooks on the ledger: order, the latest, retries, and what a vanished worker leaves behind."""

from typing import Any

import pytest

from notifier.domain.errors import TransientDeliveryError
from notifier.domain.values import Channel, Reason, Status
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries
from notifier.storage.recipients import endpoints
from tests.support.fake_endpoints import WorkerVanished, down, endpoint_harness, url_of


def updates_in(messages: list[dict[str, Any]]) -> list[tuple[int, list[str]]]:
    """Sequence and updates of each message."""
    return [(item["data"]["sequence"], [update["id"] for update in item["data"]["updates"]]) for item in messages]


def test_who_takes_the_first_attempt_has_one_line_in_the_ledger_and_shares_the_batchs_state(database: Database) -> None:
    harness = endpoint_harness(database)
    for name in ("one", "two", "three"):
        harness.endpoint(name)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for name in ("one", "two", "three"):
        assert harness.states(name) == [("accepted", None, 1)]
        assert harness.tries(name) == [(1, "accepted", None)]
        assert harness.row(name).last_success_at == harness.pipeline.now


def test_a_failed_attempt_is_repeated_on_schedule_with_the_same_id_until_it_is_taken(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("weak")
    harness.endpoint("sound")
    harness.line.answers[url_of("weak")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    assert harness.states("weak") == [("queued", "server_error", 1)]
    assert harness.states("sound") == [("accepted", None, 1)]
    harness.later(4)
    assert len(harness.posted("weak")) == 1
    harness.later(1)
    harness.later(29)
    assert len(harness.posted("weak")) == 2
    harness.line.answers.clear()
    harness.later(1)
    assert harness.states("weak") == [("accepted", None, 3)]
    assert len({request.delivery_id for request in harness.posted("weak")}) == 1
    assert harness.tries("weak") == [(1, "retry", "server_error"), (2, "retry", "server_error"), (3, "accepted", None)]
    assert len(harness.posted("sound")) == 1


def test_the_last_failure_of_the_schedule_gives_up(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("dead")
    harness.line.answers[url_of("dead")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for wait in (5, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400):
        harness.later(wait)
    assert harness.states("dead") == [("failed", "gave_up", 11)]


def test_with_every_updates_arrive_in_order_each_said_once(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("ordered")
    harness.line.answers[url_of("ordered")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.pipeline.now = harness.pipeline.now.replace(second=1)
    harness.pipeline.post(Status.IDENTIFIED)
    harness.work()
    assert harness.states("ordered") == [("queued", "server_error", 1), ("queued", "waiting_for_earlier", 0)]
    harness.line.answers.clear()
    harness.later(5)
    assert harness.states("ordered") == [("accepted", None, 2), ("accepted", None, 1)]
    assert updates_in(harness.received("ordered")) == [(1, ["upd-1"]), (1, ["upd-1"]), (2, ["upd-2"])]


def test_with_latest_an_overtaken_update_is_replaced_by_the_one_that_tells_both(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("hurried", mode="latest")
    harness.line.answers[url_of("hurried")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.pipeline.now = harness.pipeline.now.replace(second=4)
    harness.pipeline.post(Status.IDENTIFIED)
    harness.work()
    assert [state for state, _, _ in harness.states("hurried")] == ["queued", "queued"]
    harness.line.answers.clear()
    harness.later(1)  # the older one's retry is due: the newer one goes in its place, before its own time
    assert harness.states("hurried") == [("superseded", "newer_update", 1), ("accepted", None, 2)]
    assert updates_in(harness.received("hurried"))[-1] == (2, ["upd-1", "upd-2"])
    assert len(harness.posted("hurried")) == 3


def test_with_latest_an_update_the_endpoint_does_not_want_replaces_nothing(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("choosy", mode="latest", types=["incident.created"])
    harness.line.answers[url_of("choosy")] = down
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.pipeline.post(Status.IDENTIFIED)
    harness.work()
    harness.line.answers.clear()
    harness.later(5)
    assert harness.states("choosy") == [("accepted", None, 2), ("canceled", "not_wanted", 0)]


def test_types_leave_out_what_the_endpoint_does_not_want(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("typed", types=["incident.created", "incident.resolved"])
    for status in (Status.INVESTIGATING, Status.IDENTIFIED, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
    assert [message["type"] for message in harness.received("typed")] == ["incident.created", "incident.resolved"]
    assert harness.states("typed")[1][0] == "canceled"


def test_who_wants_the_end_only_by_type_is_told_the_end(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("typed", types=["incident.resolved"])
    for status in (Status.INVESTIGATING, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
    assert [message["type"] for message in harness.received("typed")] == ["incident.resolved"]


def test_a_receivers_own_wait_is_kept(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("busy")
    from_the_answer = harness.pipeline.now.resolution * 120_000_000
    harness.line.answers[url_of("busy")] = lambda _: TransientDeliveryError(
        Reason.RATE_LIMITED, "HTTP 429", status=429, retry_after=from_the_answer
    )
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.line.answers.clear()
    harness.later(119)
    assert len(harness.posted("busy")) == 1
    harness.later(1)
    assert harness.states("busy") == [("accepted", None, 2)]


def test_after_a_worker_vanished_only_those_without_a_recorded_answer_hear_again_by_the_same_id(
    database: Database,
) -> None:
    harness = endpoint_harness(database)
    names = [f"p{number}" for number in range(6)]
    for name in names:
        harness.endpoint(name)
    harness.line.dies_after = 2
    harness.pipeline.post(Status.INVESTIGATING)
    with pytest.raises(WorkerVanished):
        harness.work()
    harness.line.dies_after = None
    harness.lease_ends()
    assert [len(harness.posted(name)) for name in names] == [1, 1, 2, 2, 2, 2]
    for name in names:
        assert len({request.delivery_id for request in harness.posted(name)}) == 1
        assert harness.states(name)[0][0] == "accepted"
    assert harness.states("p0") == [("accepted", None, 1)]
    assert harness.states("p5") == [("accepted", None, 2)]
    assert harness.tries("p5") == [(2, "accepted", None)]


def test_a_disabled_endpoint_gets_nothing_that_was_planned_before(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("off")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE endpoint SET state = 'disabled'")
    harness.work()
    assert harness.states("off") == [("canceled", "endpoint_disabled", 0)]
    assert harness.posted("off") == []


def test_an_endpoint_that_was_removed_meanwhile_counts_as_canceled_not_as_told(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("here")
    number = harness.endpoint("gone")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with database.write() as connection:
        endpoints.remove(connection, number)
    harness.work()
    (notice,) = harness.pipeline.notices(Channel.WEBHOOK)
    with database.read() as connection:
        rows = deliveries.list_of(connection, notice.id, states=(), after_key=None, limit=10)
    assert [(row.state, row.reason) for row in rows] == [("accepted", None), ("canceled", "endpoint_disabled")]
