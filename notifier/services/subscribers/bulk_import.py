"""Import of subscribers: streaming, chunk by chunk, good rows kept, every bad one reported.

A chunk is one transaction. An import that was interrupted is run again: what arrived is left as it is.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from notifier.domain.errors import UnavailableError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.consent import CONFIRM_WITHIN
from notifier.domain.recipients.subscriber import LegalBasis, Vocabulary
from notifier.domain.values import SubscriberState
from notifier.inbound.list_lines import BadRow, ByteSource, GoodRow
from notifier.inbound.subscriber_csv import PREFERENCE_COLUMNS, SubscriberCsv
from notifier.inbound.subscriber_ndjson import SubscriberNdjson
from notifier.services.ports import Clock
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Actor, Subject, record
from notifier.services.subscribers.seen_keys import SeenKeys
from notifier.storage.database.engine import Database
from notifier.storage.recipients import bulk_merge, erasures, preferences, suppressions

CHUNK = 2_500  # smaller ones take noticeably more time, larger ones only more memory
MAX_REPORTED = 1_000
_TRIES = 3  # of a chunk, when the database is busy
_WORTH_ANALYZING = 10_000
_EVERYTHING = frozenset(bulk_merge.STAGED) - {"external_id", "legal_basis", "consent", "repeated"}
_ERASED = "was erased, and a list does not bring them back: `notifier subscribers add` does"
_QUIET_COLUMNS = frozenset({"quiet_from", "quiet_to"})


class ListFormat(StrEnum):
    """The two forms a list comes in."""

    CSV = "csv"
    NDJSON = "ndjson"


def format_of(start: bytes) -> ListFormat:
    """Tell the format by the first bytes of a list."""
    begins_object = start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return ListFormat.NDJSON if begins_object else ListFormat.CSV


@dataclass
class ImportReport:
    """What became of a list. `rows` is the sum of created, updated, unchanged, repeated and rejected.

    `repeated` rows name somebody whom an earlier row of the list named: the last one counts. `kept_unsubscribed` rows,
    which are counted above as well, would have brought somebody back who unsubscribed or is suppressed; they do not.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    kept_unsubscribed: int = 0
    errors: list[BadRow] = field(default_factory=list)

    def reject(self, row: BadRow) -> None:
        """Count a bad row, and keep the first thousand."""
        self.rejected += 1
        if len(self.errors) < MAX_REPORTED:
            self.errors.append(row)

    def as_json(self) -> dict[str, Any]:
        """Write the report; `errors` holds the first thousand bad rows."""
        return self.counts() | {
            "errors": [
                {
                    "line": bad.line,
                    "errors": [{"field": fault.field, "message": fault.message} for fault in bad.errors],
                }
                for bad in self.errors
            ],
            "errors_left_out": self.rejected - len(self.errors),
        }

    def counts(self) -> dict[str, Any]:
        """Write the numbers alone."""
        return {
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "repeated": self.repeated,
            "rejected": self.rejected,
            "kept_unsubscribed": self.kept_unsubscribed,
        }


@dataclass(frozen=True)
class ImportSubscribers:
    """Bring a list into the ledger."""

    database: Database
    clock: Clock
    vocabulary: Vocabulary
    addresses: AddressHasher
    chunk: int = CHUNK

    def run(
        self,
        source: ByteSource,
        list_format: ListFormat,
        actor: Actor,
        *,
        legal_basis: LegalBasis = LegalBasis.IMPORT,
        invite: bool = False,
        on_bad_row: Callable[[BadRow], None] | None = None,
        on_progress: Callable[[ImportReport], None] | None = None,
    ) -> ImportReport:
        """Import from a binary file; memory stays the same however long it is.

        Args:
            source: UTF-8, read line by line.
            list_format: CSV with a header, or NDJSON.
            actor: Who does it, for the audit trail.
            legal_basis: Recorded with new subscribers whose row names none.
            invite: Rows that name no state become `pending` rather than `active`, and who is new and pending gets a
                letter that asks them to confirm; who does not is forgotten.
            on_bad_row: Is told every bad row as it is met; the report keeps the first thousand.
            on_progress: Is shown the report after every chunk.

        Raises:
            InvalidInputError: the CSV header is at fault; nothing was stored.
            UnavailableError: the database does not answer; whole chunks are stored, run it again.
        """
        default_state = SubscriberState.PENDING if invite else SubscriberState.ACTIVE
        rows, given = self._open(source, list_format, default_state)
        self.addresses.load()
        report = ImportReport()
        merging, reject = _Merging(self, given, legal_basis, invite=invite), on_bad_row or _ignore
        for chunk in self._chunks(rows, report, reject):
            self._leave_out_erased(chunk, report, reject)
            if chunk:
                merging.bring(chunk, report)
            if on_progress is not None:
                on_progress(report)
        self._finish(report, actor, {"legal_basis": legal_basis.value, "invited": invite})
        return report

    def _open(
        self, source: ByteSource, list_format: ListFormat, default_state: SubscriberState
    ) -> tuple[Iterable[GoodRow | BadRow], frozenset[str]]:
        """Return the rows, and the columns of `subscriber` that the list carries."""
        if list_format is ListFormat.NDJSON:
            return SubscriberNdjson(source, self.vocabulary, default_state=default_state), _EVERYTHING
        rows = SubscriberCsv(source, self.vocabulary, default_state=default_state)
        return rows, _given(rows.columns)

    def _chunks(
        self, rows: Iterable[GoodRow | BadRow], report: ImportReport, on_bad_row: Callable[[BadRow], None]
    ) -> Iterator[dict[str, tuple[GoodRow, bool]]]:
        """Yield good rows by external id, each with whether an earlier chunk had that id; the last of a name counts."""
        seen = SeenKeys()
        chunk: dict[str, tuple[GoodRow, bool]] = {}
        for row in rows:
            report.rows += 1
            if isinstance(row, BadRow):
                report.reject(row)
                on_bad_row(row)
                continue
            name = row.subscriber.external_id
            known = seen.add(name)
            report.repeated += known
            chunk[name] = (row, chunk[name][1] if name in chunk else known)
            if len(chunk) >= self.chunk:
                yield chunk
                chunk = {}
        if chunk:
            yield chunk

    def _leave_out_erased(
        self, chunk: dict[str, tuple[GoodRow, bool]], report: ImportReport, on_bad_row: Callable[[BadRow], None]
    ) -> None:
        """Take those out of a chunk whom the operator erased: a list is no wish to have them back."""
        with self.database.read() as connection:
            if not erasures.are_there(connection):
                return  # as in most installations, and lists are long
            keys = [key for row, _ in chunk.values() for key in self._keys(row)]
            erased = erasures.among(connection, keys)
        for row, repeated in list(chunk.values()):
            if erased.intersection(self._keys(row)):
                del chunk[row.subscriber.external_id]
                if not repeated:  # else it is counted as such
                    bad = BadRow.because(row.line, _ERASED)
                    report.reject(bad)
                    on_bad_row(bad)

    def _keys(self, row: GoodRow) -> list[int]:
        person = row.subscriber
        address = [self.addresses.of(person.email)] if person.email else []
        return [self.addresses.of_name(person.external_id), *address]

    def _finish(self, report: ImportReport, actor: Actor, how: dict[str, Any]) -> None:
        detail = report.counts() | how
        with self.database.write() as connection:
            if report.created > _WORTH_ANALYZING:
                bulk_merge.refresh_statistics(connection)
            subject = Subject("subscriber_list", "import")
            record(connection, actor, "subscribers.imported", subject, at=self.clock(), detail=detail)


