"""Cursors: opaque, URL-safe, and refused politely if made up."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query

from notifier.domain.errors import FieldError, InvalidInputError

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
_MAX_NUMBER = 1 << 63  # the limit of the database's integer columns

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Maximum number of items.")]
Cursor = Annotated[str | None, Query(max_length=1_000, description="`next` of the previous page.")]


def encode(*parts: Any) -> str:
    """Encode a position in a list as a cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Return the parts of a cursor, each of the given type; None if there is no cursor.

    Raises:
        InvalidInputError: We did not issue it.
    """
    if not cursor:
        return None
    refused = InvalidInputError([FieldError("cursor", "is not a cursor of this list")])
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise refused from error
    if not isinstance(parts, list) or len(parts) != len(kinds):
        raise refused
    if not all(_is(part, kind) for part, kind in zip(parts, kinds, strict=True)):
        raise refused
    return tuple(parts)


def _is(part: object, kind: type) -> bool:
    if isinstance(part, bool) or not isinstance(part, kind):
        return False
    if isinstance(part, int):
        return -_MAX_NUMBER <= part < _MAX_NUMBER
    return not (isinstance(part, str) and "\x00" in part)


def page(items: list[Any], following: str | None) -> dict[str, Any]:
    """Return a page in the common list format of this API."""
    return {"items": items, "next": following}


def instant_and_id(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the place of a cursor by time and id.

    Raises:
        InvalidInputError: We did not issue it.
    """
    place = decode(cursor, str, str)
    if place is None:
        return None
    try:
        moment = datetime.fromisoformat(place[0])
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInputError([FieldError("cursor", "is not a cursor of this list")])
    return moment, place[1]


def by_creation(items: Sequence[Mapping[str, Any]], limit: int) -> dict[str, Any]:
    """Return a page of at most `limit` items, ordered by `created_at` and `id`, of which one more was read."""
    shown = list(items[:limit])
    more = len(items) > limit
    return page(shown, encode(shown[-1]["created_at"], shown[-1]["id"]) if more else None)
