"""A temporary installation: `notifier up` in its own folder, used over HTTP like any other."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notifier.domain.errors import NotifierError
from notifier.parent_watch import HELD_VARIABLE

_UP = re.compile(r"notifier is up: (\S+?)(?: \(sandbox (\S+?)\))?$")
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
# Ignore proxy settings of the environment between this program and its children.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SystemFailedError(NotifierError):
    """The installation did not start, or refused a valid request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running installation. `sandbox` is None when no provider is the local stand-in."""

    url: str
    sandbox: str | None
    token: str
    pid: int
    log: Path
    variables: Mapping[str, str] = field(repr=False, default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        key: str | None = None,
    ) -> Any:
        """Call the API with a key, or the admin token; returns the JSON answered."""
        headers = {"Authorization": f"Bearer {key or self.token}", "Content-Type": content_type}
        return request(method, self.url + path, body, headers)

    def new_key(self, name: str, scopes: Sequence[str]) -> str:
        """Create an API key for a person, with `notifier keys create`; returns it."""
        options = [part for scope in scopes for part in ("--scope", scope)]
        command = [sys.executable, "-m", "notifier", "keys", "create", "--json", "--name", name, *options]
        done = subprocess.run(  # noqa: S603
            command, env=dict(self.variables), check=False, capture_output=True, text=True, cwd=self.log.parent
        )
        if done.returncode:
            raise SystemFailedError(f"no key for {name}: {done.stderr.strip()[-500:]}")
        return str(json.loads(done.stdout)["key"])

    def ask_sandbox(self, method: str, path: str, body: object = None) -> Any:
        """Call the sandbox."""
        return request(method, f"{self.sandbox}{path}", body, {"Content-Type": "application/json"})


def request(method: str, url: str, body: object, headers: Mapping[str, str]) -> Any:
    """Make one HTTP request on this machine and return the JSON answered (or its lines, for NDJSON).

    Raises:
        SystemFailedError: any answer but 2xx.
    """
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data=data, headers=dict(headers), method=method)  # noqa: S310 - our own URL
    try:
        with _DIRECT.open(asked, timeout=60) as answer:
            text = answer.read()
            kind = answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        output = error.read()[:500].decode(errors="replace")
        raise SystemFailedError(f"{method} {url}: {error.code} {output}") from error
    except OSError as error:
        raise SystemFailedError(f"{method} {url}: {error}") from error
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text) if text else None


@contextmanager
def installation(folder: Path, environ: Mapping[str, str], *, port: int = 0) -> Iterator[Installation]:
    """Run `notifier up` without the caller's configuration; drained at the end or at our death.

    Args:
        folder: Where everything is stored; must exist.
        environ: Variables of the installation; no other NOTIFIER_ variables are set.
        port: Port of the API; 0 takes a free one.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    data = folder / "data"
    variables = kept | {"NOTIFIER_DATA_DIR": str(data), "NOTIFIER_LOG_FORMAT": "json", HELD_VARIABLE: "1", **environ}
    log = folder / "log.ndjson"
    command = [sys.executable, "-m", "notifier", "up", "--port", str(port)]
    with (
        log.open("wb") as errors,
        subprocess.Popen(  # noqa: S603
            command,
            env=variables,
            cwd=folder,
            stdin=subprocess.PIPE,  # closes with this process, which ends `notifier up`
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # we forward a Ctrl-C in the terminal ourselves, once
        ) as process,
    ):
        try:
            url, sandbox = _await_start(process, log)
            token = environ.get("NOTIFIER_ADMIN_TOKEN") or (data / "admin-token").read_text(encoding="utf-8").strip()
            yield Installation(url=url, sandbox=sandbox, token=token, pid=process.pid, log=log, variables=variables)
        finally:
            _stop(process)


def _await_start(process: "subprocess.Popen[bytes]", log: Path) -> tuple[str, str | None]:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    os.set_blocking(process.stdout.fileno(), False)
    output = b""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        output += process.stdout.read() or b""
        for line in output.decode(errors="replace").splitlines():
            if found := _UP.match(line):
                return found[1], found[2]
        time.sleep(0.02)
    raise SystemFailedError(f"notifier up did not start: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
