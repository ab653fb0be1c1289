"""The installation's secret keys: check them, count their use, re-encrypt under the newest.

Keys encrypt endpoints' secrets and headers, and accounts' sessions; they sign the links in mails.
The ledger has a fingerprint of each key last configured, so that wrong keys are noticed before
harm.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import orjson

from notifier.domain.errors import ConfigError
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.services.security.secretbox import SecretBox, fingerprint
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation, sealed_columns

ENDPOINT, SESSION = "endpoint", "account session"  # purposes of `SecretBox`
_VARIABLE = "NOTIFIER_SECRET_KEYS"
_META = "secret_keys"
_LOOK_AGAIN = timedelta(hours=1)  # other processes may still encrypt with the previous key
_WAY_OUT = (
    "give the former key, behind a new one if you want one; if it is lost for good, "
    "run `notifier keys reseal --accept-loss`"
)
_log = get_logger(__name__)


@dataclass(slots=True)
class Resealed:
    """Result of re-encryption: number of rows, and whose secrets no configured key decrypts."""

    rows: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Number of encrypted texts per key, in the keys' order; `unreadable`: under no given key."""

    fingerprints: tuple[str, ...]
    texts: tuple[int, ...]
    unreadable: int


class KeyRing:
    """Manages the secret keys of one installation."""

    def __init__(self, database: Database, keys: Sequence[str], clock: Clock) -> None:
        """Take the keys, newest first.

        Raises:
            ConfigError: there is no key.
        """
        self._database, self._clock = database, clock
        self._fingerprints = tuple(fingerprint(key) for key in keys)
        self._boxes = {purpose: SecretBox(keys, purpose) for purpose in (ENDPOINT, SESSION)}

    def check(self) -> None:
        """Reject keys if none of them is known to this installation; store new fingerprints.

        Raises:
            ConfigError: names the variable and what would be lost.
            UnavailableError: the database does not answer.
        """
        with self._database.read() as connection:
            known = _known(connection)
            lost = self._lost(connection, known)
        if lost:
            raise ConfigError(_VARIABLE, f"none of the keys given belongs to this installation: {lost}; {_WAY_OUT}")
        if known != self._fingerprints:
            self.accept()

    def _lost(self, connection: Connection, known: Sequence[str]) -> str | None:
        """Return what would be unusable with the given keys; None if nothing would."""
        if set(known) & set(self._fingerprints):
            return None
        use = self._use(connection)
        if use.unreadable and not sum(use.texts):
            return f"{use.unreadable} stored secrets were sealed with another"
        if known and sealed_columns.has_signed_links(connection):
            return "the links in mails already sent were signed with another"
        return None

    def accept(self) -> None:
        """Accept the given keys as this installation's from now on."""
        with self._database.write() as connection:
            installation.put(connection, _META, orjson.dumps(self._fingerprints))

    def use(self) -> KeyUse:
        """Count what depends on each key."""
        with self._database.read() as connection:
            return self._use(connection)

    def _use(self, connection: Connection) -> KeyUse:
        counts: Counter[int | None] = Counter()
        for found in sealed_columns.every_endpoint(connection):
            counts.update(map(self._boxes[ENDPOINT].key_index, found.texts))
        counts.update(map(self._boxes[SESSION].key_index, sealed_columns.sessions(connection).values()))
        texts = tuple(counts[index] for index in range(len(self._fingerprints)))
        return KeyUse(self._fingerprints, texts, counts[None])

    def reseal(self) -> Resealed:
        """Re-encrypt everything with the first key, so that the others can be removed. Resumable.

        Raises:
            UnavailableError: the database does not answer; finished work stays.
        """
        result, after = Resealed(), 0
        while True:
            with self._database.write() as connection:
                some = sealed_columns.endpoints(connection, after=after, lock=True)
                for found in some:
                    self._reseal_endpoint(connection, found, result)
            if not some:
                break
            after = some[-1].id
        with self._database.write() as connection:
            for account, text in sealed_columns.sessions(connection, lock=True).items():
                self._reseal_session(connection, account, text, result)
        return result

    def _reseal_endpoint(self, connection: Connection, found: sealed_columns.SealedEndpoint, result: Resealed) -> None:
        box = self._boxes[ENDPOINT]
        if all(map(box.is_current, found.texts)):
            return
        try:
            secrets = [{**item, "sealed": _anew(box, item["sealed"] or "")} for item in found.secrets]
            headers = {name: _anew(box, value) for name, value in found.headers.items()}
        except ConfigError:
            result.unreadable.append(found.public_id)
            return
        sealed_columns.replace_endpoint(connection, replace(found, secrets=secrets, headers=headers))
        result.rows += 1

    def _reseal_session(self, connection: Connection, account: str, text: str, result: Resealed) -> None:
        box = self._boxes[SESSION]
        if box.is_current(text):
            return
        try:
            anew = _anew(box, text)
        except ConfigError:
            result.unreadable.append(account)
            return
        sealed_columns.replace_session(connection, account, anew)
        result.rows += 1


def _anew(box: SecretBox, text: str) -> str:
    return text if box.is_current(text) else box.seal(box.open(text))


def _known(connection: Connection) -> tuple[str, ...]:
    stored = installation.get(connection, _META)
    return tuple(orjson.loads(stored)) if stored else ()


@dataclass(slots=True)
class ResealSecrets:
    """A chore of the sweep: once after the start, then every hour."""

    ring: KeyRing
    clock: Clock
    _due: datetime | None = None

    name = "resealed"

    def run(self) -> int:
        """Re-encrypt what older keys encrypted; returns the number of changed rows."""
        now = self.clock()
        if self._due is not None and now < self._due:
            return 0
        result = self.ring.reseal()
        self._due = now + _LOOK_AGAIN
        if result.unreadable:
            shown = _some(result.unreadable)
            _log.warning("secrets_unreadable", count=len(result.unreadable), rows=shown)
        return result.rows


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])
