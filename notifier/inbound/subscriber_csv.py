"""Subscribers as CSV (contract, section 5): a million rows in half a minute.

Errors name line and column. Repeated values (time zones, locales, sets of preferences) are checked
once and cached.
"""

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TypeVar

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.subscriber import (
    MAX_PER_HOUR,
    QuietHours,
    Subscriber,
    Vocabulary,
    is_timezone,
    timezone_fault,
)
from notifier.domain.values import Channel, Impact, SubscriberKind, SubscriberState, UpdateLevel
from notifier.inbound import subscriber_fields as fields
from notifier.inbound.csv_records import CsvRecord, CsvRecords
from notifier.inbound.list_lines import BadRow, ByteSource, GoodRow
from notifier.inbound.mail_address import mail_address

COLUMNS = (
    "external_id",
    "kind",
    "email",
    "name",
    "locale",
    "timezone",
    "state",
    "channels",
    "components",
    "min_impact",
    "updates",
    "maintenance",
)
# Optional additions to the contract: without them a list could not carry all preferences.
FURTHER_COLUMNS = ("quiet_from", "quiet_to", "max_per_hour")
PREFERENCE_COLUMNS = ("channels", "components", "min_impact", "updates", "maintenance")
NO_CHANNELS = "none"  # an empty cell means the default, which is mail
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_REMEMBERED = 20_000  # spellings of preferences

Value = TypeVar("Value")


