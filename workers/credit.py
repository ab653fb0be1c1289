"""Getting out of a dead end of Celery's Redis transport: a lost acknowledgement would silence a worker for good.

A worker takes as many messages as it has slots; while it has them, it does not listen to its connection. When Redis is
lost at the moment a task ends, the acknowledgement fails, the message counts as taken for ever, and with the last slot
gone nobody looks at the connection again: the worker lives, is idle, and takes no message (found by `make chaos`,
kombu 5.7: `MultiChannelPoller._pause_brpop`, `QoS.ack`). So we count: what is taken must be in somebody's hands.
"""

from collections.abc import Callable
from typing import Any

from celery import bootsteps
from celery.worker import state

from notifier.observability import get_logger

_SECONDS = 1.0
# A message is between two hands for a moment; for three looks in a row it is in nobody's.
_LOOKS = 3
_log = get_logger(__name__)


class CreditWatch(bootsteps.StartStopStep):
    """A step of Celery's consumer: begins anew with the broker when messages count as taken that nobody works on."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._cancel: Callable[[], object] = bool
        self._missed = 0

    def start(self, parent: Any) -> None:
        """Begin to look, with each connection to a Redis."""
        self._missed = 0
        if parent.connection.transport.driver_type == "redis":
            self._cancel = parent.timer.call_repeatedly(_SECONDS, self._look, (parent,)).cancel

    def stop(self, parent: Any) -> None:
        """The connection is gone."""
        del parent
        self._cancel()

    def _look(self, parent: Any) -> None:
        qos = parent.connection.default_channel.qos
        taken = qos.prefetch_count - qos.can_consume_max_estimate()
        lost = taken - len(state.reserved_requests)
        self._missed = self._missed + 1 if lost > 0 else 0
        if self._missed >= _LOOKS:
            _log.warning("acknowledgements_lost", messages=lost, hint="reconnecting; the sweep enqueues what is due")
            # One of the errors after which Celery's consumer connects anew.
            raise ConnectionResetError("the broker was lost while tasks were acknowledged")
