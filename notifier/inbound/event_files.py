"""Files of events: one, an array, JSON Lines, YAML, or a Statuspage's history.

Errors name their line.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incidents.incident import Event
from notifier.inbound.events import MAX_ERRORS, parse_event
from notifier.inbound.statuspage import PageSource, parse_statuspage_listing
from notifier.inbound.statuspage_history import parse_statuspage_history
from notifier.inbound.yaml_items import yaml_items

_BLANK = re.compile(r"[ \t\n\r]*")
_JSON_PLACE = re.compile(r" at line (\d+) column (\d+)$")
_HISTORY_KEYS = frozenset({"incidents", "scheduled_maintenances"})
_EVENT_KEYS = frozenset({"incident", "update"})


class Item(NamedTuple):
    """One event of a file: JSON text, and its first line (from 1)."""

    line: int
    text: str


def read_events(data: bytes, *, now: datetime | None, pages: Sequence[PageSource] = ()) -> list[Event]:
    """Read a file of events, in the order of the file.

    Args:
        data: UTF-8 text: a JSON object or array, JSON Lines, YAML, or the `incidents.json` of a
            Statuspage.
        now: Aware UTC instant to check times against; None accepts any (a recorded history).
        pages: Our own Statuspages: the history of one of them makes the events that its webhooks make.

    Raises:
        InvalidInputError: Names every field at fault as `line N: path`.
    """
    text = _decode(data)
    events = _read_statuspage(text, pages) if _is_statuspage(text) else _read_items(text, now)
    if not events:
        raise _fault(1, "holds no event")
    return events


def _read_statuspage(text: str, pages: Sequence[PageSource]) -> list[Event]:
    told = json.loads(text).get("page")
    host = _host(told.get("url")) if isinstance(told, dict) else None
    page = next((page for page in pages if host is not None and _host(page.url) == host), None)
    if page is None:
        return parse_statuspage_history(text)
    listed = parse_statuspage_listing(text.encode(), page)
    events = (event for incident in listed for event in incident.news.events)
    return sorted(events, key=lambda event: event.update.ordered_at)


def _host(url: object) -> str | None:
    try:
        return urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None


def _read_items(text: str, now: datetime | None) -> list[Event]:
    events: list[Event] = []
    faults: list[FieldError] = []
    for line, item in _items(text):
        try:
            events.append(parse_event(item, now=now))
        except InvalidInputError as error:
            faults += [_in_file(fault, line) for fault in error.errors]
        if len(faults) >= MAX_ERRORS:
            break
    if faults:
        raise InvalidInputError(faults[:MAX_ERRORS])
    return events


def _in_file(fault: FieldError, line: int) -> FieldError:
    """Add the line of the file; invalid JSON has a line within the event, from 1."""
    match = _JSON_PLACE.search(fault.message)
    if fault.field != "body" or match is None:
        return FieldError(f"line {line}: {fault.field}", fault.message)
    message = fault.message.replace(match[0], f" at column {match[2]}")
    return FieldError(f"line {line + int(match[1]) - 1}: body", message)


def _fault(line: int, message: str) -> InvalidInputError:
    return InvalidInputError([FieldError(f"line {line}: body", message)])


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(data.count(b"\n", 0, error.start) + 1, "is not UTF-8") from None


def _items(text: str) -> Iterator[Item]:
    start = text.lstrip()[:1]
    if start == "[":
        return _array_items(text)
    if start == "{":
        begin = text.index("{")
        return _line_items(text) if _is_lines(text) else iter([Item(_line_of(text, begin), text[begin:])])
    return (Item(line, item) for line, item in yaml_items(text))


def _is_lines(text: str) -> bool:
    """Whether the first line is a complete object and more lines follow."""
    first, _, rest = text.lstrip().partition("\n")
    return first.rstrip().endswith("}") and bool(rest.strip())


def _line_items(text: str) -> Iterator[Item]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield Item(number, line)


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _array_items(text: str) -> Iterator[Item]:
    """Split an array at its commas, so that each element keeps its line.

    Does not parse elements.
    """
    decoder = json.JSONDecoder()
    position, line, counted = _skip(text, text.index("[") + 1), 1, 0
    while not text.startswith("]", position):
        line, counted = line + text.count("\n", counted, position), position
        try:
            _, end = decoder.raw_decode(text, position)
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number with too many digits"
            at = error.pos if isinstance(error, json.JSONDecodeError) else position
            raise _fault(_line_of(text, at), f"broken JSON: {reason}") from None
        except RecursionError:
            raise _fault(line, "broken JSON: nested too deeply") from None
        yield Item(line, text[position:end])
        position = _skip(text, end)
        if text.startswith(",", position):
            position = _skip(text, position + 1)
        elif not text.startswith("]", position):
            raise _fault(_line_of(text, position), "broken JSON: expected a comma or ]")
    if text[position + 1 :].strip():
        raise _fault(_line_of(text, _skip(text, position + 1)), "broken JSON: more text after the array")


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _is_statuspage(text: str) -> bool:
    """Whether this is an object with a Statuspage's lists rather than an event."""
    if not text.lstrip().startswith("{") or _is_lines(text):
        return False
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return False  # the event parser reports the error
    return isinstance(whole, dict) and not _EVENT_KEYS & whole.keys() and bool(_HISTORY_KEYS & whole.keys())


def read_stories(data: bytes) -> dict[str, list[Event]]:
    """Read a file of sample stories: each name with its events in order.

    Raises:
        InvalidInputError: An event is invalid.
    """
    stories = json.loads(data)
    return {name: [parse_event(json.dumps(item), now=None) for item in items] for name, items in stories.items()}
