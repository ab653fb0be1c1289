import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.repository import ROOT

OURS = ("notifier", "workers")
LINES_OF_A_ROOM = 400
# The linter forbids imports inside functions, unless a line says why: `
REASON = re.compile(r"# noqa: [A-Z0-9, ]*PLC0415 - \S+")
CHANGES = re.compile(r"(dict|list|set|deque|Counter|defaultdict|OrderedDict|(threading\.)?R?Lock|threading\.Event)\b")
ENTRY_ROOMS = {"api", "cli", "demo", "doctor", "supervise", "web"}
BY_TEXT = {"import_module", "__import__"}
SOURCES = sorted(path for name in OURS for path in (ROOT / name).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def inner_imports(path: Path) -> Iterator[str]:
    """The lines of the imports inside functions."""
    lines = path.read_text().splitlines()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found = [inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)]
            yield from (lines[inner.lineno - 1].strip() for inner in found)


def words_of(path: Path) -> Iterator[str]:
    """Every name and attribute that a file uses."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def texts_of(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_frozen(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and any(
        keyword.arg == "frozen" and ast.unparse(keyword.value) == "True" for keyword in decorator.keywords
    )


def makes_state(member: ast.stmt) -> bool:
    """Whether the type of a field lets somebody change it: a container that is not read-only, a lock, a signal."""
    return isinstance(member, ast.AnnAssign) and bool(CHANGES.match(ast.unparse(member.annotation)))


def begins_a_write(node: ast.AST) -> bool:
    """Whether a node is `database.write` or `something.database.write`."""
    if not (isinstance(node, ast.Attribute) and node.attr == "write"):
        return False
    return (isinstance(node.value, ast.Attribute) and node.value.attr == "database") or (
        isinstance(node.value, ast.Name) and node.value.id == "database"
    )


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[1]


def roots_of(names: Iterator[str]) -> set[str]:
    """The first part of each name; empty for a relative import."""
    return {name.split(".")[0] for name in names}


def test_every_room_has_its_place_on_the_stairs() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    placed = {room.strip(" ()") for layer in contract["layers"] for room in layer.split("|")}
    inside = (ROOT / "notifier").iterdir()
    rooms = {f"notifier.{path.stem}" for path in inside if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"notifier.__init__", "notifier.__main__"} <= placed


def test_every_package_is_marked_as_one() -> None:
    folders = {path.parent for path in SOURCES if "migrations" not in path.parts}
    assert [named(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_the_domain_stands_on_the_standard_library_alone() -> None:
    domain = [path for path in SOURCES if "domain" in path.parts]
    outside = {
        named(path): strange
        for path in domain
        if (strange := roots_of(imports(tree_of(path))) - sys.stdlib_module_names - {"notifier"})
    }
    assert domain
    assert outside == {}


def test_an_import_inside_a_function_says_why() -> None:
    inner = {(path, line) for path in SOURCES for line in inner_imports(path)}
    assert inner
    assert [f"{named(path)}: {line}" for path, line in sorted(inner) if not REASON.search(line)] == []


def test_no_module_is_imported_by_its_name_as_text() -> None:
    # Neither mypy nor the contracts see such an import. The command line loads the command that was asked for.
    users = {named(path) for path in SOURCES if BY_TEXT & set(words_of(path))}
    assert {name for name in users if not name.startswith("notifier/cli/")} == set()


def test_no_module_of_another_room_is_named_as_text() -> None:
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES
    }
    told = [(path, text) for path in SOURCES for text in texts_of(path) if "." in text and text in modules]
    # The command line is above all rooms: what it hands down may be anything.
    strangers = [(path, text) for path, text in told if room(path) not in {room(modules[text]), "cli"}]
    assert [f"{named(path)}: {text}" for path, text in strangers] == []


def test_no_private_module_of_a_library_is_imported() -> None:
    private = {
        named(path): names for path in SOURCES if (names := {name for name in imports(tree_of(path)) if "._" in name})
    }
    assert private == {}


def test_no_room_is_overcrowded() -> None:
    # A migration is one list of statements, written once and never grown.
    rooms = [path for path in SOURCES if "migrations" not in path.parts]
    sizes = {named(path): len(path.read_text().splitlines()) for path in rooms}
    assert {name: lines for name, lines in sizes.items() if lines > LINES_OF_A_ROOM} == {}


def test_a_frozen_dataclass_holds_nothing_that_changes() -> None:
    classes = [(path, node) for path in SOURCES for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef)]
    frozen = [(path, node) for path, node in classes if any(map(is_frozen, node.decorator_list))]
    assert frozen
    assert [f"{named(path)}: {node.name}" for path, node in frozen if any(map(makes_state, node.body))] == []


def test_entry_points_write_through_use_cases_only() -> None:
    entries = [path for path in SOURCES if path.parts[len(ROOT.parts)] == "workers" or room(path) in ENTRY_ROOMS]
    assert {room(path) for path in entries} >= ENTRY_ROOMS
    assert [named(path) for path in entries if any(map(begins_a_write, ast.walk(tree_of(path))))] == []
