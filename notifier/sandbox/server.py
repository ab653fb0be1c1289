"""Serve a sandbox: blocking, or in a thread."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Self

import uvicorn
from fastapi import FastAPI

from notifier.sandbox.app import create_app
from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.sandbox import Sandbox
from notifier.sandbox.transport import ReachableProtocol

_BACKLOG = 2048


class SandboxServer:
    """A sandbox on one port; port 0 picks a free one.

    The constructor binds the socket and listens, so `base_url` is known at once, and a client that
    connects before `run` waits instead of failing.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, config: SandboxConfig | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(_BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://[{host}]:{self.port}" if family == socket.AF_INET6 else f"http://{host}:{self.port}"
        self.app = create_app(config or SandboxConfig())
        self.sandbox: Sandbox = self.app.state.sandbox
        self._server = _Server(_settings(self.app), self.sandbox.live.closing.set)
        self._thread: threading.Thread | None = None

    def run(self, *, ready: Callable[[str], None] | None = None) -> None:
        """Serve until `stop`, SIGTERM or SIGINT. Call `ready(base_url)` once the server is up."""
        self._server.when_started = (lambda: ready(self.base_url)) if ready else None
        with closing(self._socket):
            self._server.run(sockets=[self._socket])

    def start(self) -> Self:
        """Serve in a thread; return at once. Requests wait until the server is up."""
        self._thread = threading.Thread(target=self.run, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving; deliberately delayed responses are sent at once."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(host: str, port: int, config: SandboxConfig, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve a sandbox until SIGTERM or SIGINT.

    Args:
        host: Address to listen on.
        port: Port; 0 picks a free one.
        config: The sandbox's configuration.
        ready: Called with the base URL once the server responds.

    Raises:
        OSError: The port is in use.
    """
    SandboxServer(host, port, config).run(ready=ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._closing = closing
        self.when_started: Callable[[], None] | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.when_started is not None:
            self.when_started()


def _settings(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ReachableProtocol,
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
        backlog=_BACKLOG,
    )
