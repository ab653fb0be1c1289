"""The API as it is served: a real server on a real port, a real Redis beside it."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from starlette.testclient import TestClient

from notifier.api.server import configuration
from notifier.queueing import embedded
from notifier.queueing.addresses import for_client
from notifier.storage.database.engine import Database
from tests.functional.api.api_client import ADMIN, an_event, container_on
from tests.functional.api.serve import served


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "redis"
    yield embedded.ensure(folder)
    assert embedded.stop(folder)


def test_two_processes_agree_on_repeats_through_redis_and_the_ledger(
    sqlite_database: Database, tmp_path: Path, redis_url: str
) -> None:
    event = an_event()
    remembered = redis.Redis.from_url(for_client(redis_url), decode_responses=True)
    with (
        served(sqlite_database, tmp_path, "one", redis_url) as one,
        served(sqlite_database, tmp_path, "two", redis_url) as two,
        one.client() as here,
        two.client() as there,
    ):
        assert here.post("/v1/events", json=event).json()["outcome"] == "accepted"
        assert there.post("/v1/events", json=event).json()["outcome"] == "duplicate"
        there.post("/v1/events", json=an_event(2))
        deadline = time.monotonic() + 60
        while not (keys := sorted(remembered.keys("notifier:seen:*"))):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # A lie in Redis is never believed: these bytes were not handed in, whatever it says.
        fresh = json.dumps(an_event(3)).encode()
        for digest in keys:
            remembered.set(digest, "evt-that-never-was")
        assert here.post("/v1/events", content=fresh).json()["outcome"] == "accepted"
        remembered.flushall()
        assert there.post("/v1/events", content=fresh).json()["outcome"] == "duplicate"
    remembered.close()


def test_a_server_that_is_told_to_stop_answers_what_it_has_in_hand(
    sqlite_database: Database, tmp_path: Path, redis_url: str
) -> None:
    with served(sqlite_database, tmp_path, "one", redis_url) as server:
        host, port = server.url.removeprefix("http://").split(":")
        body = json.dumps(an_event()).encode()
        with socket.create_connection((host, int(port)), timeout=20) as raw:
            head = (
                f"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {ADMIN}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            raw.sendall(head.encode() + body[:50])
            with server.client() as other:  # answered, so the request before it has arrived
                assert other.get("/healthz").status_code == 200
            server.process.send_signal(signal.SIGTERM)
            raw.sendall(body[50:])
            answer = raw.recv(65536)
        assert answer.startswith(b"HTTP/1.1 202")
        assert server.process.wait(timeout=60) == 0
        text = server.log.read_text()
        assert "Traceback" not in text
        assert ADMIN not in text


def test_uvicorn_neither_logs_addresses_nor_trusts_proxies(sqlite_database: Database, tmp_path: Path) -> None:
    container = container_on(sqlite_database, tmp_path)
    config = configuration(container, host="127.0.0.1", port=0)
    assert config.access_log is False
    assert config.proxy_headers is False
    assert config.server_header is False
    assert config.loop == "uvloop"
    container.close()


def test_a_named_proxy_says_who_called_and_nobody_else_does(sqlite_database: Database, tmp_path: Path) -> None:
    built = container_on(sqlite_database, tmp_path, NOTIFIER_TRUSTED_PROXIES="192.0.2.0/24, 2001:db8::/32")
    config = configuration(built, host="127.0.0.1", port=0)
    config.load()
    for number, proxy in enumerate(("192.0.2.7", "198.51.100.7")):
        with TestClient(config.loaded_app, client=(proxy, 5000)) as client:
            headers = {"Authorization": f"Bearer {ADMIN}", "X-Forwarded-For": "203.0.113.9"}
            client.post(
                "/v1/subscribers", json={"external_id": f"s{number}", "email": "a@example.com"}, headers=headers
            )
            newest = client.get("/v1/audit", headers=headers).json()["items"][0]
        assert newest["origin"] == ("203.0.113.9" if number == 0 else proxy)
    built.close()
