"""The shape of a schema: tables, columns, keys and indexes, described alike for both databases.

A revision says which migrations ran, not what they produced. A database of a development version,
or one changed by hand, may have the same revision. The shape says what is there.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

Shape = Mapping[str, str]
"""Parts (`event.author`, `event: primary key`, `index ix_batch_open`) to types or columns."""

_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "float"),
    (JSON, "json"),
    (LargeBinary, "bytes"),
    (String, "text"),
)
_NOT_OURS = frozenset({"alembic_version"})


def of_tables(metadata: MetaData) -> dict[str, str]:
    """Return the declared shape of tables."""
    found: dict[str, str] = {}
    for table in metadata.tables.values():
        found[table.name] = "table"
        found[_key(table.name)] = _listed(column.name for column in table.primary_key.columns)
        for column in table.columns:
            found[f"{table.name}.{column.name}"] = _column(column.type, nullable=bool(column.nullable))
        found |= _indexes(table)
    return found


def _indexes(table: Table) -> dict[str, str]:
    found = {
        _index(str(index.name)): _indexed(table.name, [_name_of(part) for part in index.expressions])
        for index in table.indexes
    }
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            names = _listed(column.name for column in constraint.columns)
            found[_unique(table.name, names)] = "unique"
    return found


def _name_of(part: object) -> str | None:
    return part.name if isinstance(part, Column) else None


def of_database(connection: Connection) -> dict[str, str]:
    """Return a database's current shape; foreign tables are omitted only by name (`_NOT_OURS`)."""
    inspector = inspect(connection)
    found: dict[str, str] = {}
    for (_, table), columns in inspector.get_multi_columns().items():
        if table not in _NOT_OURS:
            found[table] = "table"
            found |= {f"{table}.{item['name']}": _column(item["type"], nullable=item["nullable"]) for item in columns}
    for (_, table), key in inspector.get_multi_pk_constraint().items():
        if table not in _NOT_OURS:
            found[_key(table)] = _listed(key["constrained_columns"])
    for (_, table), indexes in inspector.get_multi_indexes().items():
        for item in indexes:
            if item["name"] and not item.get("duplicates_constraint"):
                found[_index(item["name"])] = _indexed(table, item["column_names"])
    for (_, table), constraints in inspector.get_multi_unique_constraints().items():
        found |= {_unique(table, _listed(item["column_names"])): "unique" for item in constraints}
    return found


def _key(table: str) -> str:
    return f"{table}: primary key"


def _index(name: str) -> str:
    return f"index {name}"


def _unique(table: str, columns: str) -> str:
    return f"{table}: unique ({columns})"


def _indexed(table: str, columns: Iterable[str | None]) -> str:
    return f"{table} ({_listed(name or 'an expression' for name in columns)})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _column(kind: TypeEngine[Any], *, nullable: bool) -> str:
    bare = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    word = next((word for known, word in _KINDS if isinstance(bare, known)), type(bare).__name__.lower())
    return word if nullable else f"{word}, not null"


def lacking(found: Shape, needed: Shape) -> list[str]:
    """List what is needed but missing or different; anything extra is harmless and not listed.

    Of a missing table, only the table is listed.
    """
    wrong = [name for name in sorted(needed) if found.get(name) != needed[name]]
    return [name for name in wrong if needed[name] == "table" or _table_of(name, needed[name]) in found]


def _table_of(name: str, what: str) -> str:
    """Return the table of a part: `event.author`, `event: ...`, or an index (from its value)."""
    if name.startswith("index "):
        return what.partition(" ")[0]
    return name.partition(":")[0].partition(".")[0]


def fingerprint(shape: Shape) -> str:
    """Return a shape's fingerprint."""
    lines = "\n".join(f"{name}\t{shape[name]}" for name in sorted(shape))
    return hashlib.sha256(lines.encode()).hexdigest()
