"""`/statuspage/{name}`: a page with the part of Statuspage's API v2 that shows incidents.

Source: Atlassian Statuspage developer documentation, "Status API v2".
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifier.sandbox.answers import json_answer

_OVER = ("resolved", "postmortem")
_RECENT = 50


@dataclass(slots=True)
class StatusPage:
    """One page: its name, and its incidents as Statuspage lists them, the newest first."""

    name: str
    incidents: list[dict[str, Any]] = field(default_factory=list)

    def listed(self, *, unresolved: bool) -> dict[str, Any]:
        """Return the body of `incidents.json` or `incidents/unresolved.json`."""
        shown = [one for one in self.incidents if not (unresolved and one["status"] in _OVER)]
        return {"page": {"id": self.name.lower(), "name": self.name}, "incidents": shown[:_RECENT]}


class StatusPagesApi:
    """Serves the pages that were put up. Thread-safe: a page is replaced as a whole."""

    def __init__(self) -> None:
        self._pages: dict[str, StatusPage] = {}

    def put_up(self, key: str, page: StatusPage) -> None:
        """Show a page at `/statuspage/{key}` from now on."""
        self._pages[key] = page

    def routes(self) -> list[Route]:
        """Return the routes."""
        base = "/statuspage/{name}"
        return [
            Route(f"{base}/api/v2/incidents/unresolved.json", self.unresolved),
            Route(f"{base}/api/v2/incidents.json", self.recent),
            Route(f"{base}/incidents/{{id}}", self.incident),
        ]

    async def unresolved(self, request: Request) -> Response:
        """List the open incidents."""
        return self._list(request, unresolved=True)

    async def recent(self, request: Request) -> Response:
        """List the newest incidents."""
        return self._list(request, unresolved=False)

    async def incident(self, request: Request) -> Response:
        """Show one incident: where its short link leads."""
        page = self._pages.get(request.path_params["name"])
        found = next((one for one in page.incidents if one["id"] == request.path_params["id"]), None) if page else None
        return json_answer(200, found) if found else json_answer(404, {"error": "Not found"})

    def _list(self, request: Request, *, unresolved: bool) -> Response:
        page = self._pages.get(request.path_params["name"])
        if page is None:
            return Response("<html><body>Page not found</body></html>", 404, media_type="text/html")
        body = orjson.dumps(page.listed(unresolved=unresolved))
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        return Response(body, media_type="application/json", headers={"etag": etag})
