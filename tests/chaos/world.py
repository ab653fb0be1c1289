"""The installation under test: its parts, its audience, and how to observe it from outside."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notifier.domain.values import Channel
from notifier.storage.database.engine import Database
from notifier.supervise.installation import SystemFailedError, request
from notifier.supervise.listening import free_port
from tests.chaos.node import VARIABLE as CLOCK
from tests.chaos.parts import Postgresql, Redis, Sqlite, sandbox
from tests.chaos.processes import Machine

BATCH = 50
LEASE_SECONDS = 9.0
_TOKEN = "chaos-admin-token-00000000000000"
_KEYS = "chaos-secret-key-0000000000000000"
_START_SECONDS = 90.0
_POLL_SECONDS = 0.05
_LOCALES = ("nl", "en", "de", "fr")
# One slot for mail: a killed worker has one batch in progress, as its bound assumes.
_POLICY = f"""
[coalesce]
window = 0.3
max_window = 1.2
[coalesce.webhook]
window = 0.0
[workers]
email = 1
drain = 20
lease = {LEASE_SECONDS}
[limits]
batch_size = {{batch}}
webhook_timeout = 2
[guard]
hold_older_than = 0
[[accounts]]
name = "m-en"
platform = "mastodon"
locale = "en"
base_url = "sandbox"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Number of recipients of every incident, by kind."""

    subscribers: int
    endpoints: int
    batch: int = BATCH  # recipients per mail request

    @property
    def expected(self) -> dict[Channel, int]:
        return {Channel.EMAIL: self.subscribers, Channel.WEBHOOK: self.endpoints}


@dataclass(slots=True)
class World:
    """Everything that runs and can be broken."""

    folder: Path
    size: Size
    database: Sqlite | Postgresql
    redis: Redis
    sandbox: str
    machine: Machine
    port: int
    other_python: str | None
    ledger: Database
    closers: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- calls ---

    def call(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Any:
        """Call the API; raises `SystemFailedError` for any answer but 2xx, and for no answer."""
        headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": content_type}
        return request(method, self.url + path, body, headers)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the sandbox."""
        return request(method, f"{self.sandbox}/sandbox{path}", body, {"Content-Type": "application/json"})

    def fault(self, provider: str, kind: str, **more: Any) -> None:
        """Make a provider fail from now on."""
        self.ask("POST", "/faults", {"provider": provider, "kind": kind, **more})

    def fix_providers(self) -> None:
        """Fix all providers; mail stays slow enough to be interrupted in the middle."""
        self.ask("DELETE", "/faults")
        self.fault("sendgrid", "delay", delay=0.12)

    def hits(self, provider: str) -> int:
        """Return how many requests to a provider the current faults have affected."""
        return sum(fault["hits"] for fault in self.ask("GET", "/faults")["items"] if fault["provider"] == provider)

    def mails(self) -> int:
        """Return how many mails have arrived."""
        return int(self.ask("GET", "/api/summary")["mails"]["total"])

    def arrived(self) -> int:
        """Return how many messages have arrived by mail and webhook, counting repeats once."""
        return len(self.ask("GET", "/api/deliveries"))

    # --- starting and stopping ---

    def up(self) -> None:
        """Start `notifier up` on the first machine; returns when it is ready."""
        self.machine.start("up", "--port", str(self.port))
        self.until(self.is_ready, "the installation is ready", _START_SECONDS)

    def is_ready(self) -> bool:
        """Return whether the API answers and reaches database and broker."""
        try:
            return set(request("GET", f"{self.url}/readyz", None, {})["checks"].values()) == {"ok"}
        except SystemFailedError:
            return False

    def second(self, name: str) -> Machine:
        """Start more workers and a scheduler with their own data folder; returns when ready."""
        environ = dict(self.machine.environ)
        machine = Machine(self.folder / name, environ)
        if self.other_python is not None:
            environ.pop(CLOCK)
            machine.python, machine.module = self.other_python, "notifier"
        machine.start("worker", "--queues", "email")
        machine.start("worker", "--queues", "control,social,webhook,retry,bulk")
        machine.start("scheduler")
        self.closers.callback(machine.gone, 0)
        self.until(lambda: _count(machine.log, b"worker_ready") == 2, "the second machine works", _START_SECONDS)
        return machine

    def set_clock(self, seconds: float) -> None:
        """Shift the clock of every process by so many seconds."""
        path = Path(self.machine.environ[CLOCK])
        draft = path.with_suffix(".new")
        draft.write_text(str(seconds), encoding="ascii")
        draft.replace(path)

    @staticmethod
    def until(question: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for a condition.

        Raises:
            SystemFailedError: It did not become true in time.
        """
        deadline = time.monotonic() + seconds
        while not question():
            if time.monotonic() > deadline:
                raise SystemFailedError(f"not within {seconds:g} s: {what}")
            time.sleep(_POLL_SECONDS)

    def add_audience(self) -> None:
        """Add the audience: subscribers in four languages, and endpoints that check signatures."""
        rows = [
            f"shop-{number},owner{number}@shop{number}.example,{_LOCALES[number % len(_LOCALES)]}"
            for number in range(self.size.subscribers)
        ]
        table = "\n".join(["external_id,email,locale", *rows, ""])
        self.call("POST", "/v1/subscribers/import", table.encode(), "text/csv")
        for number in range(self.size.endpoints):
            name = f"partner-{number}"
            made = self.call("POST", "/v1/endpoints", {"url": f"{self.sandbox}/hooks/{name}", "description": name})
            self.ask("PUT", f"/hooks/{name}", {"secret": made["secret"], "behaviour": "ok"})


def _count(log: Path, word: bytes) -> int:
    return log.read_bytes().count(word) if log.exists() else 0


@contextmanager
def world(
    folder: Path, size: Size, *, postgresql: bool, broker: str | None, other_python: str | None
) -> Iterator[World]:
    """Run an installation with its audience in `folder`; stops everything at the end.

    Args:
        folder: Empty, with a short path (it holds sockets).
        size: The audience.
        postgresql: Use a private PostgreSQL server; otherwise a SQLite file.
        broker: A broker's URL; otherwise Redis is the broker.
        other_python: Another version's interpreter, for scenarios with two sets of processes.
    """
    with ExitStack() as closers:
        address = closers.enter_context(sandbox())
        database = Postgresql() if postgresql else Sqlite(folder)
        closers.callback(database.close)
        redis = Redis(folder / "redis")
        redis.start()
        closers.callback(redis.kill)
        stores = {"NOTIFIER_DATABASE_URL": database.url, "NOTIFIER_REDIS_URL": redis.url}
        environ = _environ(folder, address, size, stores)
        if broker is not None:
            environ["NOTIFIER_BROKER_URL"] = broker
        machine = Machine(folder / "one", environ)
        ledger = Database(database.url)
        closers.callback(ledger.close)
        closers.callback(machine.gone, 0)
        found = World(
            folder=folder,
            size=size,
            database=database,
            redis=redis,
            sandbox=address,
            machine=machine,
            port=free_port(0),
            other_python=other_python,
            ledger=ledger,
            closers=closers,
        )
        found.up()
        found.add_audience()
        yield found


def _environ(folder: Path, sandbox_url: str, size: Size, more: Mapping[str, str]) -> dict[str, str]:
    config, clock = folder / "notifier.toml", folder / "clock"
    config.write_text(_POLICY.format(batch=size.batch), encoding="utf-8")
    clock.write_text("0", encoding="ascii")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFIER_", "_NOTIFIER_"))}
    return kept | {
        CLOCK: str(clock),
        "NOTIFIER_CONFIG": str(config),
        "NOTIFIER_LOG_FORMAT": "json",
        "NOTIFIER_SANDBOX_URL": sandbox_url,
        "NOTIFIER_SECRET_KEYS": _KEYS,
        "NOTIFIER_ADMIN_TOKEN": _TOKEN,
        "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        **more,
    }


def bugs_in(log: Path, offset: int) -> tuple[list[str], int]:
    """Return unexpected exceptions logged since `offset`, and the new offset."""
    if not log.exists():
        return [], 0
    with log.open("rb") as file:
        file.seek(offset)
        lines = file.read().splitlines()
        end = file.tell()
    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            if b"Traceback" in line:
                found.append("a traceback outside the log")
            continue
        # Caused by the loss of the broker; workers/credit.py recovers from it.
        if "exception" in event and not event["event"].startswith("Couldn't ack"):
            found.append(f"{event.get('process')}: {event['event']}: {event['exception'].splitlines()[-1]}")
    return found, end


__all__ = ["BATCH", "LEASE_SECONDS", "Size", "World", "bugs_in", "world"]
