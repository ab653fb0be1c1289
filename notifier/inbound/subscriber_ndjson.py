"""Subscribers as NDJSON: one API-style object per line, with the history of an export."""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.subscriber import Vocabulary
from notifier.domain.values import SubscriberState
from notifier.inbound.bodies import faults_of
from notifier.inbound.list_lines import MAX_LINE, ROW, BadRow, ByteSource, GoodRow, bounded_lines
from notifier.inbound.subscribers import SubscriberRecord


class SubscriberNdjson:
    """Iterates over a file's good and bad rows; skips blank lines."""

    def __init__(
        self, source: ByteSource, vocabulary: Vocabulary, *, default_state: SubscriberState = SubscriberState.ACTIVE
    ) -> None:
        """Read lazily; arguments as for `SubscriberCsv`."""
        self._lines = bounded_lines(source)
        self._vocabulary = vocabulary
        self._default_state = default_state

    def __iter__(self) -> Iterator[GoodRow | BadRow]:
        for number, line in self._lines:
            if line is None:
                yield BadRow.because(number, f"is longer than {MAX_LINE} bytes")
            elif not line.isspace():
                yield self._row(number, line)

    def _row(self, number: int, line: bytes) -> GoodRow | BadRow:
        try:
            record = SubscriberRecord.model_validate_json(line)
            subscriber = record.to_domain(self._vocabulary)
        except ValidationError as error:
            return BadRow(number, tuple(_named(fault) for fault in faults_of(error)))
        except InvalidInputError as error:
            return BadRow(number, error.errors)
        if "state" not in record.model_fields_set:
            subscriber = replace(subscriber, state=self._default_state)
        return GoodRow(
            number,
            subscriber,
            suppressions=tuple(item.to_domain() for item in record.suppressions),
            legal_basis=record.legal_basis,
            consent=record.consent,
        )


def _named(fault: FieldError) -> FieldError:
    return FieldError(ROW, fault.message) if fault.field == "body" else fault
