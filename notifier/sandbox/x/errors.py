"""X's problem bodies."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from notifier.sandbox.answers import json_answer

FORBIDDEN = 403
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
REPLY_REFUSED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author "
    "of the post you are replying to."
)
REPLY_GONE = "You attempted to reply to a Tweet that is deleted or not visible to you."
TOO_LONG = "Your Tweet text is too long. For more information see https://developer.x.com/en/docs/counting-characters."


class Refused(Exception):  # noqa: N818  a response, not an error of ours
    """A call that gets a problem body."""

    def __init__(self, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, dict(headers or {})


_TITLES = {
    400: "Invalid Request",
    401: "Unauthorized",
    402: "CreditsDepleted",
    403: "Forbidden",
    404: "Not Found Error",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def problem(status: int, detail: str | None = None, **more: object) -> dict[str, Any]:
    """Return a problem body; `detail` defaults to the title."""
    title = _TITLES.get(status, "Error")
    return {"title": title, "detail": detail or title, "type": "about:blank", "status": status} | more


def invalid(message: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the 400 body for an invalid parameter."""
    return {
        "errors": [{"parameters": dict(parameters or {}), "message": message}],
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
    }


def credits_depleted(account_id: str) -> dict[str, Any]:
    """Return the 402 body."""
    return {
        "type": "https://api.twitter.com/2/problems/credits",
        "title": "CreditsDepleted",
        "detail": f"Your enrolled account [{account_id}] does not have any credits to fulfill this request.",
    }


def not_found(kind: str, value: str) -> dict[str, Any]:
    """Return the 404 body for a missing resource."""
    return problem(
        404,
        f"Could not find {kind} with id: [{value}].",
        resource_type=kind,
        resource_id=value,
        value=value,
        parameter="id",
        type="https://api.twitter.com/2/problems/resource-not-found",
    )


def standard_refusal(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error response with the standard body of a status."""
    special = {400: invalid("The request is invalid."), 402: credits_depleted("1000000000")}
    return json_answer(status, special.get(status) or problem(status), headers)
