"""What callers of `storage` may name of SQLAlchemy: the transaction they hold, and a condition they pass on."""

from sqlalchemy import ColumnElement, Connection

Condition = ColumnElement[bool]

__all__ = ["Condition", "Connection"]