class _Memory(dict[str, Value]):
    """Parsed values by text. Invalid texts are not cached, so there are few entries."""

    def __init__(self, read: Callable[[str], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> Value:
        self[text] = value = self._read(text)
        return value


class SubscriberCsv:
    """Reads a file: `columns` is known after the header; then yields good and bad rows."""

    def __init__(
        self,
        source: ByteSource,
        vocabulary: Vocabulary,
        *,
        default_state: SubscriberState = SubscriberState.ACTIVE,
        remembered: int = _REMEMBERED,
    ) -> None:
        """Read the header.

        Args:
            source: A binary file, UTF-8 with or without byte order mark.
            vocabulary: The known components, locales and so on.
            default_state: For rows without a state.
            remembered: How many spellings of preferences to cache.

        Raises:
            InvalidInputError: The header has unknown columns or lacks `external_id`.
        """
        self._vocabulary, self._most = vocabulary, remembered
        self._records = iter(CsvRecords(source))
        self.columns = _header(next(self._records, None))
        index = {name: number for number, name in enumerate(self.columns)}
        # Cells in the order of our columns; a missing column maps to the empty cell after the last.
        self._ordered = itemgetter(*(index.get(name, len(self.columns)) for name in (*COLUMNS, *FURTHER_COLUMNS)))
        self._kinds = _Memory(_enum(SubscriberKind, SubscriberKind.MERCHANT))
        self._states = _Memory(_enum(SubscriberState, default_state))
        self._locales = _Memory(self._locale)
        self._zones = _Memory(self._zone)
        self._preferences: dict[tuple[str, ...], Preferences] = {}

    def __iter__(self) -> Iterator[GoodRow | BadRow]:
        width = len(self.columns)
        for record in self._records:
            if record.fault is not None:
                yield BadRow.because(record.line, record.fault)
            elif len(record.fields) != width:
                message = f"has {len(record.fields)} fields where the header has {width}"
                yield BadRow.because(record.line, message)
            else:
                yield self._row(record)

    def _row(self, record: CsvRecord) -> GoodRow | BadRow:
        cells = list(map(str.strip, record.fields))
        cells.append("")  # the value of missing columns
        if not record.is_utf8:
            return BadRow(record.line, _undecodable(self.columns, cells))
        ordered = self._ordered(cells)
        external_id, kind, email, name, locale, zone, state = ordered[:7]
        quiet_from, quiet_to, limit = ordered[12:]
        try:
            preferences = self._preferences[ordered[7:12]]
            subscriber = Subscriber(
                external_id=fields.external_id(external_id),
                kind=self._kinds[kind],
                email=mail_address(email) if email else None,
                name=fields.display_name(name),
                locale=self._locales[locale],
                timezone=self._zones[zone],
                state=self._states[state],
                preferences=preferences,
                quiet_hours=_quiet_hours(quiet_from, quiet_to) if quiet_from or quiet_to else None,
                max_per_hour=_limit(limit) if limit else None,
            )
        except (KeyError, ValueError):
            return self._slowly(record, ordered)
        if not email and Channel.EMAIL in preferences.channels:
            return BadRow(record.line, (_NO_ADDRESS,))
        return GoodRow(record.line, subscriber)

    def _slowly(self, record: CsvRecord, ordered: tuple[str, ...]) -> GoodRow | BadRow:
        """Parse column by column: the row has new preferences or errors."""
        faults: list[FieldError] = []

        def judge(name: str, read: Callable[[str], object], text: str) -> None:
            try:
                read(text)
            except ValueError as error:
                faults.append(FieldError(name, str(error)))

        known = dict(zip((*COLUMNS, *FURTHER_COLUMNS), ordered, strict=True))
        judge("external_id", fields.external_id, known["external_id"])
        judge("kind", self._kinds.__getitem__, known["kind"])
        judge("email", lambda text: mail_address(text) if text else None, known["email"])
        judge("name", fields.display_name, known["name"])
        judge("locale", self._locales.__getitem__, known["locale"])
        judge("timezone", self._zones.__getitem__, known["timezone"])
        judge("state", self._states.__getitem__, known["state"])
        judge("quiet_from", lambda text: _quiet_hours(text, known["quiet_to"]), known["quiet_from"])
        judge("max_per_hour", _limit, known["max_per_hour"])
        faults += self._learn(ordered[7:12])
        return BadRow(record.line, tuple(faults)) if faults else self._row(record)

    def _learn(self, chosen: tuple[str, ...]) -> list[FieldError]:
        """Parse a set of preferences and cache it; or return its errors."""
        if chosen in self._preferences:
            return []
        texts = dict(zip(PREFERENCE_COLUMNS, chosen, strict=True))
        faults: list[FieldError] = []

        def read(name: str, reader: Callable[[str], Value], default: Value) -> Value:
            try:
                return reader(texts[name]) if texts[name] else default
            except ValueError as error:
                faults.append(FieldError(name, str(error)))
                return default

        found = Preferences(
            channels=read("channels", _channels, frozenset({Channel.EMAIL})),
            components=read("components", _components, frozenset()),
            min_impact=read("min_impact", _least_impact, Impact.NONE),
            updates=read("updates", _enum(UpdateLevel, UpdateLevel.ALL), UpdateLevel.ALL),
            maintenance=read("maintenance", _boolean, True),
        )
        faults += self._vocabulary.component_faults(found.components, "components")
        if not faults:
            if len(self._preferences) >= self._most:
                self._preferences.clear()
            self._preferences[chosen] = found
        return faults

    def _locale(self, text: str) -> str:
        if not text:
            return self._vocabulary.default_locale
        if text not in self._vocabulary.locales:
            raise ValueError(self._vocabulary.locale_fault(text))
        return text

    def _zone(self, text: str) -> str:
        if not text:
            return self._vocabulary.default_timezone
        if not is_timezone(text):
            raise ValueError(timezone_fault(text))
        return text


_NO_ADDRESS = FieldError("email", "is needed when channels holds email")


def _header(record: CsvRecord | None) -> tuple[str, ...]:
    if record is None:
        raise InvalidInputError([FieldError("header", "the file is empty; its first line must name the columns")])
    if record.fault is not None:
        raise InvalidInputError([FieldError("header", record.fault)])
    names = [name.strip() for name in record.fields]
    known = (*COLUMNS, *FURTHER_COLUMNS)
    faults = [FieldError(name[:60] or "header", _unknown(name)) for name in names if name not in known]
    faults += [FieldError(name, "is named twice") for name in known if names.count(name) > 1]
    if "external_id" not in names and not faults:
        faults = [FieldError("external_id", "this column is needed")]
    if faults:
        raise InvalidInputError(faults)
    return tuple(names)


def _unknown(name: str) -> str:
    hint = "; columns are separated by commas" if ";" in name or "\t" in name else ""
    return f"unknown column {name[:60]!r}{hint}; known are {', '.join((*COLUMNS, *FURTHER_COLUMNS))}"


def _undecodable(columns: tuple[str, ...], cells: list[str]) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(name, "is not UTF-8")
        for name, cell in zip(columns, cells, strict=False)
        if any("\ud800" <= letter <= "\udfff" for letter in cell)
    )


def _enum(kind: type[Value], default: Value) -> Callable[[str], Value]:
    members = {str(member): member for member in kind}  # type: ignore[attr-defined]  # closed enums only

    def read(text: str) -> Value:
        if not text:
            return default
        if text not in members:
            raise ValueError(f"{text[:40]!r} is none of {', '.join(members)}")
        found: Value = members[text]
        return found

    return read


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _channels(text: str) -> frozenset[Channel]:
    if text == NO_CHANNELS:
        return frozenset()
    read = _enum(Channel, Channel.EMAIL)
    return frozenset(map(read, _listed(text)))


def _components(text: str) -> frozenset[str]:
    return frozenset(map(fields.component_key, _listed(text)))


def _least_impact(text: str) -> Impact:
    return fields.least_impact(_enum(Impact, Impact.NONE)(text))


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(f"{text[:40]!r} is none of true, false")
    return _BOOLEANS[text.lower()]


def _quiet_hours(start: str, end: str) -> QuietHours | None:
    return QuietHours.parse(start, end) if start or end else None


def _limit(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MAX_PER_HOUR or len(text) > 6:  # noqa: PLR2004
        raise ValueError(f"must be a whole number from 1 to {MAX_PER_HOUR}")
    return int(text)
