"""An installation for functional tests, and a client that holds answers to their documented shape."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema
import orjson
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import select, update
from starlette.testclient import TestClient

from notifier.api.app import build_runtime, create_app
from notifier.api.runtime import ApiRuntime
from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.incidents.incident import Event
from notifier.domain.values import DeliveryState
from notifier.inbound.events import parse_event
from notifier.services.events.ingest import Receipt
from notifier.services.security.audit import Actor
from notifier.settings import load_settings
from notifier.storage import tables as t
from notifier.storage.database.engine import Database

ADMIN = "the-admin-token-of-the-functional-tests"
Json = dict[str, Any]
_ANNOUNCING = {"prom": "alertmanager", "cloud": "statuspage", "other": "statuspage", "own": "statuspage"}
ANNOUNCING_SOURCES = "".join(
    f'[[sources]]\nname = "{name}"\nkind = "{kind}"\nmode = "publish"\n' for name, kind in _ANNOUNCING.items()
)


def container_on(database: Database, folder: Path, **environ: str) -> ApiContainer:
    """Build an application on a database; no broker answers, and webhooks may go to this machine.

    Unless the test has a configuration of its own, news of any age goes by itself: stories of 2022 are told again, and
    the sources below announce what they report.
    """
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "notifier.toml").write_text(
        f"[guard]\nhold_older_than = 0\n{ANNOUNCING_SOURCES}", encoding="utf-8"
    )
    url = database.url.set(drivername="postgresql") if not database.is_sqlite else database.url
    variables = {
        "NOTIFIER_CONFIG": str(folder / "config" / "notifier.toml"),
        "NOTIFIER_DATA_DIR": str(folder / "data"),
        "NOTIFIER_DATABASE_URL": url.render_as_string(hide_password=False),
        "NOTIFIER_REDIS_URL": f"unix://{folder}/no.sock",
        "NOTIFIER_ADMIN_TOKEN": ADMIN,
        "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    return ApiContainer(load_settings(variables | environ, cwd=folder))


@dataclass
class Api:
    """A client of the API."""

    client: TestClient
    app: FastAPI = field(repr=False)
    container: ApiContainer
    document: Json = field(repr=False)
    runtime: ApiRuntime = field(repr=False)

    def key(self, *scopes: str) -> str:
        """Make a key with these scopes."""
        return self.container.api_keys.create("test", scopes, Actor("tests", "here")).plaintext

    def rewire(self, runtime: ApiRuntime) -> None:
        """Answer from another runtime from now on."""
        self.app.state.runtime = self.runtime = runtime

    def call(self, method: str, path: str, **arguments: Any) -> Response:
        """Send a request; the answer must have the shape that is documented for it."""
        answer = self.client.request(method, path, **arguments)
        self._check(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **arguments: Any) -> Response:
        return self.call("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> Response:
        return self.call("POST", path, **arguments)

    def patch(self, path: str, **arguments: Any) -> Response:
        return self.call("PATCH", path, **arguments)

    def delete(self, path: str, **arguments: Any) -> Response:
        return self.call("DELETE", path, **arguments)

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], Json]]:
        fixed_first = sorted(self.document["paths"].items(), key=lambda item: (item[0].count("{"), -len(item[0])))
        return [(re.compile(re.sub(r"\{[^}]+\}", ".+", path)), item) for path, item in fixed_first]

    def _check(self, method: str, path: str, answer: Response) -> None:
        item = next((item for pattern, item in self._templates if pattern.fullmatch(path)), None)
        if item is None or method.lower() not in item:
            return
        documented = item[method.lower()]["responses"]
        assert str(answer.status_code) in documented, f"{method} {path}: {answer.status_code} is not documented"
        shape = documented[str(answer.status_code)]
        if "$ref" in shape:
            shape = self.document["components"]["responses"][shape["$ref"].rpartition("/")[2]]
        media = answer.headers.get("content-type", "").partition(";")[0]
        if not answer.content or media not in ("application/json", "application/problem+json"):
            return
        assert media in shape["content"], f"{method} {path}: {media} is not documented"
        schema = shape["content"][media]["schema"] | {"components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())


_documents: list[Json] = []


def _described(app: FastAPI) -> Json:
    """The OpenAPI document is the same for every installation, and takes a while to build."""
    if not _documents:
        _documents.append(app.openapi())
    return _documents[0]


_idle: dict[int, list[FastAPI]] = {}


@contextmanager
def _app_of(container: ApiContainer) -> Iterator[FastAPI]:
    """An app is the same for every installation with its limits, and its routes take a while to build."""
    idle = _idle.setdefault(container.settings.limits.request_bytes, [])
    app = idle.pop() if idle else create_app(container)
    app.state.runtime = build_runtime(container)
    yield app
    idle.append(app)


@contextmanager
def serving(container: ApiContainer, key: str = ADMIN) -> Iterator[Api]:
    """Serve an installation to a client that bears `key`."""
    headers = {"Authorization": f"Bearer {key}"}
    with _app_of(container) as app, TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        yield Api(client, app, container, _described(app), app.state.runtime)


def an_event(number: int = 1, *, now: datetime | None = None, **changes: Any) -> Json:
    """Write event `evt-N` of incident `inc-1`; `changes` are laid over its parts by name."""
    posted = (now or datetime.now(UTC)) - timedelta(minutes=5) + timedelta(seconds=number)
    return {
        "id": changes.get("id", f"evt-{number}"),
        "incident": {
            "id": "inc-1",
            "title": {"en": "Payments are slow", "nl": "Betalingen zijn traag"},
            "impact": "major",
            "components": ["checkout"],
            "started_at": posted.isoformat(),
        }
        | changes.get("incident", {}),
        "update": {
            "id": f"upd-{number}",
            "status": "investigating",
            "body": {"en": f"We are looking into it, take {number}."},
            "posted_at": posted.isoformat(),
        }
        | changes.get("update", {}),
        "notify": changes.get("notify", True),
    }


@dataclass(frozen=True)
class FakeIngest:
    """Stands for `Ingest`: takes events as the test says."""

    take: Callable[[Event], Receipt]


def publish(container: ApiContainer, event: Json, *, guarded: bool = False) -> Receipt:
    """Publish an event as a producer writes it, without going through HTTP."""
    return container.publish(parse_event(orjson.dumps(event), now=container.clock()), guarded=guarded)


def faults(answer: Response) -> dict[str, str]:
    """The fields that a problem document names."""
    assert answer.headers["content-type"] == "application/problem+json"
    return {fault["field"]: fault["message"] for fault in answer.json()["errors"]}


def a_subscriber(number: int = 1, **changes: Any) -> Json:
    """Write subscriber `shop-N`."""
    return {"external_id": f"shop-{number}", "email": f"owner-{number}@example.com", "locale": "nl"} | changes


def announced(api: Api, *, people: int = 3) -> str:
    """Announce an incident by mail to `shop-1`, `shop-2`, ...; the provider took it. Returns the notification's id."""
    for number in range(1, people + 1):
        api.post("/v1/subscribers", json=a_subscriber(number))
    api.post("/v1/events", json=an_event())
    plan_all(api.container)
    (found,) = [
        item for item in api.get("/v1/incidents/inc-1/notifications").json()["items"] if item["channel"] == "email"
    ]
    return str(found["id"])


def plan_all(container: ApiContainer, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
    """Plan what is decided, and pretend that providers took it."""
    with container.database.read() as connection:
        numbers = connection.execute(select(t.notification.c.id).where(t.notification.c.state == "planning")).scalars()
        waiting = list(numbers)
    for number in waiting:
        container.plan.run(number)
    with container.database.write() as connection:
        connection.execute(update(t.batch).values(state=state.value, due_at=None, provider="sendgrid", attempts=1))


def deliveries_of(api: Api, notification_id: str, **query: Any) -> dict[str, Json]:
    """The deliveries of a notification by the recipient's name."""
    items = api.get(f"/v1/notifications/{notification_id}/deliveries", params=query).json()["items"]
    return {item["recipient"]: item for item in items}