def _ignore(row: BadRow) -> None:
    del row


def _given(columns: Iterable[str]) -> frozenset[str]:
    """Return the ledger's columns that these columns of a CSV decide; preferences are one column there."""
    names = set(columns)
    given = names & _EVERYTHING
    if names & set(PREFERENCE_COLUMNS):
        given.add("preference_id")
    if "email" in names:
        given.add("address_key")
    if names & _QUIET_COLUMNS:
        given |= _QUIET_COLUMNS
    return frozenset(given)


class _Merging:
    """Writes chunks, remembering the numbers of preference sets that are committed."""

    def __init__(
        self, order: ImportSubscribers, given: frozenset[str], legal_basis: LegalBasis, *, invite: bool
    ) -> None:
        self._order = order
        self._invite = invite
        self._given = given
        self._legal_basis = legal_basis.value
        self._numbers: dict[Preferences, int] = {}

    def bring(self, chunk: dict[str, tuple[GoodRow, bool]], report: ImportReport) -> None:
        """Write one chunk and count what became of it."""
        merged = self._patiently(chunk)
        fresh = sum(not repeated for _, repeated in chunk.values())
        report.created += merged.created
        report.updated += merged.updated
        report.unchanged += fresh - merged.created - merged.updated
        report.kept_unsubscribed += merged.kept_unsubscribed

    def _patiently(self, chunk: dict[str, tuple[GoodRow, bool]]) -> bulk_merge.Merged:
        """Try again when the database was busy: a chunk that was not committed left nothing behind."""
        for _ in range(_TRIES - 1):
            try:
                return self._write(chunk)
            except UnavailableError:
                continue
        return self._write(chunk)

    def _write(self, chunk: dict[str, tuple[GoodRow, bool]]) -> bulk_merge.Merged:
        order = self._order
        wanted = {row.subscriber.preferences for row, _ in chunk.values()} - self._numbers.keys()
        with order.database.write() as connection:
            preference_ids = preferences.ensure_many(connection, wanted) if wanted else {}
            known = self._numbers | preference_ids
            staged = [
                _staged(row, repeated, known[row.subscriber.preferences], order.addresses)
                for row, repeated in chunk.values()
            ]
            history = [
                (order.addresses.of(row.subscriber.email), item)
                for row, _ in chunk.values()
                if row.suppressions and row.subscriber.email
                for item in row.suppressions
            ]
            suppressions.add_many(connection, history)
            now = order.clock()
            merged = bulk_merge.merge(
                connection,
                staged,
                given=self._given,
                legal_basis=self._legal_basis,
                now=now,
                invited_until=now + CONFIRM_WITHIN if self._invite else None,
            )
        self._numbers = known
        return merged


def _staged(row: GoodRow, repeated: bool, preference_id: int, addresses: AddressHasher) -> tuple[Any, ...]:  # noqa: FBT001
    """Return the values of `subscriber_lists.STAGED`, in its order."""
    subscriber = row.subscriber
    quiet = subscriber.quiet_hours
    return (
        subscriber.external_id,
        subscriber.kind.value,
        subscriber.email,
        addresses.of_optional(subscriber.email),
        subscriber.name,
        subscriber.locale,
        subscriber.timezone,
        subscriber.state.value,
        preference_id,
        quiet.start if quiet else None,
        quiet.end if quiet else None,
        subscriber.max_per_hour,
        row.legal_basis,
        orjson.dumps(row.consent).decode() if row.consent else None,
        repeated,
    )
