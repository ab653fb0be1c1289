"""What the supervisor itself talks to: the API's readiness and the sandbox, both of them local."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from notifier.settings import RunningSandbox, announce_sandbox

_TIMEOUT = 2.0
# No proxy, whatever the environment says: these are addresses of this machine.
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
