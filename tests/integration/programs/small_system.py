"""Stand-ins for the commands `notifier up` starts, light enough to start seven of them.

`run_up` runs this module as `api --fd N`, `worker --queues Q` and `scheduler`; without arguments it is the supervisor.
"""

import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from notifier.domain.errors import ConfigError
from notifier.observability import configure_logging
from notifier.parent_watch import report_ready
from notifier.settings import load_settings
from notifier.supervise.up import Programs, run_up

DIARY = Path("diary")


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())

    def log_message(self, *_: object) -> None:
        pass


def write(line: str) -> None:
    with DIARY.open("a") as file:
        file.write(line + "\n")


def serve(descriptor: int) -> None:
    server = HTTPServer(("", 0), Answer, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    write(f"api {os.getpid()} public {os.environ.get('NOTIFIER_PUBLIC_URL')}")
    server.serve_forever(poll_interval=0.05)
    server.server_close()


def work(name: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = load_settings()
    write(f"{name} {os.getpid()} sandbox {settings.sandbox_url()} mail {settings.email_providers()[0].name}")
    report_ready()
    stop.wait()


def main(arguments: list[str]) -> int:
    match arguments:
        case ["api", "--fd", descriptor]:
            serve(int(descriptor))
        case ["worker", "--queues", queues]:
            work(f"worker {queues}")
        case ["scheduler"]:
            work("scheduler")
        case _:
            configure_logging("info", "json", process="up")
            try:
                port = int(arguments[0]) if arguments else 0
                migrate = lambda: write("migrated")  # noqa: E731
                programs = Programs("small_system", "notifier.sandbox", load=lambda: None)
                return run_up(load_settings(), host="127.0.0.1", port=port, migrate=migrate, programs=programs)
            except ConfigError as error:
                sys.stderr.write(f"notifier: {error}\n")
                return 2
    write(f"{arguments[0]} stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
