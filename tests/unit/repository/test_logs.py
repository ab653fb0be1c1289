"""The product logs in one way, by events with fields, and `docs/logs.md` lists all of them."""

import ast
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.repository import ROOT

DOCS = ROOT / "docs" / "logs.md"
LEVELS = {"debug", "info", "warning", "error"}
NOT_FIELDS = {"exc_info"}
FIXED = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}  # a record refuses fields of these names
ROW = re.compile(r"^\| `([^`]*)` \| ([a-z, ]+) \| ([^|]*) \| [^|]+ \| [^|]+ \|$")


@dataclass(frozen=True)
class Call:
    where: str
    event: str | None
    level: str
    fields: frozenset[str]
    positional: int
    is_open: bool  # `**fields`: the names are not known here


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted([*(ROOT / "notifier").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]):
        text = path.read_text(encoding="utf-8")
        if "get_logger(" in text or "getLogger(" in text:
            yield str(path.relative_to(ROOT)), ast.parse(text)


def call_of(where: str, node: ast.AST) -> Call | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr=level), args=args, keywords=keywords):
            event = args[0].value if args and isinstance(args[0], ast.Constant) else None
            named = frozenset(keyword.arg for keyword in keywords if keyword.arg is not None) - NOT_FIELDS
            is_open = any(keyword.arg is None for keyword in keywords)
            name = event if isinstance(event, str) else None
            return Call(f"{where}:{node.lineno}", name, level, named, len(args), is_open)
        case _:
            return None


CALLS = [found for where, tree in modules() for node in ast.walk(tree) if (found := call_of(where, node)) is not None]


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """Levels and fields of each event in the tables."""
    rows = [row for line in DOCS.read_text(encoding="utf-8").splitlines() if (row := ROW.match(line))]
    return {
        event: (set(levels.split(", ")), set(re.findall(r"`([^`]+)`", fields)))
        for event, levels, fields in (row.groups() for row in rows)
    }


def test_every_event_in_the_code_is_documented_and_every_documented_event_exists() -> None:
    assert len(CALLS) > 50
    assert {call.event for call in CALLS} == set(documented())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.where)
def test_a_log_line_is_a_snake_case_event_with_the_documented_level_and_fields(call: Call) -> None:
    assert call.event is not None, "the event is a literal"
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", call.event)
    assert call.positional == 1, "values are fields, not parts of a sentence"
    assert call.level in LEVELS
    assert call.fields & FIXED == set()
    levels, fields = documented()[call.event]
    assert call.level in levels
    assert (call.fields <= fields) if call.is_open else (call.fields == fields)


def test_the_documentation_names_no_level_that_no_line_has() -> None:
    levels = {event: {call.level for call in CALLS if call.event == event} for event in documented()}
    assert {event: found for event, (found, _) in documented().items()} == levels


def test_every_module_takes_its_logger_from_the_same_place() -> None:
    ours = ("_log = get_logger(__name__)", "_log = get_logger('notifier.api.access')")
    others = {
        where
        for where, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "getlogger" in ast.unparse(node).lower().replace("_", "")
        if ast.unparse(node) not in ours
    }
    assert others == {"notifier/channels/redact.py", "notifier/observability/logs.py"}
