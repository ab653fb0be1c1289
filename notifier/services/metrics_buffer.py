"""Count in every process and flush to the ledger every few seconds, for one scrape of all machines.

Why not a port per process: docs/decisions/0010-metrics-through-the-ledger.md.
"""

import json
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from notifier.domain.errors import UnavailableError
from notifier.domain.values import Channel, DeliveryState
from notifier.observability import get_logger
from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.operations import metrics
from notifier.storage.operations.metrics import Key

_log = get_logger(__name__)
_EVERY = timedelta(seconds=5)

DELIVERIES, UNKNOWN, ATTEMPTS = "notifier_deliveries", "notifier_unknown_outcomes", "notifier_attempt_seconds"
REFUSED_KEYS = "notifier_keys_refused"
BREAKERS, CANARY = "notifier_breakers_open", "notifier_canary_seconds"
BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BUCKET, SUM, ENDLESS = "_bucket", "_sum", "+Inf"

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A gauge's name and labels."""

Gauges = Callable[[], Mapping[Series, float]]
"""Returns current values."""


def key_of(name: str, **labels: str) -> Key:
    """Return a series' key in the ledger."""
    return name, json.dumps(labels, sort_keys=True)


class MetricsBuffer:
    """One process's counters. Thread-safe; counting never blocks on the ledger and never fails."""

    def __init__(self, database: Database, clock: Clock, owner: str) -> None:
        """Store the settings; the first count starts the thread. `owner` names the process."""
        self._database, self._clock, self._owner = database, clock, owner
        self._lock = threading.Lock()
        self._pending: dict[Key, float] = defaultdict(float)
        self._gauges: list[Gauges] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def attempts(self, channel: Channel, provider: str, outcome: str, seconds: Iterable[float]) -> None:
        """Count attempts with one outcome (`accepted`, `retry`, `failed`, `unknown`, `divided`)."""
        labels = {"channel": channel.value, "provider": provider, "outcome": outcome}
        took = list(seconds)
        for index, number in Counter(bisect_left(BUCKETS, each) for each in took).items():
            most = f"{BUCKETS[index]:g}" if index < len(BUCKETS) else ENDLESS
            self._add(key_of(ATTEMPTS + BUCKET, **labels, le=most), number)
        self._add(key_of(ATTEMPTS + SUM, **labels), sum(took))
        if outcome == "unknown":
            self._add(key_of(UNKNOWN, channel=channel.value), len(took))

    def settled(self, channel: Channel, provider: str, locale: str, state: DeliveryState, number: int) -> None:
        """Count deliveries that reached a state."""
        if number:
            labels = {"channel": channel.value, "provider": provider, "locale": locale, "state": state.value}
            self._add(key_of(DELIVERIES, **labels), number)

    def unknown(self, channel: Channel) -> None:
        """Count an attempt with an unknown outcome."""
        self._add(key_of(UNKNOWN, channel=channel.value), 1)

    def key_refused(self, way: str, cause: str) -> None:
        """Count a rejected caller by way (`api`, `console`) and one-word cause."""
        self._add(key_of(REFUSED_KEYS, way=way, cause=cause), 1)

    def watch(self, gauges: Gauges) -> None:
        """Add gauges to every flush from now on."""
        with self._lock:
            self._gauges.append(gauges)
            self._start()

    def flush(self) -> None:
        """Write the counts to the ledger; if it is unavailable, keep them for the next flush."""
        with self._lock:
            pending, self._pending = self._pending, defaultdict(float)
            sources = list(self._gauges)
        stand = {key_of(name, **dict(labels)): value for read in sources for (name, labels), value in read().items()}
        if not pending and not stand:
            return
        try:
            with self._database.write() as connection:
                now = self._clock()
                metrics.add(connection, pending, now)
                metrics.set_gauges(connection, self._owner, stand, now)
        except UnavailableError as error:
            _log.info("metrics_write_deferred", error=str(error))
            with self._lock:
                for key, value in pending.items():
                    self._pending[key] += value

    def close(self) -> None:
        """Flush the rest and stop."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self.flush()

    def _add(self, key: Key, value: float) -> None:
        with self._lock:
            self._pending[key] += value
            self._start()

    def _start(self) -> None:
        if self._thread is None and not self._ended.is_set():
            self._thread = threading.Thread(target=self._run, name="metering", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        self.flush()  # at once, so that a new process is visible immediately
        while not self._ended.wait(_EVERY.total_seconds()):
            self.flush()
