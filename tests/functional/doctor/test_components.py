"""A component that was taken out of the configuration while an incident runs and people listen to it."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.components import check_components, warn_of_vanished_components
from notifier.domain.errors import InvalidInputError
from notifier.domain.values import Outcome
from notifier.inbound.subscribers import parse_subscriber
from notifier.services.events.ingest import Receipt
from notifier.services.security.audit import Actor
from notifier.storage.database.engine import Database
from tests.functional.api.api_client import an_event, container_on, publish

HERE = Actor("tests", "here")


@pytest.fixture
def container(sqlite_database: Database, tmp_path: Path) -> Iterator[ApiContainer]:
    built = container_on(sqlite_database, tmp_path)
    yield built
    built.close()


def announce(container: ApiContainer, number: int, status: str, *components: str) -> Receipt:
    event = an_event(number, incident={"components": list(components)}, update={"status": status})
    return publish(container, event)


def listen(container: ApiContainer, name: str, *components: str, **changes: Any) -> None:
    body = {"external_id": name, "kind": "merchant", "email": f"{name}@example.com"}
    body |= {"preferences": {"components": list(components)}} | changes
    container.subscribers.create(parse_subscriber(orjson.dumps(body), container.vocabulary), HERE)


def take_out(container: ApiContainer, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setitem(container.__dict__, "component_keys", container.component_keys - {key})


def test_an_incident_goes_on_naming_what_it_named_before_the_component_was_taken_out(
    container: ApiContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(container, 1, "investigating", "pos", "api")
    take_out(container, monkeypatch, "pos")
    assert announce(container, 2, "identified", "pos").outcome is Outcome.ACCEPTED
    assert announce(container, 3, "resolved", "pos", "checkout").outcome is Outcome.ACCEPTED


def test_what_an_incident_never_named_is_refused_as_ever(
    container: ApiContainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(container, 1, "investigating", "api")
    take_out(container, monkeypatch, "pos")
    for key in ("pos", "moon"):
        with pytest.raises(InvalidInputError, match=r"incident\.components\.0"):
            announce(container, 2, "identified", key)


def test_doctor_and_the_start_name_the_open_incident_and_count_who_listens_to_nothing(
    container: ApiContainer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    announce(container, 1, "investigating", "pos", "api")
    listen(container, "deaf", "pos")
    listen(container, "gone", "pos", state="unsubscribed")
    listen(container, "half", "pos", "api")
    listen(container, "all")
    assert list(check_components(container)) == []
    take_out(container, monkeypatch, "pos")
    incident, listeners = check_components(container)
    assert (incident.state, listeners.state) == ("warn", "warn")
    assert incident.message.startswith("the open incident inc-1 names pos,")
    assert "chose only pos," in listeners.message
    assert "subscribers: 1, endpoints: 0" in listeners.message
    with caplog.at_level(logging.WARNING):
        warn_of_vanished_components(container)
    said = [vars(record)["finding"] for record in caplog.records if record.message == "removed_component_in_use"]
    assert [line.partition(",")[0] for line in said] == [
        "the open incident inc-1 names pos",
        "chose only pos",
    ]
    announce(container, 2, "resolved")
    assert [finding.name for finding in check_components(container)] == ["listeners"]
