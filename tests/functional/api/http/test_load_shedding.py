import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import pytest

from notifier.api.app import build_runtime
from notifier.api.http.load_shedding import LoadShedder
from notifier.api.http.problems import OverloadedError
from notifier.domain.errors import UnavailableError
from notifier.domain.incidents.incident import Event
from notifier.services.events.ingest import Receipt
from notifier.services.security.audit import Actor
from tests.functional.api.api_client import Api, FakeIngest, an_event
from tests.functional.api.payloads import a_mail_event, alert_group, an_alert, as_batch, statuspage, statuspage_update

NOW = datetime(2022, 6, 21, 8, 34, tzinfo=UTC)


def test_more_than_can_be_done_is_asked_to_come_again_and_what_was_taken_is_there(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.rewire(build_runtime(api.container, LoadShedder(at_once=1, waiting=2)))
    take, full, release = api.container.ingest.take, threading.Barrier(2), threading.Event()

    def slowly(event: Event) -> Receipt:
        if event.id == "evt-0":
            full.wait(10)
            release.wait(10)
        return take(event)

    monkeypatch.setitem(api.container.__dict__, "ingest", FakeIngest(slowly))
    bodies = [json.dumps(an_event(number, incident={"id": f"inc-{number}"})) for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(api.client.post, "/v1/events", content=bodies[0])
        full.wait(10)
        others = [pool.submit(api.client.post, "/v1/events", content=body) for body in bodies[1:]]
        shed = [future.result() for future in _first_done(others, 9)]
        release.set()
        answers = [first.result(), *(future.result() for future in others)]
    assert {answer.status_code for answer in shed} == {503}
    assert all(answer.headers["retry-after"] == "1" for answer in shed)
    taken = {answer.json()["event_id"] for answer in answers if answer.status_code == 202}
    assert len(taken) == 3
    known = {item["id"].replace("inc", "evt") for item in api.get("/v1/incidents").json()["items"]}
    assert known == taken


def _first_done(futures: list[Any], number: int) -> list[Any]:
    """Wait until so many have an answer; returns those."""
    load_shedder = threading.Semaphore(0)
    for future in futures:
        future.add_done_callback(lambda _: load_shedder.release())
    for _ in range(number):
        assert load_shedder.acquire(timeout=10)
    return [future for future in futures if future.done()]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/inbound/sendgrid/events", as_batch(a_mail_event(1, "delivered"))),
        ("/v1/events", json.dumps(an_event()).encode()),
    ],
)
def test_a_store_that_is_away_is_a_503_that_every_sender_repeats(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    def away() -> None:
        raise UnavailableError("database: connection refused")

    monkeypatch.setattr(api.container.database, "write", away)
    answer = api.post(path, content=body)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.undo()
    assert api.post(path, content=body).status_code in {200, 202}


@contextmanager
def taken(api: Api, load_shedder: LoadShedder, places: int, who: str | None = None) -> Iterator[None]:
    """Keep so many places of a gate taken, by one caller."""
    inside, release = threading.Semaphore(0), threading.Event()

    def stay() -> None:
        inside.release()
        release.wait(30)

    portal = api.client.portal
    assert portal is not None
    staying = [portal.start_task_soon(partial(load_shedder.run, stay, who=who)) for _ in range(places)]
    try:
        for _ in range(places):
            assert inside.acquire(timeout=10)
        yield
    finally:
        release.set()
        for each in staying:
            each.result(10)


def test_imports_take_turns(api: Api) -> None:
    text = {"Content-Type": "text/csv"}
    with taken(api, api.runtime.import_shedder, 2):
        answer = api.post("/v1/subscribers/import", content=b"external_id\nshop-1\n", headers=text)
        assert answer.status_code == 503
    assert api.post("/v1/subscribers/import", content=b"external_id\nshop-1\n", headers=text).status_code == 200


def test_one_callers_flood_leaves_places_for_the_others() -> None:
    async def crowd() -> list[str]:
        load_shedder, release = LoadShedder(at_once=1, waiting=15), threading.Event()
        answers: list[str] = []

        async def ask(who: str) -> None:
            try:
                await load_shedder.run(lambda: release.wait(10), who=who)
            except OverloadedError:
                answers.append(who)

        async with anyio.create_task_group() as tasks:
            for who in ["flood"] * 14 + ["calm"] * 4:
                tasks.start_soon(ask, who)
            await anyio.wait_all_tasks_blocked()
            release.set()
        return answers

    assert anyio.run(crowd) == ["flood"] * 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/inbound/statuspage/own", json.dumps(statuspage(statuspage_update(1, "identified", "Slow.", at=NOW)))),
        ("/v1/inbound/alertmanager/prom", json.dumps(alert_group(an_alert(at=NOW)))),
        ("/v1/inbound/sendgrid/events", as_batch(a_mail_event(1, "delivered"))),
    ],
)
def test_a_source_that_floods_leaves_the_others_their_places(api: Api, path: str, body: str | bytes) -> None:
    flood, other = (api.container.api_keys.create(n, ["publish"], Actor("tests", "here")) for n in ("flood", "other"))
    load_shedder = LoadShedder(at_once=4, waiting=0)
    api.rewire(replace(api.runtime, load_shedder=load_shedder))
    with taken(api, load_shedder, 3, who=flood.id):
        statuses = [
            api.post(path, content=body, headers={"Authorization": f"Bearer {key.plaintext}"}).status_code
            for key in (flood, other)
        ]
    assert statuses[0] == 503
    assert statuses[1] in {200, 202}
