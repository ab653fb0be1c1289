import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import func, select
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.storage import tables as t
from tests.functional.api.api_client import ADMIN, Api, an_event, container_on


def events_in(container: ApiContainer) -> int:
    with container.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(t.event)).scalar_one())


def test_the_same_bytes_again_are_a_duplicate_that_names_the_first(api_anywhere: Api) -> None:
    event = an_event()
    api_anywhere.post("/v1/events", json=event)
    for _ in range(3):
        again = api_anywhere.post("/v1/events", json=event).json()
        assert again["outcome"] == "duplicate"
        assert again["reason"] == "event evt-1 was already published (accepted)"
    assert events_in(api_anywhere.container) == 1


def test_the_same_id_with_other_bytes_is_a_duplicate_too(api_anywhere: Api) -> None:
    api_anywhere.post("/v1/events", json=an_event())
    other = an_event() | {"notify": False}
    assert api_anywhere.post("/v1/events", json=other).json()["outcome"] == "duplicate"


def test_another_process_answers_a_repeat_as_a_duplicate(api_anywhere: Api, tmp_path: Path) -> None:
    event = an_event()
    api_anywhere.post("/v1/events", json=event)
    neighbour = container_on(api_anywhere.container.database, tmp_path)
    with TestClient(create_app(neighbour), headers={"Authorization": f"Bearer {ADMIN}"}) as client:
        assert client.post("/v1/events", json=event).json()["outcome"] == "duplicate"
    neighbour.close()


def test_a_hundred_repeats_at_once_are_one_event(api_anywhere: Api) -> None:
    body = json.dumps(an_event()).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api_anywhere.client.post("/v1/events", content=body).json(), range(100)))
    outcomes = [answer["outcome"] for answer in answers]
    assert (outcomes.count("accepted"), outcomes.count("duplicate")) == (1, 99)
    assert events_in(api_anywhere.container) == 1
