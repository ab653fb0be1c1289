"""CSV records (RFC 4180), robust to broken quoting: a bad record does not affect its neighbours."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notifier.inbound.list_lines import ByteSource, bounded_lines

# A longer record contains an unclosed quote.
_MAX_LINES = 200
_MAX_CHARACTERS = 100_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_LONG = "this line is longer than a record may be"


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """The fields of one record and its first physical line; or what is wrong with it."""

    line: int
    fields: Sequence[str]
    fault: str | None = None
    is_utf8: bool = True  # otherwise `fields` has surrogates for the invalid bytes


class _OverlongError(Exception):
    """A record does not end."""


class CsvRecords:
    """Iterates over the records of a file; skips blank lines.

    A record that cannot be parsed is reported by its first line, and reading resumes at its second:
    an unclosed quote costs one row. Only if the lines after it are not rows either is the whole
    quoted text skipped.
    """

    def __init__(self, source: ByteSource) -> None:
        """Read lazily."""
        self._lines = bounded_lines(source)
        self._again: list[tuple[int, str]] = []  # lines to read again, last first
        self._taken: list[tuple[int, str]] = []  # lines of the current record
        self._size = 0
        self._width = 0
        self._is_utf8 = True

    def __iter__(self) -> Iterator[CsvRecord]:
        while True:
            reader = csv.reader(self._feed(), strict=True)
            try:
                for fields in reader:
                    start = self._taken[0][0]
                    is_utf8, self._is_utf8 = self._is_utf8, True
                    self._taken.clear()
                    self._size = 0
                    if fields:
                        self._width = self._width or len(fields)
                        yield CsvRecord(start, fields, is_utf8=is_utf8)
            except (csv.Error, _OverlongError) as error:
                yield self._recover(error)
            else:
                return

    def _feed(self) -> Iterator[str]:
        """Yield the reader's lines, keeping those of the current record."""
        while True:
            line = self._reread() if self._again else self._next()
            if line is None:
                return
            self._taken.append(line)
            self._size += len(line[1])
            if len(self._taken) > _MAX_LINES or self._size > _MAX_CHARACTERS:
                raise _OverlongError
            yield line[1]

    def _next(self) -> tuple[int, str] | None:
        number, line = next(self._lines, (0, b""))
        if line is None:
            self._taken.append((number, ""))
            raise _OverlongError
        if not number:
            return None
        try:
            return number, line.decode()
        except UnicodeDecodeError:
            self._is_utf8 = False  # rejects the row, not the file
            return number, line.decode("utf-8", "surrogateescape")

    def _reread(self) -> tuple[int, str]:
        line = self._again.pop()
        self._is_utf8 = self._is_utf8 and _SURROGATE.search(line[1]) is None
        return line

    def _recover(self, error: Exception) -> CsvRecord:
        taken, self._taken, self._size, self._is_utf8 = self._taken, [], 0, True
        start, first = taken[0]
        rest = taken[1:]
        if rest and not self._are_rows(rest) and _is_open(taken):
            self._skip_quoted()
        else:
            self._again += reversed(rest)
        if isinstance(error, csv.Error):
            return CsvRecord(start, [], f"is not well-formed CSV: {error}")
        quoted = "a quotation mark that opens in this line is not closed" if '"' in first else _TOO_LONG
        return CsvRecord(start, [], quoted)

    def _are_rows(self, lines: list[tuple[int, str]]) -> bool:
        """Whether most of these lines look like rows of this file by themselves."""
        sample = [text for _, text in lines if text.strip()]
        return sum(text.count(",") + 1 >= self._width for text in sample) * 2 > len(sample)

    def _skip_quoted(self) -> None:
        """Skip lines up to the one that closes the quote."""
        for _, line in self._lines:
            if line is not None and line.count(b'"') % 2:
                return


def _is_open(taken: list[tuple[int, str]]) -> bool:
    return sum(text.count('"') for _, text in taken) % 2 == 1
