"""Synchronize the accounts in the ledger with the configuration."""

from collections.abc import Sequence

from notifier.domain.messages.brand import Account
from notifier.storage.database.engine import Database
from notifier.storage.recipients import accounts as rows


def sync_accounts(database: Database, accounts: Sequence[Account]) -> None:
    """Activate exactly the configured accounts; ids and history stay."""
    with database.write() as connection:
        rows.synchronize(connection, accounts)
