"""The API as it is served: a process of its own, on a socket that is handed down."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from notifier.storage.database.engine import Database
from tests.functional.api.api_client import ADMIN
from tests.support.repository import ROOT

# A client would read the machine's certificates each time, which nobody asks for on http://.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_PROGRAM = """
import sys
from pathlib import Path
from notifier.api.server import run_api
from notifier.bootstrap.api_container import ApiContainer
from notifier.settings import load_settings
from notifier.web.pages import page_routes

application = ApiContainer(load_settings(cwd=Path.cwd()))
sys.exit(run_api(application, host="127.0.0.1", port=0, fd=int(sys.argv[1]), pages=[page_routes(application)]))
"""


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, timeout: float = 20) -> httpx2.Client:
        bearer = {"Authorization": f"Bearer {ADMIN}"}
        return httpx2.Client(base_url=self.url, headers=bearer, timeout=timeout, verify=_NO_CERTIFICATES)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextmanager
def served(database: Database, folder: Path, name: str, redis_url: str) -> Iterator[Server]:
    """Serve API and pages."""
    log = folder / f"{name}.log"
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener, log.open("wb") as output:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("NOTIFIER_")} | {
            "NOTIFIER_DATA_DIR": str(folder / "data"),
            "NOTIFIER_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "NOTIFIER_REDIS_URL": redis_url,
            "NOTIFIER_ADMIN_TOKEN": ADMIN,
            "PYTHONPATH": str(ROOT),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(listener.fileno())],
            env=environ,
            cwd=folder,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        server = Server(process, listener.getsockname()[1], log)
        try:
            _until_live(server)
            yield server
        finally:
            process.kill()
            process.wait()


def _until_live(server: Server) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log.read_text()
        try:
            if httpx2.get(f"{server.url}/healthz", timeout=5, verify=_NO_CERTIFICATES).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise AssertionError(server.log.read_text())
