"""Run a worker in this process."""

import gc
import socket
import threading
import warnings
from collections.abc import Sequence

from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import worker_ready, worker_shutting_down

from notifier.domain.errors import ConfigError
from notifier.domain.values import QueueName
from notifier.observability import get_logger
from notifier.parent_watch import report_ready
from notifier.queueing import embedded
from notifier.settings import Settings
from workers.app import build_app
from workers.credit import CreditWatch
from workers.heartbeat import heartbeat_step
from workers.policy import TaskPolicy
from workers.priority import lower_priority
from workers.runtime import Runtime
from workers.tasks import register

_log = get_logger(__name__)
# Requests, answers and rows are created by the thousand and rarely form cycles. Collecting after
# every 700, over all long-lived modules and connections, took a third of a webhook batch's time.
_COLLECT_AFTER = (50_000, 20, 50)


class _Worker(Worker):
    """Celery's worker, with the process title unchanged."""

    def set_process_status(self, _info: str) -> None:
        """Keep the process title: our command is more informative than Celery's title."""


def parse_queues(text: str | None) -> tuple[QueueName, ...]:
    """Parse `--queues email,retry`; empty means every queue.

    Raises:
        ConfigError: names a queue that does not exist.
    """
    names = [name.strip() for name in text.split(",") if name.strip()] if text else [queue.value for queue in QueueName]
    known = {queue.value for queue in QueueName}
    for name in names:
        if name not in known:
            raise ConfigError("--queues", f"{name!r} is no queue; there are {', '.join(sorted(known))}")
    return tuple(QueueName(name) for name in dict.fromkeys(names))


def run_worker(settings: Settings, runtime: Runtime, queues: Sequence[QueueName]) -> int:
    """Work on some queues until SIGTERM or Ctrl-C; finish current tasks first.

    Tasks run in threads: the sum of the queues' concurrency in `[workers]`. They mostly wait for
    the database and the network, and one process needs only one set of connections, templates and
    loops (docs/decisions/0003-workers.md).

    Returns:
        The exit code.

    Raises:
        ConfigError: the embedded Redis is needed and does not start.
    """
    addresses = settings.queue_addresses()
    if addresses.embedded and not addresses.broker_is_amqp:
        embedded.ensure(settings.data_dir)
    if all(queue.is_low_priority for queue in queues):
        lower_priority()
    policy = TaskPolicy()
    app = build_app(addresses.broker, drain_seconds=settings.drain_seconds)
    register(app, runtime, policy)
    app.steps["consumer"].add(heartbeat_step(settings.ensure_data_dir()))
    app.steps["consumer"].add(CreditWatch)
    _follow(policy.stopping, runtime, queues)
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    # Celery warns against running as root because of pickle; we only accept JSON, and containers
    # run as root.
    warnings.simplefilter("ignore", SecurityWarning)
    # Emitted at each loss of the broker, about a setting made on purpose in workers/app.py.
    warnings.simplefilter("ignore", CPendingDeprecationWarning)
    worker = _Worker(
        app=app,
        hostname=f"{'-'.join(queues)}@{socket.gethostname()}",
        queues=[queue.value for queue in queues],
        pool="threads",
        concurrency=sum(settings.concurrency(queue) for queue in queues),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    try:
        worker.start()
    finally:
        runtime.close()
    return int(worker.exitcode or 0)


def _follow(stopping: threading.Event, runtime: Runtime, queues: Sequence[QueueName]) -> None:
    """Notify the supervisor when the worker is ready, and waiting tasks when it shuts down."""

    def on_ready(**_signal: object) -> None:
        _log.info("worker_ready", queues=",".join(queues))
        report_ready()

    def on_shutdown(**_signal: object) -> None:
        stopping.set()
        runtime.drain()

    worker_ready.connect(on_ready, weak=False)
    worker_shutting_down.connect(on_shutdown, weak=False)
