import asyncio
import sqlite3
import threading
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text

from notifier.api.state.metrics import LEDGER_SECONDS
from notifier.api.state.readiness import SLOW_SECONDS, Look
from notifier.doctor.checkup import check_up
from notifier.domain.errors import UnavailableError
from notifier.services.operations.broker_watch import WatchBroker
from tests.functional.api.api_client import Api, a_subscriber, an_event, announced
from tests.functional.api.payloads import a_mail_event, as_batch

OPEN = {"Authorization": ""}


def metrics(api: Api) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = api.get("/metrics", headers=OPEN)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_process_that_runs_is_live(api: Api) -> None:
    answer = api.get("/healthz", headers=OPEN)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_probes_may_ask_for_the_head_alone(api: Api) -> None:
    for path in ("/healthz", "/readyz"):
        answer = api.client.head(path, headers=OPEN)
        assert (answer.status_code, answer.content) == (200, b"")


def test_intake_is_ready_without_a_broker_and_says_that_it_is_away(api_anywhere: Api) -> None:
    answer = api_anywhere.get("/readyz", headers=OPEN)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "broker": "the broker does not answer"}}
    assert api_anywhere.post("/v1/events", json=an_event()).status_code == 202


def test_a_database_that_answers_and_takes_nothing_is_not_ready(api: Api) -> None:
    def only_for_reading(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    event.listen(api.container.database.engine, "connect", only_for_reading)
    api.container.database.engine.dispose()
    assert api.get("/v1/incidents").status_code == 200
    answer = api.get("/readyz", headers=OPEN)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert "readonly" in answer.json()["detail"]
    assert "readonly" in answer.json()["checks"]["database"]
    (found,) = [one for one in check_up(api.container) if one.name == "database"]
    assert (found.state, "is not writable" in found.message) == ("bad", True)


def test_a_schema_of_another_version_is_not_ready(api: Api) -> None:
    with api.container.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "notifier db upgrade" in api.get("/readyz").json()["detail"]


class Store:
    """A store that says what it is told to, when it is told to; and a clock."""

    def __init__(self) -> None:
        self.says, self.looks, self.now = "ok", 0, 100.0
        self.answers = threading.Event()
        self.answers.set()
        self.look = Look(self._said, lambda: self.now)

    def _said(self) -> str:
        self.looks += 1
        assert self.answers.wait(30)
        return self.says


def test_a_store_is_looked_at_once_a_second_at_most() -> None:
    async def ask() -> None:
        store = Store()
        assert await asyncio.gather(*(store.look.ask() for _ in range(5))) == ["ok"] * 5
        assert store.looks == 1
        store.says = "full"
        assert await store.look.ask() == "ok"
        store.now += 1.1
        assert await store.look.ask() == "full"
        assert store.looks == 2

    asyncio.run(ask())


def test_a_slow_store_delays_no_probe_until_it_counts_as_away() -> None:
    async def ask() -> None:
        store = Store()
        await store.look.ask()
        store.answers.clear()
        store.now += 1.1
        assert await store.look.ask() == "ok"
        store.now += SLOW_SECONDS
        assert "no answer" in await store.look.ask()
        store.answers.set()
        async with asyncio.timeout(10):
            while await store.look.ask() != "ok":  # noqa: ASYNC110 - what is waited for is this answer
                await asyncio.sleep(0.01)

    asyncio.run(ask())


class Broker:
    """Says one thing after the other."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)

    def trouble(self) -> str | None:
        return self.answers.pop(0)


def test_what_waits_for_a_broker_longer_than_a_minute_is_an_alarm_until_it_takes_messages(api_anywhere: Api) -> None:
    container = api_anywhere.container
    says, later = "the broker takes no messages: OOM", container.clock() + timedelta(minutes=2)
    broker = Broker(says, says, None, None)
    api_anywhere.post("/v1/subscribers", json=a_subscriber())
    api_anywhere.post("/v1/events", json=an_event())
    watch = WatchBroker(container.database, lambda: now, broker)
    for minutes, changed, alerts_raised in ((-2, 0, 0), (0, 1, 1), (1, 0, 1), (2, 1, 0), (3, 0, 0)):
        now = later + timedelta(minutes=minutes)
        assert watch.run() == changed
        standing = [finding for finding in check_up(container) if says in finding.message]
        assert len(standing) == alerts_raised
    assert broker.answers == []


def test_metrics_count_what_was_done_and_what_is_there(api_anywhere: Api) -> None:
    announced(api_anywhere)
    api_anywhere.post("/v1/inbound/sendgrid/events", content=as_batch(a_mail_event(1, "bounce", type="blocked")))
    found = metrics(api_anywhere)
    assert found["notifier_database_up", ()] == 1
    assert found["notifier_incidents", (("status", "investigating"),)] == 1
    assert found["notifier_events_known", (("outcome", "accepted"),)] == 1
    assert found["notifier_notifications", (("channel", "email"), ("state", "planned"))] == 1
    assert found["notifier_provider_events_total", (("kind", "blocked"),)] == 1
    assert found["notifier_events_total", (("outcome", "accepted"), ("source", "api"))] == 1
    labels = (("method", "POST"), ("route", "/v1/subscribers"), ("status", "201"))
    assert found["notifier_http_requests_total", labels] == 3


def test_no_caller_can_make_labels_up(api: Api) -> None:
    for path in ("/nowhere/1", "/nowhere/2", "/v1/incidents/a", "/v1/incidents/b"):
        api.get(path)
    api.client.request("BREW", "/healthz")
    routes = {dict(labels)["route"] for name, labels in metrics(api) if name == "notifier_http_requests_total"}
    assert routes == {"unmatched", "/v1/incidents/{incident_id}", "/healthz"}


def test_a_scrape_reads_the_ledger_every_few_seconds_at_most(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics(api)
    api.post("/v1/events", json=an_event())
    assert ("notifier_incidents", (("status", "investigating"),)) not in metrics(api)
    collector = api.runtime.meters.ledger
    monkeypatch.setattr(collector, "_clock", lambda: collector._until + LEDGER_SECONDS)
    assert metrics(api)["notifier_incidents", (("status", "investigating"),)] == 1


def test_metrics_go_on_without_the_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise UnavailableError("database: gone")

    monkeypatch.setattr(api.runtime.meters.ledger, "_read", away)
    found = metrics(api)
    assert found["notifier_database_up", ()] == 0
    assert not any(name == "notifier_incidents" for name, _ in found)
