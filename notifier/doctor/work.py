"""Checks of pending work: processes, stuck work, clocks and disk."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.finding import Finding
from notifier.domain.values import QueueName
from notifier.services.operations.process_stats import MEMORY
from notifier.storage.database import Connection, dialect
from notifier.storage.deliveries import deliveries, due_batches
from notifier.storage.incidents import channel_state
from notifier.storage.notifications import notifications
from notifier.storage.operations import metrics
from notifier.storage.recipients import transactional_mail

_STUCK = timedelta(minutes=2)
_CLOCKS_APART = timedelta(seconds=5)
_DISK_LOW = 0.05
_START = "start `notifier up`, or `notifier worker` and `notifier scheduler`"


def check_work(notifier: ApiContainer) -> Iterator[Finding]:
    """Check processes, due work, clocks and the disk. Needs a database that is up to date."""
    now = notifier.clock()
    with notifier.database.read() as connection:
        alive = _processes(connection, now)
        yield _workers(alive, busy=bool(due_batches.open_batches(connection)))
        yield from _stuck(connection, now)
        if not notifier.database.is_sqlite:
            yield _clock(connection, now)
    yield _disk(notifier)


def _processes(connection: Connection, now: datetime) -> set[str]:
    """Return the processes that reported within the last minute (`worker-email`, `scheduler`, `api`)."""
    rows = metrics.read(connection, now)
    return {json.loads(labels)["process"] for name, labels, _, _ in rows if name == MEMORY}


def _workers(alive: set[str], *, busy: bool) -> Finding:
    """Name queues without a worker: a message there would wait for ever."""
    read = {queue for name in alive if name.startswith("worker-") for queue in name.removeprefix("worker-").split("-")}
    missing = [queue.value for queue in QueueName if queue.value not in read]
    if "scheduler" not in alive:
        missing.append("scheduler")
    if not missing:
        return Finding(name="processes", state="ok", message="every queue has a worker, and the scheduler is running")
    if not alive:
        message = "no worker or scheduler has reported within the last minute"
        return Finding(name="processes", state="bad" if busy else "warn", message=message, remedy=_START)
    return Finding(name="processes", state="bad", message=f"not running: {', '.join(missing)}", remedy=_START)


def _stuck(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Name each kind of overdue work, with the usual cause."""
    late, number = now - _STUCK, 0
    for (queue, state), (count, oldest) in due_batches.open_batches(connection).items():
        number += count
        if oldest is not None and oldest < late:
            minutes = (now - oldest) // timedelta(minutes=1)
            held = "whose worker disappeared" if state == "sending" else "that no worker takes"
            remedy = f"check that a worker (`notifier worker --queues {queue}`) and the scheduler are running"
            message = f"queue {queue} has batches {held}; the oldest is {minutes} minutes overdue"
            yield Finding(name="stuck", state="bad", message=message, remedy=remedy)
    apart = deliveries.oldest_due(connection, late)
    if apart is not None:
        message = f"retries have been due since {apart:%Y-%m-%d %H:%M}Z and are not queued"
        yield Finding(
            name="stuck",
            state="bad",
            message=message,
            remedy="check that the scheduler is running: `notifier scheduler`",
        )
    if channel_state.due(connection, late, 1):
        message = "an incident's coalescing window ended over two minutes ago and nothing was announced"
        yield Finding(
            name="stuck",
            state="bad",
            message=message,
            remedy="check that the scheduler is running: `notifier scheduler`",
        )
    if notifications.unplanned(connection, late, 1):
        message = "a notification has waited over two minutes for its recipients to be planned"
        remedy = "check that a worker is running: `notifier worker --queues control`"
        yield Finding(name="stuck", state="bad", message=message, remedy=remedy)
    if transactional_mail.count_due(connection, late, 1):
        message = "a transactional mail, such as a confirmation, has waited over two minutes"
        remedy = "check that a worker is running: `notifier worker --queues retry`"
        yield Finding(name="stuck", state="bad", message=message, remedy=remedy)
    yield Finding(name="work", state="ok", message=f"{number} open batches" if number else "nothing is waiting")


def _clock(connection: Connection, now: datetime) -> Finding:
    """Compare clocks: leases and due times written by one machine are read by another."""
    apart = abs(dialect.clock(connection) - now)
    message = f"this machine's clock and the database's are {apart.total_seconds():.1f} s apart"
    if apart > _CLOCKS_APART:
        return Finding(
            name="clock", state="bad", message=message, remedy="synchronise both by NTP: leases depend on the clock"
        )
    return Finding(name="clock", state="ok", message=message)


def _disk(notifier: ApiContainer) -> Finding:
    usage = shutil.disk_usage(notifier.settings.ensure_data_dir())
    free = usage.free / usage.total
    message = f"{free:.0%} of the disk under {notifier.settings.data_dir} is free"
    if free < _DISK_LOW:
        remedy = "free disk space, or shorten [retention] and run `notifier db prune`"
        return Finding(name="disk", state="bad", message=message, remedy=remedy)
    return Finding(name="disk", state="ok", message=message)
