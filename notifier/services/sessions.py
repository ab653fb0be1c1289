"""Sessions: logins at providers that allow few of them, kept between processes and restarts, encrypted at rest."""

from dataclasses import dataclass

from sqlalchemy import select

from notifier.services.ports import Clock
from notifier.services.secretbox import SecretBox
from notifier.storage import tables as t
from notifier.storage.dialect import insert
from notifier.storage.engine import Database


@dataclass(frozen=True)
class AccountSessions:
    """Keeps one session per account; see `channels.base.SessionStore`."""

    database: Database
    box: SecretBox
    clock: Clock

    def load(self, account: str) -> str | None:
        """Return what was saved last for an account, or None."""
        with self.database.read() as connection:
            statement = select(t.account_session.c.sealed).where(t.account_session.c.account == account)
            sealed = connection.execute(statement).scalar_one_or_none()
        return None if sealed is None else self.box.open(sealed)

    def save(self, account: str, session: str) -> None:
        """Keep a session, replacing the one before."""
        values = {"sealed": self.box.seal(session), "updated_at": self.clock()}
        with self.database.write() as connection:
            statement = insert(connection, t.account_session).values(account=account, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["account"], set_=values))
