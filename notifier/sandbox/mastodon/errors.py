"""Mastodon's error bodies: `{"error": "..."}`."""

from collections.abc import Mapping

from starlette.responses import Response

from notifier.sandbox.answers import json_answer

_MESSAGES = {
    400: "Bad request",
    401: "The access token is invalid",
    403: "This action is not allowed",
    404: "Record not found",
    405: "Method not allowed",
    422: "Validation failed",
    429: "Too many requests",
    500: "We're sorry, but something went wrong on our end.",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


class Refused(Exception):  # noqa: N818  a response, not an error of ours
    """A call that gets an error response."""

    def __init__(self, status: int, message: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.headers = status, dict(headers or {})
        self.message = message or _MESSAGES[status]


def standard_refusal(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error response with the standard message of a status."""
    return json_answer(status, {"error": _MESSAGES.get(status, "Error")}, headers)
