"""One caller at a time per social account: a Redis lock across workers, and one per process."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from redis.exceptions import LockError, RedisError
from redis.lock import Lock as SharedLock

from notifier.observability import get_logger
from notifier.queueing.broker import redis_client
from notifier.queueing.circuit import RedisCircuit

_SECONDS = 0.25  # time-out of one Redis call
_STEP = 0.1  # seconds between two tries to get the lock
_log = get_logger(__name__)


class LocalAccountLock:
    """Account locks among the threads of one process. Implements `services.ports.AccountLock`."""

    def __init__(self, patience: float = 5.0) -> None:
        """Wait at most `patience` seconds for the lock."""
        self._patience = patience
        self._locks: dict[str, Lock] = defaultdict(Lock)
        self._guard = Lock()

    @contextmanager
    def take(self, account: str) -> Iterator[bool]:
        """Wait briefly for the account's lock; yield False if another caller keeps it."""
        with self._guard:
            lock = self._locks[account]
        ours = lock.acquire(timeout=self._patience)
        try:
            yield ours
        finally:
            if ours:
                lock.release()

    def close(self) -> None:
        """Close connections."""


class RedisAccountLock(LocalAccountLock):
    """Locks shared by all workers on this Redis; they expire `lease` seconds after `renew`."""

    def __init__(self, url: str, *, lease: float, patience: float = 5.0) -> None:
        super().__init__(patience)
        self._mine: set[SharedLock] = set()
        self._client = redis_client(url, timeout=_SECONDS)
        self._lease = lease
        self._circuit = RedisCircuit(
            lambda error: _log.warning("account_lock_unavailable", error=error, hint="each worker locks alone")
        )

    @contextmanager
    def take(self, account: str) -> Iterator[bool]:
        """Wait briefly for the account's lock; yield False if another caller keeps it."""
        with super().take(account) as first:
            lock = self._lock(account) if first else None
            try:
                yield first if lock is None else lock.owned()
            finally:
                if lock is not None:
                    self._release(lock)

    def renew(self) -> None:
        """Extend the locks held now; call several times per lease. Never raises."""
        for lock in tuple(self._mine):
            try:
                lock.reacquire()
            except (RedisError, OSError) as error:
                _log.warning("account_lock_not_renewed", error=type(error).__name__)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _lock(self, account: str) -> "_Held | None":
        """Try to get the shared lock; None if Redis does not answer."""
        lock = SharedLock(
            self._client,
            f"notifier:turn:{account}",
            timeout=self._lease,
            sleep=_STEP,
            blocking_timeout=self._patience,
            thread_local=False,
        )
        with self._circuit.attempt() as may:
            if may:
                held = lock.acquire()
                if held:
                    self._mine.add(lock)
                return _Held(lock, held=held)
        return None

    def _release(self, held: "_Held") -> None:
        if not held.owned():
            return
        self._mine.discard(held.lock)
        try:
            held.lock.release()
        except LockError:
            _log.warning("account_lock_expired")
        except (RedisError, OSError) as error:
            _log.warning("account_lock_not_released", error=type(error).__name__)  # it ends with its lease


class _Held:
    """A shared lock, and whether it was acquired."""

    def __init__(self, lock: SharedLock, *, held: bool) -> None:
        self.lock, self._held = lock, held

    def owned(self) -> bool:
        return self._held
