"""One measurement: an installation, an audience, one event per channel, and what the sink saw."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notifier.bench.load import add_endpoints, add_subscribers
from notifier.bootstrap.application import Application
from notifier.settings import load_settings
from notifier.supervise.installation import Installation, installation, request

_TIMEOUT = 600.0
_KEY = "SG.benchbenchbenchbench00.benchbenchbenchbenchbenchbenchbenchbenchben"


@dataclass(slots=True)
class Measured:
    """What one run on one database came to. Times in seconds after the 202, memory in MB at its peak."""

    database: str
    recipients: int
    endpoints: int
    mail: dict[str, float] = field(default_factory=dict)
    hooks: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)


@contextmanager
def sink(keep: int) -> Iterator[int]:
    """Run the counting sink; gives its port."""
    command = [sys.executable, "-m", "notifier.bench.sink", "0", "--keep", str(keep)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield int(process.stdout.readline().split()[-1])
        finally:
            process.terminate()
            process.wait()


def measure(database: str, url: str | None, *, recipients: int, endpoints: int) -> Measured:
    """Tell `recipients` by mail and `endpoints` by webhook, one event each, on a fresh installation."""
    found = Measured(database, recipients, endpoints)
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as name, sink(keep=recipients // 1000 + 20) as port:
        folder = Path(name)
        (folder / "notifier.toml").write_text("accounts = []\n", encoding="utf-8")
        environ = {
            "NOTIFIER_CONFIG": str(folder / "notifier.toml"),
            "NOTIFIER_EMAIL_PROVIDERS": "sendgrid",
            "NOTIFIER_SENDGRID_API_KEY": _KEY,
            "NOTIFIER_SENDGRID_URL": f"http://127.0.0.1:{port}",
            "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            **({"NOTIFIER_DATABASE_URL": url} if url else {}),
        }
        _fill(folder, environ, recipients, endpoints, port)
        with installation(folder, environ) as system:
            if recipients:
                found.mail = _tell(system, port, "storefront", recipients)
                found.mail["floor_seconds"] = _floor("mail", port)
            if endpoints:
                request("POST", f"http://127.0.0.1:{port}/reset", b"", {})
                found.hooks = _tell(system, port, "api", endpoints)
                found.hooks["floor_seconds"] = _floor("hooks", port, endpoints)
            found.memory = _peaks(system.pid)
    return found


def _fill(folder: Path, environ: Mapping[str, str], recipients: int, endpoints: int, port: int) -> None:
    variables = {**environ, "NOTIFIER_DATA_DIR": str(folder / "data")}
    notifier = Application(load_settings(variables, cwd=folder))
    try:
        notifier.migrate()
        add_subscribers(notifier, recipients)
        add_endpoints(notifier, endpoints, port)
    finally:
        notifier.close()


def _event(component: str) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "id": f"evt-bench-{component}",
        "incident": {
            "id": f"bench-{component}",
            "title": {"nl": "Storing", "en": "Outage"},
            "impact": "critical",
            "components": [component],
            "started_at": now,
        },
        "update": {
            "id": "upd-1",
            "status": "investigating",
            "body": {"nl": "We zoeken de oorzaak.", "en": "We are looking for the cause."},
            "posted_at": now,
        },
    }


def _tell(system: Installation, port: int, component: str, expected: int) -> dict[str, float]:
    """Hand one event in and wait until the sink has seen everybody."""
    request("POST", f"http://127.0.0.1:{port}/reset", b"", {})
    system.call("POST", "/v1/events", _event(component))
    accepted = time.time()
    deadline = accepted + _TIMEOUT
    stats = request("GET", f"http://127.0.0.1:{port}/stats", None, {})
    while time.time() < deadline:
        if stats["recipients"] >= expected:
            break
        time.sleep(0.05)
        stats = request("GET", f"http://127.0.0.1:{port}/stats", None, {})
    return {
        "told": stats["recipients"],
        "requests": stats["requests"],
        "first_seconds": (stats["first"] or deadline) - accepted,
        "last_seconds": (stats["last"] or deadline) - accepted,
    }


def _floor(kind: str, port: int, number: int = 0) -> float:
    command = [sys.executable, "-m", "notifier.bench.floor", kind, str(port), *([str(number)] if number else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


def _peaks(supervisor: int) -> dict[str, float]:
    """Return the peak resident memory of the supervisor and its children, in MB, by what each is."""
    peaks: dict[str, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (int(folder.name) == supervisor or _parent(folder) == supervisor):
            status = (folder / "status").read_text(encoding="utf-8")
            peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            peaks[_called(words)] = int(peak) / 1024
    return peaks


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _called(words: list[str]) -> str:
    if "--queues" in words:
        return "worker " + words[words.index("--queues") + 1]
    for word in ("api", "scheduler", "up"):
        if word in words:
            return word
    return Path(words[0]).name or "other"
