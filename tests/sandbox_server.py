"""A sandbox for tests: served over real HTTP on a free port, started in a thread within milliseconds.

with running_sandbox() as sandbox:
    sandbox.base_url, sandbox.get("/sandbox/api/summary"), sandbox.state.ledger
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.sandbox import Sandbox
from notifier.sandbox.server import SandboxServer

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers by lower-case name, raw body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers at `base_url`; `state` is its memory, for a look inside."""

    base_url: str
    state: Sandbox

    @property
    def sendgrid_url(self) -> str:
        return f"{self.base_url}/sendgrid"

    @property
    def x_url(self) -> str:
        return f"{self.base_url}/x"

    @property
    def mastodon_url(self) -> str:
        return f"{self.base_url}/mastodon"

    @property
    def bluesky_url(self) -> str:
        return f"{self.base_url}/bluesky"

    def hook_url(self, name: str) -> str:
        return f"{self.base_url}/hooks/{name}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        timeout: float = 10.0,
    ) -> Answer:
        """Send one request; `body` is JSON unless it is bytes. Any status is an answer, none raises."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}{path}", data, method=method)  # noqa: S310  our own address
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with _DIRECT.open(request, timeout=timeout) as answer:
                return Answer(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    def get(self, path: str) -> Any:
        """JSON of a GET that must succeed."""
        answer = self.call("GET", path)
        assert answer.status == 200, f"{path}: {answer.status} {answer.body[:500]!r}"
        return answer.json()

    def fault(self, provider: str, kind: str, **more: Any) -> None:
        """Ask for a fault."""
        answer = self.call("POST", "/sandbox/faults", {"provider": provider, "kind": kind, **more})
        assert answer.status == 201, answer.body

    def turn(self, section: str, **switches: Any) -> None:
        """Turn switches of one provider."""
        answer = self.call("PATCH", f"/sandbox/switches/{section}", switches)
        assert answer.status == 200, answer.body

    def register_hook(self, name: str, secret: str | None = None, behaviour: Any = "ok") -> str:
        """Register a webhook receiver; returns its URL."""
        answer = self.call("PUT", f"/sandbox/hooks/{name}", {"secret": secret, "behaviour": behaviour})
        assert answer.status == 200, answer.body
        return self.hook_url(name)

    def clear(self) -> None:
        """Forget what arrived, and every fault."""
        self.call("DELETE", "/sandbox/faults")
        self.call("DELETE", "/sandbox/api/records")


@contextmanager
def running_sandbox(config: SandboxConfig | None = None) -> Iterator[RunningSandbox]:
    """Serve a sandbox on a free port of 127.0.0.1 for as long as the block runs."""
    with SandboxServer("127.0.0.1", 0, config or SandboxConfig()) as server:
        yield RunningSandbox(server.base_url, server.sandbox)


def until(condition: Callable[[], Any], *, seconds: float = 60.0, every: float = 0.01) -> Any:
    """Poll `every` so many seconds until the condition holds; returns its value, or fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(every)
    return value


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
