"""Send tasks by name. Messages are hints: if the broker is down, the sweep enqueues them later."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis

from notifier.domain.values import QueueName
from notifier.observability import get_logger
from notifier.queueing.addresses import for_celery
from notifier.queueing.broker import QUICK_SECONDS, VISIBILITY_SECONDS, queues
from notifier.queueing.circuit import Circuit
from notifier.queueing.names import TaskName

UNKNOWN_DEPTH = 1_000_000
NO_ANSWER = "the broker does not answer"
_CONNECTIONS = 8
_PROBE, _PROBE_SECONDS = "notifier:probe", 60
_log = get_logger(__name__)


class Producer:
    """Enqueues tasks. Thread-safe; connects on first use, never raises broker errors.

    Implements `services.ports.TaskQueue`.
    """

    def __init__(self, broker_url: str) -> None:
        self._app = _sending_app(broker_url)
        self._circuit = Circuit()

    def announce(self, incident_id: str) -> bool:
        """Enqueue the announcement of an incident; return whether the broker accepted it."""
        return self._send(TaskName.ANNOUNCE, QueueName.CONTROL, [incident_id])

    def plan(self, notification_id: int) -> None:
        """Ask a worker to plan a notification's audience."""
        self._send(TaskName.PLAN, QueueName.CONTROL, [notification_id])

    def plan_low_priority(self, notification_id: int) -> None:
        """Enqueue planning of a low-priority audience, in the queue where it delays nothing."""
        self._send(TaskName.PLAN_LOW_PRIORITY, QueueName.BULK, [notification_id])

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        """Enqueue batches, one message each; stop at the first one the broker refuses."""
        for batch_id in batch_ids:
            if not self._send(TaskName.ATTEMPT_BATCH, queue, [batch_id]):
                return

    def send_transactional_mail(self) -> None:
        """Enqueue the sending of due transactional mail, in the retry queue."""
        self._send(TaskName.SEND_TRANSACTIONAL_MAIL, QueueName.RETRY, [])

    def probe(self, endpoint_id: int) -> None:
        """Enqueue a probe of a disabled endpoint, in a queue that does not delay first attempts."""
        self._send(TaskName.PROBE_ENDPOINT, QueueName.RETRY, [endpoint_id])

    def depth(self, queue: QueueName) -> int:
        """Return a queue's length; `UNKNOWN_DEPTH` if the broker does not answer."""
        return self.depths([queue]).get(queue, UNKNOWN_DEPTH)

    def depths(self, queues: Sequence[QueueName] = tuple(QueueName)) -> dict[QueueName, int]:
        """Return the length of each queue; empty if the broker does not answer."""
        found: dict[QueueName, int] = {}

        def count() -> None:
            with self._app.connection_or_acquire() as connection, _one_kind_of_error(connection):
                for queue in queues:
                    declared = connection.default_channel.queue_declare(
                        queue=queue.value, durable=True, auto_delete=False
                    )
                    found[queue] = declared.message_count

        return found if self._guarded(count) else {}

    def trouble(self) -> str | None:
        """Return why the broker accepts no messages now, within about a second; None if it does.

        With Redis, test by a write: a full server or a replica still answers reads.
        """
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
                return _write_trouble(connection)
        except (OperationalError, OSError):
            return NO_ANSWER

    def close(self) -> None:
        """Close the connections; the next message opens new ones."""
        self._app.close()

    def _send(self, task: TaskName, queue: QueueName, ids: list[str] | list[int]) -> bool:
        return self._guarded(
            lambda: self._app.send_task(task.value, args=ids, queue=queue.value, retry=False, ignore_result=True)
        )

    def _guarded(self, action: Callable[[], object]) -> bool:
        if not self._circuit.may_try():
            return False
        try:
            action()
        except (OperationalError, OSError) as error:
            if self._circuit.failed():
                _log.warning("broker_unreachable", error=type(error).__name__, hint="the sweep enqueues what is lost")
            return False
        if self._circuit.succeeded():
            _log.info("broker_recovered")
        return True


def _write_trouble(connection: Connection) -> str | None:
    if connection.transport.driver_type != "redis":
        return None
    try:
        redis: Redis = connection.default_channel.client  # type: ignore[attr-defined]  # of this transport's channels
        redis.set(_PROBE, 1, ex=_PROBE_SECONDS)
    except connection.channel_errors as error:
        return f"the broker takes no messages: {error}"
    except connection.connection_errors:
        return NO_ANSWER
    return None


@contextmanager
def _one_kind_of_error(connection: Connection) -> Iterator[None]:
    """Raise what the transport's own library raises on a lost connection as kombu's `OperationalError`."""
    try:
        yield
    except connection.recoverable_connection_errors as error:
        raise OperationalError(type(error).__name__) from error


def _sending_app(broker_url: str) -> Celery:
    """Return a Celery app for sending only: every wait is bounded, nothing is retried."""
    url = for_celery(broker_url)
    app = Celery("notifier-producer", broker=url, set_as_current=False)
    app.conf.update(
        task_queues=queues(),
        task_default_exchange="",
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        broker_pool_limit=_CONNECTIONS,
        broker_pool_acquire_timeout=QUICK_SECONDS,
        broker_connection_timeout=QUICK_SECONDS,
        broker_transport_options=_sending_options(url),
    )
    return app


def _sending_options(url: str) -> dict[str, object]:
    bounded: dict[str, object] = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if url.startswith("amqp"):
        return bounded | {"read_timeout": QUICK_SECONDS, "write_timeout": QUICK_SECONDS}
    times = {"socket_timeout": QUICK_SECONDS, "socket_connect_timeout": QUICK_SECONDS, "socket_keepalive": True}
    return bounded | times | {"visibility_timeout": VISIBILITY_SECONDS}
