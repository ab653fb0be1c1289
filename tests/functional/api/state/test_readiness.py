import asyncio
import sqlite3
import threading

from sqlalchemy import event, text

from notifier.api.state.readiness import SLOW_SECONDS, Look
from notifier.doctor.checkup import check_up
from tests.functional.api.api_client import Api, an_event

OPEN = {"Authorization": ""}


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
        self.says: str | None = None
        self.looks, self.now = 0, 100.0
        self.answers = threading.Event()
        self.answers.set()
        self.look = Look(self, lambda: self.now)

    def trouble(self) -> str | None:
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
