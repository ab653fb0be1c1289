"""The installation's secret keys: whether they are the right ones, which is still needed, and the way to new ones.

What keys seal: endpoints' secrets and header values, and accounts' logins. What they sign: the links in mails. The
ledger keeps a fingerprint of each key that was last given, so that a wrong one is noticed before it does harm.
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

ENDPOINT, SESSION = "endpoint", "account session"  # purposes, as `SecretBox` takes them
_VARIABLE = "NOTIFIER_SECRET_KEYS"
_META = "secret_keys"
_LOOK_AGAIN = timedelta(hours=1)  # other processes may still seal with the key that came first before
_WAY_OUT = (
    "give the former key, behind a new one if you want one; if it is lost for good, "
    "run `notifier keys reseal --accept-loss`"
)
_log = get_logger(__name__)


@dataclass(slots=True)
class Resealed:
    """What came of sealing anew: how many rows, and whose secrets no given key opens."""

    rows: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many sealed texts each key is needed for, in the order of the keys; `unreadable`: for none of them."""

    fingerprints: tuple[str, ...]
    texts: tuple[int, ...]
    unreadable: int


class KeyRing:
    """Looks after the keys of one installation."""

    def __init__(self, database: Database, keys: Sequence[str], clock: Clock) -> None:
        """Take the keys, newest first.

        Raises:
            ConfigError: no key.
        """
        self._database, self._clock = database, clock
        self._fingerprints = tuple(fingerprint(key) for key in keys)
        self._boxes = {purpose: SecretBox(keys, purpose) for purpose in (ENDPOINT, SESSION)}

    def check(self) -> None:
        """Refuse keys none of which is one that this installation works with; remember those that are given.

        Raises:
            ConfigError: names the variable, and what would be lost.
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
        """Say what the given keys would make worthless; None where one of them is known, or nothing depends on any."""
        if set(known) & set(self._fingerprints):
            return None
        use = self._use(connection)
        if use.unreadable and not sum(use.texts):
            return f"{use.unreadable} stored secrets were sealed with another"
        if known and sealed_columns.has_signed_links(connection):
            return "the links in mails already sent were signed with another"
        return None

    def accept(self) -> None:
        """Take the given keys for this installation's from now on."""
        with self._database.write() as connection:
            installation.put(connection, _META, orjson.dumps(self._fingerprints))

    def use(self) -> KeyUse:
        """Count what each key is needed for."""
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
        """Seal everything with the first key, so that the others can be dropped. May be repeated, and interrupted.

        Raises:
            UnavailableError: the database does not answer; what was done stays done.
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
        """Seal anew what older keys sealed; returns how many rows changed."""
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
