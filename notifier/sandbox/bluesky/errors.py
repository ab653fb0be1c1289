"""XRPC error bodies: `{"error": Name, "message": text}`."""

from collections.abc import Mapping

from starlette.responses import Response

from notifier.sandbox.answers import json_answer

_STANDARD = {
    400: ("InvalidRequest", "Invalid request"),
    401: ("AuthenticationRequired", "Authentication Required"),
    403: ("AccountTakedown", "Account has been taken down"),
    404: ("XRPCNotSupported", "XRPCNotSupported"),
    405: ("InvalidRequest", "Incorrect HTTP method"),
    413: ("PayloadTooLarge", "request entity too large"),
    429: ("RateLimitExceeded", "Rate Limit Exceeded"),
    500: ("InternalServerError", "Internal Server Error"),
    502: ("UpstreamFailure", "Upstream Failure"),
    503: ("NotEnoughResources", "Not Enough Resources"),
    504: ("UpstreamTimeout", "Upstream Timeout"),
}


class Refused(Exception):  # noqa: N818  a response, not an error of ours
    """A call that gets an error response."""

    def __init__(
        self, status: int, name: str = "", message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        standard = _STANDARD.get(status, ("Error", "Error"))
        self.status, self.headers = status, dict(headers or {})
        self.name, self.message = name or standard[0], message or standard[1]


def standard_refusal(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error response with the standard error of a status."""
    refused = Refused(status)
    return json_answer(status, {"error": refused.name, "message": refused.message}, headers)
