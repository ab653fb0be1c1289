"""Error policy of all tasks."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from celery.exceptions import Reject

from notifier.domain.errors import NotifierError, UnavailableError
from notifier.observability import get_logger

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
# After this the message returns to its queue, well before the broker would redeliver it.
_PATIENCE = 60.0
_log = get_logger(__name__)


@dataclass(eq=False, slots=True)
class TaskPolicy:
    """Runs a task's action under the error policy.

    - `UnavailableError`: the database is down, so no other work is possible. Wait here with a
      growing pause; after `patience` seconds or at shutdown, return the message to the queue.
    - any other error of ours: log it once, with the ids. The sweep finds what is still due.
    - anything else is a bug: let it reach Celery, which logs it with its traceback.
    """

    stopping: threading.Event = field(default_factory=threading.Event)
    patience: float = _PATIENCE
    clock: Callable[[], float] = time.monotonic

    def run(self, task: str, action: Callable[[], object], **ids: str | int) -> None:
        """Run `action`; `ids` are added to every log event of the task.

        Raises:
            Reject: the message returns to its queue.
        """
        structlog.contextvars.clear_contextvars()  # the last task may have bound other values
        with structlog.contextvars.bound_contextvars(task=task, **ids):
            try:
                self._write_with_retries(action)
            except UnavailableError as error:
                _log.warning("task_requeued", error=str(error))
                raise Reject(reason="the database is away", requeue=True) from error
            except NotifierError as error:
                _log.error("task_failed", error=str(error), kind=type(error).__name__)

    def _write_with_retries(self, action: Callable[[], object]) -> None:
        pause, until = _FIRST_PAUSE, self.clock() + self.patience
        while True:
            try:
                action()
            except UnavailableError as error:
                if self.clock() + pause > until:
                    raise
                _log.warning("task_waiting_for_database", error=str(error), retry_in=pause)
                if self.stopping.wait(pause):
                    raise
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return
