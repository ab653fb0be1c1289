"""Sessions: logins at providers that allow few of them, kept between processes and restarts, encrypted at rest."""

import logging
from dataclasses import dataclass

from sqlalchemy import select

from notifier.domain.errors import ConfigError
from notifier.services.ports import Clock
from notifier.services.security.secretbox import SecretBox
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.engine import Database

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AccountSessions:
    """Keeps one session per account; see `channels.base.SessionStore`."""

    database: Database
    box: SecretBox
    clock: Clock

    def load(self, account: str) -> str | None:
        """Return what was saved last for an account, or None: also where no key opens it, for a login is easily had."""
        with self.database.read() as connection:
            statement = select(t.account_session.c.sealed).where(t.account_session.c.account == account)
            sealed = connection.execute(statement).scalar_one_or_none()
        try:
            return None if sealed is None else self.box.open(sealed)
        except ConfigError as error:
            _log.warning(
                "a kept login cannot be opened; logging in anew", extra={"account": account, "error": str(error)}
            )
            return None

    def save(self, account: str, session: str) -> None:
        """Keep a session, replacing the one before."""
        values = {"sealed": self.box.seal(session), "updated_at": self.clock()}
        with self.database.write() as connection:
            statement = insert(connection, t.account_session).values(account=account, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["account"], set_=values))
