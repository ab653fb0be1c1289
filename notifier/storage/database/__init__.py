"""What callers of `storage` may use of SQLAlchemy: a transaction and a condition."""

from sqlalchemy import ColumnElement, Connection

Condition = ColumnElement[bool]

__all__ = ["Condition", "Connection"]
