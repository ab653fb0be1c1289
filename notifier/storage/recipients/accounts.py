"""Social accounts as configured, and their encrypted login sessions."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from notifier.domain.messages.brand import Account
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert


def synchronize(connection: Connection, accounts: Sequence[Account]) -> None:
    """Make exactly these accounts active; their ids and history stay."""
    names = [account.name for account in accounts]
    connection.execute(update(t.account).where(t.account.c.name.not_in(names)).values(active=False))
    for account in accounts:
        facts = {"platform": account.platform.value, "locale": account.locale, "active": True}
        statement = insert(connection, t.account).values(name=account.name, **facts)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=facts))


def session(connection: Connection, account: str) -> str | None:
    """Return an account's saved session, encrypted; None without one."""
    statement = select(t.account_session.c.sealed).where(t.account_session.c.account == account)
    return connection.execute(statement).scalar_one_or_none()


def save_session(connection: Connection, account: str, sealed: str, now: datetime) -> None:
    """Replace an account's session."""
    values = {"sealed": sealed, "updated_at": now}
    statement = insert(connection, t.account_session).values(account=account, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["account"], set_=values))
