"""kill -9 of the worker in mid-batch of webhooks: every endpoint still gets it, and repeats bear the same id."""

import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from notifier.supervise.installation import Installation, installation
from tests.functional.system.patience import until
from tests.support.processes import child_called

_ENDPOINTS, _ANSWERED = 60, 20
_PATIENCE = 90.0
# The lease is that of every installation: a minute and a half, which nobody must wait for.
_CONFIG = "accounts = []\n[workers]\nwebhook_processes = 1\n[limits]\nwebhook_timeout = 3\n"
_TOLD_WITHIN = 60.0
pytestmark = pytest.mark.slow


class EndpointHarness:
    """Sixty endpoints on one host: the first twenty are answered, the others wait until somebody lets them go."""

    def __init__(self) -> None:
        self.got: dict[str, list[str]] = defaultdict(list)  # path -> webhook ids
        self.answered: list[str] = []
        self.released = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                if outer.take(self.path, self.headers["webhook-id"]):
                    self.send_response(204)
                    self.send_header("content-length", "0")
                    self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, webhook_id: str) -> bool:
        """Note a request; True when it is to be answered."""
        with self._lock:
            self.got[path].append(webhook_id)
            if not self.released.is_set() and len(self.answered) >= _ANSWERED:
                held = True
            else:
                held = False
                self.answered.append(webhook_id)
        if held:
            self.released.wait(_PATIENCE)
        return not held

    def total(self) -> int:
        with self._lock:
            return sum(map(len, self.got.values()))


@pytest.fixture
def receivers() -> Iterator[EndpointHarness]:
    found = EndpointHarness()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.released.set()
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def an_event() -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    incident = {"id": "inc-1", "title": {"en": "Outage"}, "impact": "major", "components": ["api"], "started_at": now}
    update = {"id": "upd-1", "status": "investigating", "body": {"en": "We look into it."}, "posted_at": now}
    return {"id": "evt-1", "incident": incident, "update": update}


def counts(system: Installation) -> dict[str, int]:
    items = system.call("GET", "/v1/incidents/inc-1/notifications")["items"]
    return next((item["counts"] for item in items if item["channel"] == "webhook"), {})


def test_every_endpoint_gets_it_and_repeats_are_counted(tmp_path: Path, receivers: EndpointHarness) -> None:
    (tmp_path / "notifier.toml").write_text(_CONFIG, encoding="utf-8")
    environ = {
        "NOTIFIER_CONFIG": str(tmp_path / "notifier.toml"),
        "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with installation(tmp_path, environ) as system:
        for number in range(_ENDPOINTS):
            system.call("POST", "/v1/endpoints", {"url": f"{receivers.url}/{number}"})
        system.call("POST", "/v1/events", an_event())
        until(lambda: receivers.total() > _ANSWERED)
        recorded = receivers.answered[0]
        until(lambda: system.call("GET", f"/v1/deliveries/{recorded}")["attempts"])
        os.kill(child_called(system.pid, "worker webhook"), signal.SIGKILL)
        killed = time.monotonic()
        receivers.released.set()
        until(lambda: counts(system) == {"accepted": _ENDPOINTS})
        assert time.monotonic() - killed < _TOLD_WITHIN
        assert len(receivers.got) == _ENDPOINTS
        assert all(len(set(ids)) == 1 for ids in receivers.got.values())
        repeated = [ids[0] for ids in receivers.got.values() if len(ids) > 1]
        assert repeated
        assert recorded not in repeated
        shown = system.call("GET", f"/v1/deliveries/{repeated[0]}")
        assert shown["attempts_made"] == 2
        assert [item["outcome"] for item in shown["attempts"]][-1] == "accepted"
