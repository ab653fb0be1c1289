"""Export subscribers as a stream, in formats that the import accepts."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from notifier.domain.recipients.subscriber import StoredSubscriber
from notifier.inbound.subscriber_csv import COLUMNS, FURTHER_COLUMNS, NO_CHANNELS
from notifier.services.subscribers.bulk_import import ListFormat
from notifier.services.subscribers.serialize import stored_to_record
from notifier.storage.database.engine import Database
from notifier.storage.recipients import subscribers, suppressions

_PAGE = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ExportSubscribers:
    """Exports all subscribers.

    Each page is a short transaction: a subscriber changed meanwhile appears once, old or new.
    """

    database: Database

    def run(self, list_format: ListFormat, *, every_column: bool = False, spreadsheet: bool = False) -> Iterator[bytes]:
        """Yield the list in UTF-8 chunks.

        Args:
            list_format: CSV has the contract's columns; NDJSON has everything, including consent
                and suppressions.
            every_column: Add CSV columns for quiet hours and the hourly limit; the import reads
                them.
            spreadsheet: Prefix cells that a spreadsheet would evaluate as a formula with an
                apostrophe. For viewing only: the import would take the apostrophe as data.
        """
        if list_format is ListFormat.CSV:
            return self._csv((*COLUMNS, *FURTHER_COLUMNS) if every_column else COLUMNS, spreadsheet=spreadsheet)
        return self._ndjson()

    def _csv(self, columns: tuple[str, ...], *, spreadsheet: bool) -> Iterator[bytes]:
        shown = _harmless if spreadsheet else str
        yield _csv_text([columns])
        for page in self._pages():
            cells = [_cells(stored) for stored in page]
            yield _csv_text([tuple(shown(row[name]) for name in columns) for row in cells])

    def _ndjson(self) -> Iterator[bytes]:
        for page in self._pages():
            with self.database.read() as connection:
                keys = [stored.address_key for stored in page if stored.address_key is not None]
                suppressed = suppressions.of_addresses(connection, keys)
            yield b"".join(
                orjson.dumps(stored_to_record(stored, suppressed.get(stored.address_key or -1, ()))) + b"\n"
                for stored in page
            )

    def _pages(self) -> Iterator[list[StoredSubscriber]]:
        after = 0
        while True:
            with self.database.read() as connection:
                page = subscribers.page(connection, after=after, limit=_PAGE)
            if not page:
                return
            yield page
            after = page[-1].id


def _harmless(cell: str) -> str:
    """Source: OWASP, "CSV Injection"."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _csv_text(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # RFC 4180 section 2
    return text.getvalue().encode()


def _cells(stored: StoredSubscriber) -> dict[str, Any]:
    subscriber = stored.subscriber
    preferences = subscriber.preferences
    quiet = subscriber.quiet_hours.texts() if subscriber.quiet_hours else ("", "")
    return {
        "external_id": subscriber.external_id,
        "kind": subscriber.kind.value,
        "email": subscriber.email or "",
        "name": subscriber.name,
        "locale": subscriber.locale,
        "timezone": subscriber.timezone,
        "state": subscriber.state.value,
        "channels": ";".join(sorted(channel.value for channel in preferences.channels)) or NO_CHANNELS,
        "components": ";".join(sorted(preferences.components)),
        "min_impact": preferences.min_impact.value,
        "updates": preferences.updates.value,
        "maintenance": "true" if preferences.maintenance else "false",
        "quiet_from": quiet[0],
        "quiet_to": quiet[1],
        "max_per_hour": "" if subscriber.max_per_hour is None else str(subscriber.max_per_hour),
    }
