"""JSON and empty responses, built cheaply, because a simulator must keep up with a bulk sender."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

SUCCESS = range(200, 300)
REDIRECT = range(300, 400)


def json_answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with `body` as JSON."""
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")


def empty_answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response without a body."""
    return Response(b"", status, headers=headers)


def html_page(status: int) -> bytes:
    """Return the HTML page that an edge proxy sends instead of the provider's JSON."""
    title = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}
    line = title.get(status, str(status))
    lines = ("<html>", f"<head><title>{line}</title></head>", "<body>", f"<center><h1>{line}</h1></center>", "</body>")
    return "\r\n".join((*lines, "</html>", "")).encode()
