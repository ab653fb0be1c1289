"""The outbox of transactional mail.

Finished mail stays for a day: the limit per address counts it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from notifier.domain.messages.transactional_mail import (
    ABOUT_ENDPOINTS,
    MAILED,
    NewTransactionalMail,
    TransactionalKind,
    TransactionalMail,
)
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_L = t.outbox.c


def add(connection: Connection, mail: NewTransactionalMail, now: datetime) -> int:
    """Add mail to the outbox, due at once; returns its id."""
    row = {
        "kind": mail.kind.value,
        "subject_id": mail.subject_id,
        "address_key": mail.address_key,
        "expires_at": mail.expires_at,
        "due_at": now,
        "created_at": now,
        "detail": None if mail.detail is None else dict(mail.detail),
    }
    statement = insert(connection, t.outbox).values(row).returning(_L.id)
    return int(connection.execute(statement).scalar_one())


def count_since(connection: Connection, mail: NewTransactionalMail, since: datetime) -> int:
    """Count the mail written since then to this one's address, or of its kind for its subject."""
    to_same = _L.address_key == mail.address_key
    of_same = and_(_L.subject_id == mail.subject_id, _L.kind == mail.kind.value)
    statement = select(func.count()).select_from(t.outbox).where(or_(to_same, of_same), _L.created_at > since)
    return int(connection.execute(statement).scalar_one())


def count_due(connection: Connection, now: datetime, limit: int) -> int:
    """Count the mail due now, up to `limit`."""
    found = connection.execute(select(_L.id).where(_L.due_at <= now).limit(limit))
    return len(found.all())


def claim(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    kinds: Collection[TransactionalKind] = MAILED,
) -> Sequence[TransactionalMail]:
    """Claim due mail, oldest first; it is due again when the lease expires without a result."""
    of_kind = _L.kind.in_([kind.value for kind in kinds])
    due = select(_L.id).where(_L.due_at <= now, of_kind).order_by(_L.due_at, _L.id).limit(limit)
    ids = list(connection.execute(due.with_for_update(skip_locked=True)).scalars())
    if not ids:
        return ()
    values: dict[str, Any] = {"due_at": now + lease, "lease_owner": owner, "attempts": _L.attempts + 1}
    statement = update(t.outbox).where(_L.id.in_(ids)).values(values)
    rows = connection.execute(statement.returning(t.outbox)).all()
    return [
        TransactionalMail(
            id=row.id,
            kind=TransactionalKind(row.kind),
            subject_id=row.subject_id,
            address_key=row.address_key,
            expires_at=row.expires_at,
            attempts=row.attempts,
            detail=row.detail,
        )
        for row in sorted(rows, key=lambda row: int(row.id))
    ]


def finish(connection: Connection, mail: TransactionalMail, owner: str) -> bool:
    """Mark mail as finished: sent, undeliverable or obsolete. False if another worker holds it."""
    return _settle(connection, mail, owner, {"due_at": None})


def put_off(connection: Connection, mail: TransactionalMail, owner: str, due_at: datetime, *, counts: bool) -> bool:
    """Retry mail later; `counts`: this attempt counts. False if another worker holds it."""
    values: dict[str, Any] = {"due_at": due_at}
    if not counts:
        values["attempts"] = _L.attempts - 1
    return _settle(connection, mail, owner, values)


def is_held(connection: Connection, mail: TransactionalMail, owner: str) -> bool:
    """Whether `owner` still holds claimed mail."""
    return connection.execute(select(_L.id).where(_held(mail, owner))).one_or_none() is not None


def end_leases(connection: Connection, owner: str, now: datetime) -> int:
    """Make due the mail a dead worker held; returns the count."""
    held = and_(_L.lease_owner == owner, _L.due_at.is_not(None))
    return connection.execute(update(t.outbox).where(held).values(due_at=now, lease_owner=None)).rowcount


def _held(mail: TransactionalMail, owner: str) -> ColumnElement[bool]:
    return and_(_L.id == mail.id, _L.lease_owner == owner, _L.attempts == mail.attempts)


def _settle(connection: Connection, mail: TransactionalMail, owner: str, values: dict[str, Any]) -> bool:
    statement = update(t.outbox).where(_held(mail, owner)).values(**values, lease_owner=None)
    return connection.execute(statement).rowcount == 1


def forget(connection: Connection, subject_id: int) -> None:
    """Delete mail to a subscriber who is erased."""
    endpoints = [kind.value for kind in ABOUT_ENDPOINTS]  # endpoints have row ids of their own
    connection.execute(delete(t.outbox).where(_L.subject_id == subject_id, _L.kind.not_in(endpoints)))


def has_done(connection: Connection, before: datetime) -> bool:
    """Whether finished mail written before then exists."""
    found = connection.execute(select(_L.id).where(_L.due_at.is_(None), _L.created_at < before).limit(1))
    return found.one_or_none() is not None


def forget_done(connection: Connection, before: datetime, limit: int) -> int:
    """Delete finished mail written before then, at most `limit`; returns the count."""
    old = select(_L.id).where(_L.due_at.is_(None), _L.created_at < before).limit(limit)
    return int(connection.execute(delete(t.outbox).where(_L.id.in_(old))).rowcount)
