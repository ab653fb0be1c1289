"""Import subscribers as a stream: keep good rows, report every bad one.

Each chunk is one transaction. An interrupted import can be repeated: it skips what is stored.
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

CHUNK = 2_500  # smaller chunks are noticeably slower, larger ones only use more memory
MAX_REPORTED = 1_000
_TRIES = 3  # per chunk, if the database is busy
_WORTH_ANALYZING = 10_000
_EVERYTHING = frozenset(bulk_merge.STAGED) - {"external_id", "legal_basis", "consent", "repeated"}
_ERASED = "was erased, and a list does not bring them back: `notifier subscribers add` does"
_QUIET_COLUMNS = frozenset({"quiet_from", "quiet_to"})


class ListFormat(StrEnum):
    """The formats of a list."""

    CSV = "csv"
    NDJSON = "ndjson"


def format_of(start: bytes) -> ListFormat:
    """Detect the format by a list's first bytes."""
    begins_object = start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return ListFormat.NDJSON if begins_object else ListFormat.CSV


@dataclass
class ImportReport:
    """The result of an import. `rows` = created + updated + unchanged + repeated + rejected.

    `repeated`: rows with an external id of an earlier row; the last one counts.
    `kept_unsubscribed`: rows, also counted above, of unsubscribed or suppressed subscribers whom
    the row would have reactivated; they stay as they are.
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
        """Return the report; `errors` has the first thousand bad rows."""
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
        """Return only the counts."""
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
    """Imports a list into the ledger."""

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
        """Import from a binary file, in constant memory.

        Args:
            source: UTF-8, read line by line.
            list_format: CSV with a header, or NDJSON.
            actor: The actor in the audit trail.
            legal_basis: Recorded for new subscribers whose row has none.
            invite: Rows without a state become `pending` instead of `active`. New pending
                subscribers get a mail that asks them to confirm, and are erased if they do not.
            on_bad_row: Called with every bad row; the report keeps the first thousand.
            on_progress: Called with the report after every chunk.

        Raises:
            InvalidInputError: the CSV header is invalid; nothing was stored.
            UnavailableError: the database does not answer; whole chunks are stored, so repeat it.
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
        """Return the rows, and the columns of `subscriber` that the list has."""
        if list_format is ListFormat.NDJSON:
            return SubscriberNdjson(source, self.vocabulary, default_state=default_state), _EVERYTHING
        rows = SubscriberCsv(source, self.vocabulary, default_state=default_state)
        return rows, _given(rows.columns)

    def _chunks(
        self, rows: Iterable[GoodRow | BadRow], report: ImportReport, on_bad_row: Callable[[BadRow], None]
    ) -> Iterator[dict[str, tuple[GoodRow, bool]]]:
        """Yield chunks of good rows by external id, with whether an earlier chunk had the id.

        Within a chunk, the last row of an id counts.
        """
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
        """Remove erased subscribers from a chunk: a list is no consent to store them again."""
        with self.database.read() as connection:
            if not erasures.are_there(connection):
                return  # the usual case; skips a query per key
            keys = [key for row, _ in chunk.values() for key in self._keys(row)]
            erased = erasures.among(connection, keys)
        for row, repeated in list(chunk.values()):
            if erased.intersection(self._keys(row)):
                del chunk[row.subscriber.external_id]
                if not repeated:  # otherwise counted as repeated
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
    """Return the columns of `subscriber` that these CSV columns set; preferences are one column."""
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
    """Writes chunks and caches the ids of committed preference sets."""

    def __init__(
        self, order: ImportSubscribers, given: frozenset[str], legal_basis: LegalBasis, *, invite: bool
    ) -> None:
        self._order = order
        self._invite = invite
        self._given = given
        self._legal_basis = legal_basis.value
        self._numbers: dict[Preferences, int] = {}

    def bring(self, chunk: dict[str, tuple[GoodRow, bool]], report: ImportReport) -> None:
        """Write one chunk and count the results."""
        merged = self._write_with_retries(chunk)
        fresh = sum(not repeated for _, repeated in chunk.values())
        report.created += merged.created
        report.updated += merged.updated
        report.unchanged += fresh - merged.created - merged.updated
        report.kept_unsubscribed += merged.kept_unsubscribed

    def _write_with_retries(self, chunk: dict[str, tuple[GoodRow, bool]]) -> bulk_merge.Merged:
        """Retry while the database is busy: a failed chunk is rolled back completely."""
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
    """Return the values for `subscriber_lists.STAGED`, in its order."""
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
