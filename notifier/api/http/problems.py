"""Errors as RFC 9457 problem documents: they name the invalid fields, and leak no secrets."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from notifier.api.http.security_headers import SECURITY_HEADERS
from notifier.domain.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    MalformedInputError,
    NotFoundError,
    OutdatedError,
    UnavailableError,
    UnknownRecipientError,
    UnsupportedFormatError,
    VersionConflictError,
)
from notifier.observability import get_logger

_log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
# How parsers of bodies report malformed JSON; they add line and column.
_MALFORMED = ("Invalid JSON", "broken JSON")
_PLACES = frozenset({"body", "query", "path", "header"})
_MAX_ERRORS = 50
_STATUS_OF: dict[type[InvalidInputError], int] = {MalformedInputError: 400, UnsupportedFormatError: 415}


class OverloadedError(Exception):
    """Too many requests; nothing was stored."""


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    kind: str = "about:blank",
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Build a problem document.

    `errors` is always present, so that clients can loop over it; `more` has extension members.
    """
    body = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"field": error.field, "message": error.message} for error in errors],
        **(more or {}),
    }
    # Repeated here for errors raised outside RequestContextMiddleware.
    whole = {**SECURITY_HEADERS, **(headers or {})}
    return Response(orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE, headers=whole)


def invalid(errors: Sequence[FieldError], status: int = 422) -> Response:
    """Refuse input: with 400 if it is not JSON, else with `status`."""
    detail = f"{errors[0].field}: {errors[0].message}" if len(errors) == 1 else f"{len(errors)} fields are invalid"
    malformed = len(errors) == 1 and errors[0].field == "body" and errors[0].message.startswith(_MALFORMED)
    return problem(400 if malformed else status, detail, errors=errors)


def unavailable(detail: str, seconds: int = RETRY_SECONDS, *, more: Mapping[str, Any] | None = None) -> Response:
    """Return 503 with `Retry-After`. Never 429: Alertmanager drops what is answered with it."""
    return problem(503, detail, headers={"Retry-After": str(seconds)}, more=more)


def overloaded() -> Response:
    """Return 503: too many requests right now."""
    return unavailable("Too many requests at once. Nothing was stored; try again.", seconds=1)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidInputError)  # noqa: S101 - registered for this type
    return invalid(error.errors, _STATUS_OF.get(type(error), 422))


async def _not_found(_request: Request, error: Exception) -> Response:
    errors = [error.fault] if isinstance(error, UnknownRecipientError) else []
    return problem(404, str(error), errors=errors)


async def _conflict(_request: Request, error: Exception) -> Response:
    return problem(409, str(error))


async def _other_version(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VersionConflictError)  # noqa: S101 - registered for this type
    fault = FieldError("version", f"is not the latest version any more: {error.version} is")
    return problem(409, str(error), errors=[fault], more={"code": "version_conflict", "version": error.version})


async def _outdated(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OutdatedError)  # noqa: S101 - registered for this type
    fault = FieldError("after", f"is no longer the latest update: {error.newest['id']} is")
    return problem(409, str(error), errors=[fault], more={"code": "conflict", "newest": error.newest})


async def _unavailable(request: Request, error: Exception) -> Response:
    _log.error("request_unavailable", route=route_of(request.scope), error=str(error))
    return unavailable("The database or the broker is unavailable. Nothing was stored; try again.")


async def _overloaded(_request: Request, _error: Exception) -> Response:
    return overloaded()


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return problem(400, "The request ended before its body was complete")


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    return invalid([FieldError(_dotted(item["loc"]), str(item["msg"])) for item in error.errors()[:_MAX_ERRORS]])


async def _bug(request: Request, error: Exception) -> Response:
    # The server logs the traceback; this line identifies the request.
    _log.error("request_crashed", route=route_of(request.scope), error=type(error).__name__)
    return problem(500, "Internal error; it has been logged")


def route_of(scope: Mapping[str, Any]) -> str:
    """Return the route template, such as `/v1/incidents/{incident_id}`; paths may hold tokens."""
    return str(getattr(scope.get("route"), "path_format", None) or "unmatched")


def _dotted(location: Sequence[Any]) -> str:
    parts = [str(part)[:100] for part in (location[1:] if location and location[0] in _PLACES else location)]
    return ".".join(parts) or "body"


def install(app: FastAPI) -> None:
    """Answer every error of the API with a problem document."""
    app.add_exception_handler(InvalidInputError, _invalid)
    app.add_exception_handler(NotFoundError, _not_found)
    app.add_exception_handler(ConflictError, _conflict)
    app.add_exception_handler(OutdatedError, _outdated)
    app.add_exception_handler(VersionConflictError, _other_version)
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(OverloadedError, _overloaded)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)
