"""Accounts: the ledger's rows follow the configuration."""

from collections.abc import Sequence

from sqlalchemy import update

from notifier.domain.house import Account
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.engine import Database


def sync_accounts(database: Database, accounts: Sequence[Account]) -> None:
    """Make the configured accounts, and only those, active; their numbers and history stay."""
    names = [account.name for account in accounts]
    with database.write() as connection:
        connection.execute(update(t.account).where(t.account.c.name.not_in(names)).values(active=False))
        for account in accounts:
            facts = {"platform": account.platform.value, "locale": account.locale, "active": True}
            statement = insert(connection, t.account).values(name=account.name, **facts)
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=facts))
