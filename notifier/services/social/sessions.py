"""Sessions at providers that allow few logins, kept encrypted across processes and restarts."""

from dataclasses import dataclass

from notifier.domain.errors import ConfigError
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.services.security.secretbox import SecretBox
from notifier.storage.database.engine import Database
from notifier.storage.recipients import accounts

_log = get_logger(__name__)


@dataclass(frozen=True)
class AccountSessions:
    """Keeps one session per account; see `channels.base.SessionStore`."""

    database: Database
    box: SecretBox
    clock: Clock

    def load(self, account: str) -> str | None:
        """Return an account's last session; None if absent or undecryptable (then log in again)."""
        with self.database.read() as connection:
            sealed = accounts.session(connection, account)
        try:
            return None if sealed is None else self.box.open(sealed)
        except ConfigError as error:
            _log.warning("social_session_unreadable", account=account, error=str(error))
            return None

    def save(self, account: str, session: str) -> None:
        """Store an account's session, replacing the previous one."""
        sealed = self.box.seal(session)
        with self.database.write() as connection:
            accounts.save_session(connection, account, sealed, self.clock())
