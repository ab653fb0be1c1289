"""Work around a hang of Celery's Redis transport: a lost acknowledgement stops a worker forever.

A worker takes as many messages as it has slots, and stops polling its connection while all are
taken. If Redis is lost at the moment a task ends, the acknowledgement fails and the message counts
as taken forever. Once no slot is left, the connection is never polled again: the worker is alive
and idle, but takes no messages (found by `make chaos`, kombu 5.7:
`MultiChannelPoller._pause_brpop`, `QoS.ack`). So we check that every taken message is being worked
on.
"""

from collections.abc import Callable
from typing import Any

from celery import bootsteps
from celery.worker import state

from notifier.observability import get_logger

_SECONDS = 1.0
# A message may be in transit at one check; if it is at three in a row, it is lost.
_LOOKS = 3
_log = get_logger(__name__)


class CreditWatch(bootsteps.StartStopStep):
    """Consumer step that reconnects to the broker when taken messages are not being worked on."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._cancel: Callable[[], object] = bool
        self._missed = 0

    def start(self, parent: Any) -> None:
        """Start checking; called for each connection to a Redis."""
        self._missed = 0
        if parent.connection.transport.driver_type == "redis":
            self._cancel = parent.timer.call_repeatedly(_SECONDS, self._look, (parent,)).cancel

    def stop(self, parent: Any) -> None:
        """Stop checking: the connection is lost."""
        del parent
        self._cancel()

    def _look(self, parent: Any) -> None:
        qos = parent.connection.default_channel.qos
        taken = qos.prefetch_count - qos.can_consume_max_estimate()
        lost = taken - len(state.reserved_requests)
        self._missed = self._missed + 1 if lost > 0 else 0
        if self._missed >= _LOOKS:
            _log.warning("acknowledgements_lost", messages=lost, hint="reconnecting; the sweep enqueues what is due")
            # One of the errors after which Celery's consumer reconnects.
            raise ConnectionResetError("the broker was lost while tasks were acknowledged")
