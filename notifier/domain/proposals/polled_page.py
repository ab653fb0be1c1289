"""Status pages that are polled: what a fetch answers, what goes wrong, and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.errors import NotifierError

_LONGEST_BACK_OFF = timedelta(minutes=5)  # a page that fails is a page whose news we wait for
_LONGEST_ASKED = timedelta(hours=1)
JITTER = 0.1  # of the wait, both ways, so that many installations do not poll in step


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """An answer of a page. `body` None: unchanged since the request with these validators."""

    body: bytes | None = field(repr=False)
    validators: Mapping[str, str]


class PageUnreadableError(NotifierError):
    """A page did not answer, or not in the form it should. Says nothing of what the page is about."""

    def __init__(self, detail: str, *, status: int | None = None, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.detail, self.status, self.retry_after = detail, status, retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledPage:
    """What is known of a page. `error_at`: since when it cannot be read; None with `failures` 0."""

    name: str
    next_poll_at: datetime
    failures: int = 0
    last_ok_at: datetime | None = None
    last_error: str | None = None
    error_at: datetime | None = None
    cursor: Mapping[str, Any] = field(default_factory=dict)


def wait_after(error: PageUnreadableError, failures: int, every: timedelta) -> timedelta:
    """Return how long to leave a page alone after its `failures`-th failure in a row.

    The wait doubles up to five minutes, and is never shorter than the page asked for (up to an hour).
    """
    doubled = every * 2.0 ** min(failures - 1, 16)
    backed_off = max(every, min(doubled, _LONGEST_BACK_OFF))
    asked = min(error.retry_after or timedelta(0), _LONGEST_ASKED)
    return max(backed_off, asked)
