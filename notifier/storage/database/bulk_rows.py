"""Many rows in one parameter: a JSON text that the database unpacks.

One statement for hundreds of rows costs one round trip and releases Python's global lock while it
runs. A driver's `executemany` takes and releases that lock for every row, which delays concurrent
webhook requests each time.
"""

from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import Connection

from notifier.storage.database.dialect import is_sqlite

Columns = Mapping[str, str]
"""Column names to types: `bigint` or `text`."""


def packed(rows: Sequence[Sequence[str | int | None]]) -> str:
    """Return rows as the parameter `rows` of a statement."""
    return orjson.dumps(rows).decode()


def plain(value: str) -> str:
    """Return a text that every database accepts: without NUL and lone surrogates."""
    return value.encode("utf-8", "replace").decode().replace("\0", "")


def rows_sql(connection: Connection, columns: Columns) -> str:
    """Return a SELECT of the rows in the parameter `rows`, in the order of `columns`."""
    if is_sqlite(connection):
        parts = [f"json_extract(value, '$[{index}]') AS {name}" for index, name in enumerate(columns)]
        return f"SELECT {', '.join(parts)} FROM json_each(:rows)"  # noqa: S608 - names of our own
    parts = [f"CAST(value ->> {index} AS {kind}) AS {name}" for index, (name, kind) in enumerate(columns.items())]
    return f"SELECT {', '.join(parts)} FROM jsonb_array_elements(CAST(:rows AS jsonb))"  # noqa: S608 - our own
