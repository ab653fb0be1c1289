"""A partner's receiver of webhooks, for functional tests, and a worker that posts to it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sqlalchemy import select

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.worker import WorkerRuntime
from notifier.domain.values import Channel, DeliveryState
from notifier.storage import tables as t


class Receiver:
    """A partner's receiver on this machine; answers `status` and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 204
        self.says = b""
        self.takes = 0.0  # seconds until it answers
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                time.sleep(outer.takes)
                self.send_response(outer.status)
                self.send_header("content-length", str(len(outer.says)))
                self.end_headers()
                self.wfile.write(outer.says)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@contextmanager
def listening() -> Iterator[Receiver]:
    """Run a receiver."""
    made = Receiver()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def post_what_is_due(container: ApiContainer, worker: WorkerRuntime) -> None:
    """Plan and attempt every webhook that is due, as the messages in the queues would have it."""
    n, b = t.notification.c, t.batch.c
    with container.database.read() as connection:
        planning = list(connection.execute(select(n.id).where(n.state == "planning")).scalars())
    for number in planning:
        worker.plan(number)
    with container.database.read() as connection:
        queued = b.state == DeliveryState.QUEUED.value
        batches = list(connection.execute(select(b.id).where(queued, b.channel == Channel.WEBHOOK.value)).scalars())
    for batch_id in batches:
        worker.attempt(batch_id)
