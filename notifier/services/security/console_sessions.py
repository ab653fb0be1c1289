"""Console sessions. The browser has a random id and no key; the ledger has the id's digest."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.errors import NotifierError, UnavailableError
from notifier.services.metrics_buffer import MetricsBuffer
from notifier.services.ports import Clock
from notifier.services.security.api_keys import ApiKeys, Caller, KeyScope
from notifier.services.security.audit import Actor, Subject, record
from notifier.services.security.key_throttle import KeyThrottle
from notifier.storage.database.engine import Database
from notifier.storage.operations import console_sessions

LASTS, IDLE = timedelta(hours=12), timedelta(hours=1)
_SEEN_EVERY = timedelta(minutes=1)
_RANDOM_BYTES = 32
_SUBJECT = "console"


class SignInRefusedError(NotifierError):
    """A refused sign-in; `cause` is one word, `wait` the seconds until a retry makes sense."""

    def __init__(self, cause: str, wait: int = 0) -> None:
        super().__init__(cause)
        self.cause, self.wait = cause, wait


@dataclass(frozen=True)
class ConsoleSessions:
    """Starts, finds and ends sessions. A session has its key's scopes and ends with the key."""

    database: Database
    keys: ApiKeys
    key_throttle: KeyThrottle
    metrics_buffer: MetricsBuffer
    clock: Clock

    def begin(self, key: str, origin: str) -> str:
        """Sign in; returns the id for the cookie.

        Raises:
            SignInRefusedError: the key is unknown or may not read, or the network sent too many
                wrong ones.
            UnavailableError: the database does not answer.
        """
        caller = self._known(key, origin)
        shown, now = secrets.token_urlsafe(_RANDOM_BYTES), self.clock()
        kind, holder = self.keys.holder(caller)
        with self.database.write() as connection:
            console_sessions.add(
                connection, digest=_digest(shown), kind=kind, holder=holder, now=now, until=now + LASTS
            )
            record(connection, caller.acting_from(origin), "console.signed_in", Subject(_SUBJECT, caller.id), at=now)
        self.keys.note_use(caller)
        return shown

    def of(self, shown: str) -> Caller | None:
        """Return the session's holder; None if it has ended.

        Raises:
            UnavailableError: the database does not answer.
        """
        if not shown:
            return None
        now, digest = self.clock(), _digest(shown)
        with self.database.read() as connection:
            row = console_sessions.find(connection, digest)
        if row is None or now >= row.expires_at or now - row.last_seen_at >= IDLE:
            return None
        caller = self.keys.held_by(row.kind, row.holder)
        if caller is not None and now - row.last_seen_at >= _SEEN_EVERY:
            self._touch(digest)
            self.keys.note_use(caller)
        return caller

    def end(self, shown: str, actor: Actor) -> None:
        """Sign out."""
        with self.database.write() as connection:
            if console_sessions.end(connection, _digest(shown)):
                record(connection, actor, "console.signed_out", Subject(_SUBJECT, actor.name), at=self.clock())

    def _touch(self, digest: str) -> None:
        with suppress(UnavailableError), self.database.write() as connection:  # may be read-only
            console_sessions.touch(connection, digest, self.clock())

    def _known(self, key: str, origin: str) -> Caller:
        wait = self.key_throttle.pause(origin)
        if wait:
            raise self._refused("paused", origin, wait)
        caller = self.keys.authenticate(key)
        if caller is None:
            raise self._refused("unknown", origin, self.key_throttle.note(origin))
        if KeyScope.READ not in caller.scopes:
            raise self._refused("scope", origin)
        return caller

    def _refused(self, cause: str, origin: str, wait: int = 0) -> SignInRefusedError:
        self.metrics_buffer.key_refused("console", cause)
        if self.key_throttle.is_worth_noting():
            with self.database.write() as connection:
                subject, actor = Subject(_SUBJECT, "sign-in"), Actor("unknown", origin)
                record(connection, actor, "console.sign_in_refused", subject, at=self.clock(), detail={"cause": cause})
        return SignInRefusedError(cause, wait)


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()
