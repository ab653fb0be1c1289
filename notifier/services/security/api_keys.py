"""API keys: shown once, stored as digests, each with its scopes."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError, UnavailableError
from notifier.domain.ids import new_ulid
from notifier.domain.proposals.source_rules import SOURCE_NAME, SOURCE_NAME_FAULT
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, record, shortened
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.operations import api_keys

PREFIX = "ntf_key_"
_RANDOM_BYTES = 32
_NOTED_EVERY = timedelta(minutes=1)
_MAX_NAME = 100
_MAX_SHOWN = 60  # characters of a name, so that an actor fits the audit trail
_MAX_PRESENTED = 512  # longer than any key: not worth hashing
ADMIN_NAME = "admin"
_KEY, _MARK_LENGTH = "key", 32


class KeyScope(StrEnum):
    """What a key may do."""

    PUBLISH = "publish"  # submit events
    MANAGE = "manage"  # change subscribers, endpoints, keys; replay; everything `read` allows
    READ = "read"  # read everything
    ANNOUNCE = "announce"  # submit events that `[guard]` would otherwise hold for a release


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller: the key's id, name and scopes. `source`: the only one it may hand in for; None: any."""

    id: str
    name: str
    scopes: frozenset[KeyScope]
    source: str | None = None

    def acting_from(self, origin: str) -> Actor:
        """Return the audit actor: `key:admin`, or `key:<id> (<name>)`, as names are not unique."""
        if self.id == ADMIN_NAME:
            return Actor(f"key:{ADMIN_NAME}", origin)
        return Actor(f"key:{self.id} ({shortened(self.name, _MAX_SHOWN)})", origin)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key; `plaintext` is shown only now."""

    id: str
    name: str
    scopes: frozenset[KeyScope]
    plaintext: str = field(repr=False)


_FOR_A_SOURCE = frozenset({KeyScope.PUBLISH.value, KeyScope.ANNOUNCE.value})
_ADMIN = Caller(ADMIN_NAME, ADMIN_NAME, frozenset(KeyScope))


def _digest(plaintext: str) -> str:
    """SHA-256 is enough: a key has 256 random bits, so guessing is infeasible at any speed."""
    return hashlib.sha256(plaintext.encode()).hexdigest()


def _opened(scopes: Iterable[str]) -> frozenset[KeyScope]:
    given = frozenset(map(KeyScope, scopes))
    return given | {KeyScope.READ} if KeyScope.MANAGE in given else given


class ApiKeys:
    """Creates, checks and revokes keys. The admin token has all scopes and is not in the ledger."""

    def __init__(self, database: Database, clock: Clock, admin_token: str) -> None:
        """Store the settings; `admin_token` is NOTIFIER_ADMIN_TOKEN."""
        self._database = database
        self._clock = clock
        self._admin_digest = _digest(admin_token)
        self._noted: dict[str, datetime] = {}  # when this process last recorded each key's use
        self._admin_mark = _digest(f"session {admin_token}")[:_MARK_LENGTH]  # opens nothing by itself

    def authenticate(self, presented: str) -> Caller | None:
        """Return the caller of this key; None if it is unknown, revoked or expired.

        Raises:
            UnavailableError: the database does not answer; the admin token works without it.
        """
        if not presented or len(presented) > _MAX_PRESENTED:
            return None
        digest = _digest(presented)
        if hmac.compare_digest(digest, self._admin_digest):
            return _ADMIN
        if not presented.startswith(PREFIX):
            return None
        with self._database.read() as connection:
            row = api_keys.find(connection, digest, self._clock())
        return None if row is None else Caller(row.id, row.name, _opened(row.scopes), row.source)

    def holder(self, caller: Caller) -> tuple[str, str]:
        """Return what a session stores of its holder: kind and id, as arguments of `held_by`."""
        return (ADMIN_NAME, self._admin_mark) if caller.id == ADMIN_NAME else (_KEY, caller.id)

    def held_by(self, kind: str, holder: str) -> Caller | None:
        """Return a session's holder; None if the key was revoked or the admin token has changed.

        Raises:
            UnavailableError: the database does not answer.
        """
        if kind == ADMIN_NAME:
            return _ADMIN if hmac.compare_digest(holder, self._admin_mark) else None
        with self._database.read() as connection:
            row = api_keys.find_by_id(connection, holder, self._clock()) if kind == _KEY else None
        return None if row is None else Caller(row.id, row.name, _opened(row.scopes), row.source)

    def note_use(self, caller: Caller) -> None:
        """Record a key's use, to the minute. Skipped if the database is not writable."""
        now = self._clock()
        noted = self._noted.get(caller.id)
        if caller.id == ADMIN_NAME or (noted is not None and now - noted < _NOTED_EVERY):
            return
        self._noted[caller.id] = now
        with suppress(UnavailableError), self._database.write() as connection:
            api_keys.note_use(connection, caller.id, now, unless_since=now - _NOTED_EVERY)

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        actor: Actor,
        *,
        expires_at: datetime | None = None,
        source: str | None = None,
    ) -> NewKey:
        """Create a key, permanent or with an expiry.

        Raises:
            InvalidInputError: `name`, `scopes`, `source` or `expires` is invalid.
        """
        wanted = sorted(set(scopes))
        now = self._clock()
        _check(name, wanted, source)
        if expires_at is not None and expires_at <= now:
            raise InvalidInputError([FieldError("expires", "must lie in the future")])
        plaintext = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        made = NewKey(f"key_{new_ulid(now)}", name, frozenset(map(KeyScope, wanted)), plaintext)
        with self._database.write() as connection:
            api_keys.add(
                connection,
                key_id=made.id,
                name=name,
                digest=_digest(plaintext),
                scopes=wanted,
                now=now,
                expires_at=expires_at,
                source=source,
            )
            detail: dict[str, Any] = {"name": name, "scopes": wanted}
            if source is not None:
                detail["source"] = source
            if expires_at is not None:
                detail["expires_at"] = instant_to_json(expires_at)
            record(connection, actor, "api_key.created", Subject("api_key", made.id), at=now, detail=detail)
        return made

    def revoke(self, key_id: str, actor: Actor) -> None:
        """Revoke a key. Idempotent.

        Raises:
            NotFoundError: there is no such key.
        """
        now = self._clock()
        with self._database.write() as connection:
            if not api_keys.revoke(connection, key_id, now):
                raise NotFoundError("API key", key_id)
            record(connection, actor, "api_key.revoked", Subject("api_key", key_id), at=now)

    def list(self) -> list[dict[str, Any]]:
        """Return every key without its secret, oldest first."""
        with self._database.read() as connection:
            rows = api_keys.listed(connection)
        return [
            {
                "id": row.id,
                "name": row.name,
                "scopes": row.scopes,
                "source": row.source,
                "created_at": instant_to_json(row.created_at),
                "revoked_at": instant_to_json(row.revoked_at),
                "expires_at": instant_to_json(row.expires_at),
                "last_used_at": instant_to_json(row.last_used_at),
            }
            for row in rows
        ]


def _check(name: str, scopes: list[str], source: str | None) -> None:
    faults = []
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        faults.append(FieldError("name", f"must be 1 to {_MAX_NAME} printable characters"))
    if name.strip().casefold() == ADMIN_NAME:
        faults.append(FieldError("name", "is reserved for the admin token; say whose key it is"))
    unknown = [scope for scope in scopes if scope not in set(KeyScope)]
    if unknown:
        faults.append(FieldError("scopes", f"unknown: {', '.join(repr(scope[:40]) for scope in unknown)}"))
    if not scopes:
        faults.append(FieldError("scopes", f"at least one of {', '.join(KeyScope)}"))
    if source is not None and not SOURCE_NAME.fullmatch(source):
        faults.append(FieldError("source", SOURCE_NAME_FAULT))
    if source is not None and not set(scopes) <= _FOR_A_SOURCE:
        faults.append(FieldError("scopes", "a key that is bound to a source takes publish and announce only"))
    if faults:
        raise InvalidInputError(faults)
