"""Lines of a list, one at a time and never more of one than fits: a file may be anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from notifier.domain.errors import FieldError
from notifier.domain.recipients.subscriber import Subscriber, Suppression

MAX_LINE = 1 << 20
ROW = "row"  # the field named when a fault concerns the row as a whole


class ByteSource(Protocol):
    """A binary file: `readline` is all that is asked of it."""

    def readline(self, limit: int = -1, /) -> bytes:
        """Return the next line with its end, at most `limit` bytes of it; nothing at the end of the file."""


@dataclass(frozen=True, slots=True)
class GoodRow:
    """One row that was understood. `line` is the physical line it starts on, counted from 1."""

    line: int
    subscriber: Subscriber
    suppressions: tuple[Suppression, ...] = ()
    legal_basis: str | None = None
    consent: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that was not, and every reason."""

    line: int
    errors: tuple[FieldError, ...]

    @classmethod
    def because(cls, line: int, message: str) -> "BadRow":
        """A fault of the row as a whole."""
        return cls(line, (FieldError(ROW, message),))


def bounded_lines(source: ByteSource) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number, line with its end); None for a line that is longer than a mebibyte, which is skipped.

    A line ends with LF; a CR before it is left to the reader. A byte order mark at the beginning is dropped.
    """
    number = 0
    while True:
        line = source.readline(MAX_LINE)
        if not line:
            return
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) >= MAX_LINE - 3 and not line.endswith(b"\n") and _skip_rest(source):
            yield number, None
        else:
            yield number, line


def _skip_rest(source: ByteSource) -> bool:
    """Read to the end of the line; False when the file ended where we stood."""
    rest = source.readline(MAX_LINE)
    found = bool(rest)
    while rest and not rest.endswith(b"\n"):
        rest = source.readline(MAX_LINE)
    return found
