import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
OURS = ("notifier", "workers")
LINES_OF_A_ROOM = 400
SOURCES = sorted(path for name in OURS for path in (ROOT / name).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def inner_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node)


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
        if (strange := roots_of(imports(ast.parse(path.read_text()))) - sys.stdlib_module_names - {"notifier"})
    }
    assert domain
    assert outside == {}


def test_our_own_modules_are_imported_at_the_top() -> None:
    hidden = {named(path): names for path in SOURCES if (names := roots_of(inner_imports(path)) & {"", *OURS})}
    assert hidden == {}


def test_no_room_is_overcrowded() -> None:
    # A migration is one list of statements, written once and never grown.
    rooms = [path for path in SOURCES if "migrations" not in path.parts]
    sizes = {named(path): len(path.read_text().splitlines()) for path in rooms}
    assert {name: lines for name, lines in sizes.items() if lines > LINES_OF_A_ROOM} == {}
