"""Column types that mean the same on SQLite and PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, CursorResult, Dialect, Row
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.types import TypeDecorator

AnyRow = Row[*tuple[Any, ...]]
"""A row of a select, with columns as attributes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Json = JSON().with_variant(JSONB(), "postgresql")
BigInt = BigInteger


def to_micros(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00Z, exact for every aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC instant."""
    return _EPOCH + micros * _MICROSECOND


def driver_rows(result: CursorResult[Any]) -> Sequence[tuple[Any, ...]]:
    """Return the rest of a result as the driver's own tuples, with no value converted."""
    cursor: DBAPICursor | None = result.cursor
    rows = cursor.fetchall() if cursor is not None else []
    result.close()
    return rows


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, stored as microseconds since 1970: exact, sortable, portable."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Reject naive times."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a naive datetime reached the database"
            raise TypeError(msg)
        return to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the stored instant as aware UTC."""
        del dialect
        return None if value is None else from_micros(int(value))
