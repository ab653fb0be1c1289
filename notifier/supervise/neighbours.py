"""What the supervisor itself talks to: the API's readiness, the sandbox, the embedded Redis. All of it local."""

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import structlog

from notifier.domain.errors import ConfigError
from notifier.queueing import embedded
from notifier.settings import RunningSandbox, announce_sandbox

_TIMEOUT = 2.0
_WATCH_SECONDS = 1.0
# No proxy, whatever the environment says: these are addresses of this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_log = structlog.get_logger(__name__)


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with _opener.open(url, timeout=_TIMEOUT) as response:
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


@dataclass(slots=True)
class SandboxLink:
    """Introduces a sandbox to the rest each time it starts: where its events go, and by which key it signs them."""

    url: str
    events_url: str
    data_dir: Path
    introduced: bool = False

    def forget(self) -> None:
        """The sandbox starts anew: it remembers nothing and has another key."""
        self.introduced = False

    def introduce(self) -> None:
        """Try once, unless it is done."""
        if self.introduced:
            return
        request = urllib.request.Request(  # noqa: S310  an http address of ours
            f"{self.url}/sandbox/events",
            data=json.dumps({"url": self.events_url}).encode(),
            headers={"content-type": "application/json"},
            method="PUT",
        )
        try:
            with _opener.open(request, timeout=_TIMEOUT) as response:
                key = json.loads(response.read())["public_key"]
        except (urllib.error.URLError, OSError, ValueError, KeyError):
            return
        announce_sandbox(self.data_dir, RunningSandbox(url=self.url, event_public_key=key))
        self.introduced = True


@dataclass(slots=True)
class RedisKeeper:
    """Looks after the embedded Redis: a thread that starts it again when it is gone."""

    data_dir: Path
    _stop: threading.Event = field(default_factory=threading.Event)
    watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start or adopt the server, then watch it.

        Raises:
            ConfigError: it cannot be started.
        """
        embedded.ensure(self.data_dir)
        self.watcher = threading.Thread(target=self._watch, name="redis-keeper", daemon=True)
        self.watcher.start()

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_SECONDS):
            if not self.data_dir.is_dir():
                # Somebody removed the installation: a server for it would live on when nobody knows of it any more.
                _log.error("data_folder_is_gone", folder=str(self.data_dir))
                return
            try:
                embedded.ensure(self.data_dir)
            except ConfigError as error:
                _log.warning("redis_does_not_start", error=error.message)

    def stop(self) -> None:
        """Stop watching, then the server."""
        self._stop.set()
        if self.watcher is not None:
            self.watcher.join()
        if not embedded.stop(self.data_dir):
            _log.warning("redis_does_not_stop")
