"""Cursors: opaque, URL-safe, and refused politely when somebody made one up."""

import base64
import binascii
from typing import Annotated, Any

import orjson
from fastapi import Query

from notifier.domain.errors import FieldError, InvalidInputError

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most items of the answer.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the answer before.")]


def encode(*parts: Any) -> str:
    """Return a cursor that stands for a place in a list."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Return the parts of a cursor, each of the kind named; None where none was given.

    Raises:
        InvalidInputError: it is none of ours.
    """
    if cursor is None:
        return None
    refused = InvalidInputError([FieldError("cursor", "is not a cursor of this list")])
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise refused from error
    if not isinstance(parts, list) or len(parts) != len(kinds):
        raise refused
    if not all(isinstance(part, kind) for part, kind in zip(parts, kinds, strict=True)):
        raise refused
    return tuple(parts)


def page(items: list[Any], following: str | None) -> dict[str, Any]:
    """Return a list in the form of every list of this API."""
    return {"items": items, "next": following}
