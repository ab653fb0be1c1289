"""The supervisor's HTTP clients: API readiness and the sandbox, both local."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from notifier.settings import RunningSandbox, announce_sandbox

_TIMEOUT = 2.0
# Ignore proxy settings of the environment: these addresses are local.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with _opener.open(url, timeout=_TIMEOUT) as response:
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


@dataclass(slots=True)
class SandboxLink:
    """Configures the sandbox after each start: where its events go, and with which signing key."""

    url: str
    events_url: str
    data_dir: Path
    introduced: bool = False

    def forget(self) -> None:
        """Forget a restarted sandbox: it has lost its state and has a new key."""
        self.introduced = False

    def introduce(self) -> None:
        """Try once, unless already done."""
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
