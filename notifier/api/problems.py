"""Errors as RFC 9457 problem documents, each naming the fields at fault; never a traceback, never a secret."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from notifier.domain.errors import ConflictError, FieldError, InvalidInputError, NotFoundError, UnavailableError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 5


def problem(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    kind: str = "about:blank",
) -> Response:
    """Build a problem document; `errors` is always there, so that a client can loop over it."""
    body = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"field": error.field, "message": error.message} for error in errors],
    }
    return Response(orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidInputError)  # noqa: S101 - registered for this type
    detail = error.errors[0].message if len(error.errors) == 1 else f"{len(error.errors)} fields are at fault"
    return problem(422, detail, errors=error.errors)


async def _not_found(_request: Request, error: Exception) -> Response:
    return problem(404, str(error))


async def _conflict(_request: Request, error: Exception) -> Response:
    return problem(409, str(error))


async def _unavailable(request: Request, error: Exception) -> Response:
    _log.error("unavailable", extra={"path": request.url.path, "error": str(error)})
    detail = "A store that this needs does not answer. Nothing was stored; try again."
    return problem(503, detail, headers={"Retry-After": str(_RETRY_SECONDS)})


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    return problem(error.status_code, str(error.detail), headers=error.headers)


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    faults = [FieldError(_dotted(item["loc"]), str(item["msg"])) for item in error.errors()]
    return problem(422, "The request does not have the form asked for", errors=faults)


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("unhandled error", exc_info=error, extra={"path": request.url.path})
    return problem(500, "This is a fault of ours; it was logged.")


def _dotted(location: Sequence[Any]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts) or "body"


def install(app: FastAPI) -> None:
    """Answer every error of the API with a problem document."""
    app.add_exception_handler(InvalidInputError, _invalid)
    app.add_exception_handler(NotFoundError, _not_found)
    app.add_exception_handler(ConflictError, _conflict)
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)
