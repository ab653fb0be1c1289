"""JSON and empty answers, built as cheaply as a stand-in that must keep up with a bulk sender needs."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

SUCCESS = range(200, 300)
REDIRECT = range(300, 400)


def json_answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose body is `body` as JSON."""
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")


def empty_answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer without a body."""
    return Response(b"", status, headers=headers)


def html_page(status: int) -> bytes:
    """Return the page an edge proxy shows instead of the provider's JSON."""
    title = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}
    line = title.get(status, str(status))
    lines = ("<html>", f"<head><title>{line}</title></head>", "<body>", f"<center><h1>{line}</h1></center>", "</body>")
    return "\r\n".join((*lines, "</html>", "")).encode()
