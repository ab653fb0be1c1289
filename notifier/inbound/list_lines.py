"""Lines of a list, one at a time and of bounded length: a file may contain anything."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from notifier.domain.errors import FieldError
from notifier.domain.recipients.subscriber import Subscriber, Suppression

MAX_LINE = 1 << 20
ROW = "row"  # the field of an error about the whole row


class ByteSource(Protocol):
    """A binary file; only `readline` is used."""

    def readline(self, limit: int = -1, /) -> bytes:
        """Return the next line with its end, at most `limit` bytes; empty at the end."""


@dataclass(frozen=True, slots=True)
class GoodRow:
    """A valid row. `line` is its first physical line, from 1."""

    line: int
    subscriber: Subscriber
    suppressions: tuple[Suppression, ...] = ()
    legal_basis: str | None = None
    consent: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """An invalid row with all errors."""

    line: int
    errors: tuple[FieldError, ...]

    @classmethod
    def because(cls, line: int, message: str) -> "BadRow":
        """Return an error about the whole row."""
        return cls(line, (FieldError(ROW, message),))


def bounded_lines(source: ByteSource) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number, line with its end); None for a line over one mebibyte, which is skipped.

    A line ends with LF; a preceding CR is left to the caller. A leading byte order mark is dropped.
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
    """Read to the end of the line; False if the file had already ended."""
    rest = source.readline(MAX_LINE)
    found = bool(rest)
    while rest and not rest.endswith(b"\n"):
        rest = source.readline(MAX_LINE)
    return found
