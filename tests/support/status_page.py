"""A status page on a free port that lists what a test puts on it, and fails as it is told."""

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UNRESOLVED, SUMMARY, RECENT = "/api/v2/incidents/unresolved.json", "/api/v2/summary.json", "/api/v2/incidents.json"
MAINTENANCES = "/api/v2/scheduled-maintenances.json"
_OVER = ("resolved", "postmortem")


def an_incident(
    name: str = "p31zjtct2jer",
    *,
    status: str = "investigating",
    components: tuple[str, ...] = ("CDN/Cache",),
    **more: Any,
) -> dict[str, Any]:
    """An incident as Statuspage lists it; `components` are names."""
    return {
        "id": name,
        "name": "Elevated errors",
        "status": status,
        "impact": "major",
        "created_at": "2026-08-01T09:58:03.114Z",
        "started_at": "2026-08-01T03:58:03.100-06:00",
        "shortlink": f"https://stspg.io/{name}",
        "incident_updates": [
            {"id": f"{name}-{status}", "status": status, "body": "We are\r\nlooking into it.", "created_at": None}
        ],
        "components": [
            {"id": f"id-{component}", "name": component, "status": "partial_outage"} for component in components
        ],
        **more,
    }


@dataclass
class StatusPage:
    """The page. `fault`: answers every request instead of the lists; `hidden`: paths that are not there."""

    url: str = ""
    incidents: list[dict[str, Any]] = field(default_factory=list)
    maintenances: list[dict[str, Any]] = field(default_factory=list)
    name: str = "Edge Carrier"
    fault: tuple[int, Mapping[str, str], bytes] | None = None
    hidden: set[str] = field(default_factory=set)
    sends_etags: bool = True
    silent: threading.Event = field(default_factory=threading.Event)  # set: requests get no answer
    asked: list[tuple[str, int]] = field(default_factory=list)  # path, status

    def answer(self, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        if self.fault is not None:
            return self.fault
        if path in self.hidden or path not in (UNRESOLVED, SUMMARY, RECENT, MAINTENANCES):
            return 404, {"Content-Type": "text/html"}, b"<html>not here</html>"
        open_only = path != RECENT
        shown = [one for one in self.incidents if not (open_only and one["status"] in _OVER)]
        listed = {"scheduled_maintenances": self.maintenances} if path == MAINTENANCES else {"incidents": shown}
        body = json.dumps({"page": {"id": "k3v9q0c2m7xw", "name": self.name}, **listed}).encode()
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
        validators = {"ETag": etag} if self.sends_etags else {}
        if self.sends_etags and headers.get("If-None-Match") == etag:
            return 304, validators, b""
        packed = {**validators, "Content-Type": "application/json", "Content-Encoding": "gzip"}
        return 200, packed, gzip.compress(body)


@contextmanager
def status_page() -> Iterator[StatusPage]:
    """Serve a page until the block ends."""
    page, ended = StatusPage(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            while page.silent.is_set() and not ended.wait(0.02):
                continue
            status, headers, body = page.answer(self.path, dict(self.headers.items()))
            page.asked.append((self.path, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        page.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield page
        ended.set()
        server.shutdown()
        thread.join()
