"""SendGrid's error bodies, `{"errors": [{"message", "field", "help"}]}` (error catalogue)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from notifier.sandbox.answers import json_answer

STANDARD = {
    400: "Bad Request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "content too large",
    415: "unsupported media type",
    429: "too many requests",
    500: "internal server error",
    502: "bad gateway",
    503: "service unavailable",
    504: "gateway timeout",
}
CREDITS = "Maximum credits exceeded"
SENDER = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. "
    "Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see the Sender Identity "
    "requirements"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One error in a request; `field` is a dotted path such as `personalizations.0.to.0.email`."""

    message: str
    field: str | None = None


BAD_REQUEST = Problem(STANDARD[400])


def refusal(status: int, problems: Sequence[Problem], headers: Mapping[str, str] | None = None) -> Response:
    """Return SendGrid's error response."""
    errors = [{"message": problem.message, "field": problem.field, "help": None} for problem in problems]
    return json_answer(status, {"errors": errors}, headers)


def standard_refusal(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error response with the standard message of a status."""
    return refusal(status, [Problem(STANDARD.get(status, "error"))], headers)
