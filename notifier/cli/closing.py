"""Close what a command opened when the command ends."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

_at_end: ContextVar[ExitStack] = ContextVar("at_end")


@contextmanager
def closing_at_end() -> Iterator[None]:
    """Run one command, then call what it passed to `close_at_end`, newest first."""
    with ExitStack() as stack:
        token = _at_end.set(stack)
        try:
            yield
        finally:
            _at_end.reset(token)


def close_at_end(close: Callable[[], object]) -> None:
    """Call `close` when the running command ends, however it ends."""
    _at_end.get().callback(close)
