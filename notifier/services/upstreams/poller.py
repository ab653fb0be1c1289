"""Polls pages beside the sweep, each in a thread of its own: a slow page delays nothing else."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from notifier.domain.errors import UnavailableError
from notifier.observability import get_logger
from notifier.services.isolation import Isolate
from notifier.services.upstreams.poll import PollPage

_log = get_logger(__name__)
_AFTER_A_FAULT = 30.0  # seconds; the page waits longer by itself where it must
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


@dataclass
class Poller:
    """Polls pages until it is stopped. Without pages, it starts no thread."""

    polls: Sequence[PollPage]
    isolate: Isolate
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)

    def start(self) -> None:
        """Begin to poll; returns at once."""
        for poll in self.polls:
            name = poll.page.name
            thread = threading.Thread(target=partial(self._watch, poll), name=f"poll {name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop polling; a request that is under way ends by its own time-out at the latest."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, poll: PollPage) -> None:
        pause, away = 0.0, 0.0
        while not self._ended.wait(pause):
            try:
                wait = self.isolate.run("page", poll.page.name, poll.run)
            except UnavailableError as error:
                away = min(max(away * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
                _log.warning("poll_deferred", page=poll.page.name, error=str(error), retry_in=away)
                pause = away
            else:
                away = 0.0
                pause = _AFTER_A_FAULT if wait is None else wait.total_seconds()
