"""Journal outcomes that a worker knows but could not write to the ledger yet.

An entry has numbers, states and the provider's name, but no address and no text. It is a file (mode
0600) in the data folder, named after its process. Another process applies it once its owner is dead
(`services/operations/dead_workers.py`).
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from notifier.domain.values import DeliveryState
from notifier.files import private_dir, write_private
from notifier.observability import get_logger
from notifier.storage.database import Connection
from notifier.storage.deliveries import attempts, batches, deliveries, webhook_batches
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.operations import alerts, counters
from notifier.storage.operations.counters import MAIL_REPEATED, MAIL_UNKNOWN

_log = get_logger(__name__)
_SUFFIX = ".json"
# Writes to the ledger that take longer are journaled, in case the process is killed meanwhile.
_SOON_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """How a batch ends that the provider accepted as a whole.

    `repeated`: number of recipients that an earlier attempt may have reached.
    `in_doubt`: number of recipients that this attempt may have reached.
    """

    provider: str
    message_id: str | None
    state: DeliveryState = DeliveryState.ACCEPTED
    repeated: int = 0
    in_doubt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOutcome:
    """The outcome of one attempt: attempt rows, overrides, and the batch's end, if it ends.

    `late`: answers of slow receivers, whose batch is already finished.
    """

    batch: Batch
    owner: str
    at: datetime
    tries: Sequence[AttemptRow]
    overrides: Annotated[Sequence[DeliveryOverride], Field(alias="departures")] = ()  # JSON key
    accepted: Accepted | None = None
    late: bool = False


def apply(connection: Connection, known: KnownOutcome) -> bool:
    """Write an outcome to the ledger; False if another worker took over and its outcome counts."""
    batch = known.batch
    if known.late:
        known = _still_awaited(connection, known)
    elif not _end(connection, known):
        return False
    deliveries.detach(connection, batch.notification_id, known.overrides, known.at)
    attempts.add(connection, batch, known.tries)
    return True


def _still_awaited(connection: Connection, known: KnownOutcome) -> KnownOutcome:
    awaited = webhook_batches.awaited(connection, known.batch.id, [item.recipient_key for item in known.overrides])
    return replace(
        known,
        overrides=[item for item in known.overrides if item.recipient_key in awaited],
        tries=[row for row in known.tries if row.recipient_key in awaited],
    )


def _end(connection: Connection, known: KnownOutcome) -> bool:
    """End the batch if this outcome does; returns whether the outcome counts."""
    batch, ending = known.batch, known.accepted
    if ending is None:
        return batches.counts_acceptance(connection, batch, known.owner)
    if not batches.finish(
        connection,
        batch,
        known.owner,
        state=ending.state,
        reason=None,
        now=known.at,
        provider=ending.provider,
        provider_message_id=ending.message_id,
    ):
        return False
    counters.add(connection, MAIL_REPEATED, f"{batch.provider or 'unknown'}>{ending.provider}", ending.repeated)
    counters.add(connection, MAIL_UNKNOWN, ending.provider, ending.in_doubt)
    alerts.clear(connection, f"{batch.channel}:{ending.provider}")
    return True


_NOTE = TypeAdapter(KnownOutcome)


@dataclass
class OutcomeJournal:
    """The journal in a data folder: a process writes its own entries and reads dead ones'."""

    folder: Path
    owner: str = ""
    seconds: Callable[[], float] = time.monotonic
    _pending: dict[int, tuple[float, KnownOutcome]] = field(default_factory=dict, repr=False)
    _numbers: Iterator[int] = field(default_factory=count, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def keep(self, known: KnownOutcome) -> Iterator[None]:
        """Track an outcome until it is written; a journaled outcome stays if the write fails."""
        number = next(self._numbers)
        with self._lock:
            self._pending[number] = self.seconds(), known
        yield
        with self._lock:
            del self._pending[number]
        self._path(number).unlink(missing_ok=True)

    def write_down(self, *, older_than: float = 0.0) -> None:
        """Journal outcomes that are not written yet."""
        before = self.seconds() - older_than
        with self._lock:
            waiting = {number: known for number, (since, known) in self._pending.items() if since <= before}
        for number, known in waiting.items():
            path = self._path(number)
            if not path.exists():
                self._write(path, known)

    def watch(self, ended: threading.Event) -> None:
        """Journal slow writes until `ended`: a locked database reports its error late."""
        while not ended.wait(_SOON_SECONDS):
            self.write_down(older_than=_SOON_SECONDS)

    def has_any(self) -> bool:
        """Whether this process has entries left."""
        return any(True for _ in self._of(self.owner))

    def read(self, owner: str) -> list[KnownOutcome]:
        """Return the entries of a dead process; rename unreadable ones."""
        found = []
        for path in self._of(owner):
            try:
                found.append(_NOTE.validate_json(path.read_bytes()))
            except (ValidationError, OSError) as error:
                _log.error("outcome_journal_unreadable", file=path.name, error=type(error).__name__)
                path.rename(path.with_suffix(".unreadable"))
        return found

    def remove(self, owner: str) -> None:
        """Remove entries that are now in the ledger."""
        for path in self._of(owner):
            path.unlink(missing_ok=True)

    def _write(self, path: Path, known: KnownOutcome) -> None:
        # An endpoint's answer can contain anything, so it is not stored.
        bare = replace(known, tries=[row._replace(answer=None) for row in known.tries])
        try:
            private_dir(self.folder)
            write_private(path, _NOTE.dump_json(bare, by_alias=True).decode())
        except OSError as error:
            _log.error("outcome_journal_not_written", batch_id=known.batch.id, error=str(error))

    def _path(self, number: int) -> Path:
        return self.folder / f"{self.owner}.{number}{_SUFFIX}"

    def _of(self, owner: str) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from (path for path in self.folder.iterdir() if _is_of(path.name, owner))


def _is_of(name: str, owner: str) -> bool:
    head, _, number = name.removesuffix(_SUFFIX).rpartition(".")
    return name.endswith(_SUFFIX) and head == owner and number.isdigit()
