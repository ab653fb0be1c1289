"""The team's webhook over a real connection."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from notifier.channels.team_webhook import TeamWebhook
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.values import Reason


@dataclass
class Room:
    """A chat room's webhook that answers what it is told."""

    url: str = ""
    status: int = 200
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def room() -> Iterator[Room]:
    found = Room()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.taken.append((self.path, self.headers["Content-Type"], body))
            self.send_response(found.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_an_internal_host_takes_the_post_at_the_configured_path(room: Room) -> None:
    with closing(TeamWebhook(f"{room.url}/hooks/team?key=1", timeout=5)) as hook:
        hook.post(b'{"type": "team.reminder"}')
    assert room.taken == [("/hooks/team?key=1", "application/json", b'{"type": "team.reminder"}')]


@pytest.mark.parametrize("status", [302, 404, 503])
def test_anything_but_success_is_tried_again_and_no_redirect_is_followed(room: Room, status: int) -> None:
    room.status = status
    with closing(TeamWebhook(room.url, timeout=5)) as hook, pytest.raises(TransientDeliveryError) as caught:
        hook.post(b"{}")
    assert caught.value.status == status
    assert [path for path, _, _ in room.taken] == ["/"]


def test_a_host_that_refuses_the_connection_is_tried_again() -> None:
    with (
        closing(TeamWebhook("http://127.0.0.1:1", timeout=5)) as hook,
        pytest.raises(TransientDeliveryError) as caught,
    ):
        hook.post(b"{}")
    assert caught.value.reason is Reason.UNREACHABLE
