"""Figures of the code: sizes, types, docstrings, comments, and tests found by their module's path.

`python -m tests.support.figures [ROOT]` prints them for the repository at ROOT (default: this one).
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeAlias

from tests.support.repository import ROOT

HERE = ROOT
WIDE = 100
LONG_FUNCTION = 50
KINDS = ("unit", "integration", "contract", "functional")
MOCK = re.compile(r"monkeypatch\.setattr|\b(?:Mock|MagicMock|AsyncMock|mocker|create_autospec)\b|mock\.patch")
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)


@dataclass(frozen=True)
class Source:
    """A Python file; `name` is its path below the root."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def folder(self) -> str:
        return Path(self.name).parent.as_posix()

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes() if isinstance(node, FUNCTIONS))


class Widths(NamedTuple):
    """The number of lines, and of those wider than `WIDE`."""

    wide: int
    all: int


@cache
def sources(root: Path, *folders: str) -> Sequence[Source]:
    """Return all Python files below the folders, except migrations, which are written once."""
    paths = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return [Source(name, text, ast.parse(text)) for name, text in texts.items() if "/versions/" not in name]


def product(root: Path) -> list[Source]:
    """Return the files that run in production, and the sandbox; the demo is a separate script."""
    return outside(sources(root, "notifier", "workers"), "demo")


def outside(found: Sequence[Source], *rooms: str) -> list[Source]:
    prefixes = tuple(f"notifier/{room}/" for room in rooms)
    return [source for source in found if not source.name.startswith(prefixes)]


def is_typed(function: Function) -> bool:
    named = function.args
    extra = [argument for argument in (named.vararg, named.kwarg) if argument]
    arguments = [*named.posonlyargs, *named.args, *named.kwonlyargs, *extra]
    return function.returns is not None and all(one.annotation or one.arg in {"self", "cls"} for one in arguments)


def lengths(found: Sequence[Source]) -> list[int]:
    return [(one.end_lineno or one.lineno) - one.lineno + 1 for source in found for one in source.functions()]


def documented(found: Sequence[Source], kind: Callable[[Source], Iterator[Function | ast.ClassDef]]) -> float:
    """Return the share of public definitions with a docstring, in per cent."""
    public = [node for source in found for node in kind(source) if not node.name.startswith("_")]
    return share(sum(ast.get_docstring(node) is not None for node in public), len(public))


def top_functions(source: Source) -> Iterator[Function]:
    return (node for node in source.tree.body if isinstance(node, FUNCTIONS))


def classes(source: Source) -> Iterator[ast.ClassDef]:
    return (node for node in source.nodes() if isinstance(node, ast.ClassDef))


def is_broad(node: ast.AST) -> bool:
    """Return whether a handler catches everything without re-raising it."""
    if not isinstance(node, ast.ExceptHandler) or any(isinstance(one, ast.Raise) for one in ast.walk(node)):
        return False
    named = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else {"BaseException"}
    return bool(named & {"Exception", "BaseException"})


def comments(source: Source) -> Iterator[str]:
    """Yield the lines that are only a comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            yield token.line.rstrip("\n")


def docstrings(source: Source) -> Iterator[str]:
    """Yield the lines of all docstrings."""
    lines = source.text.splitlines()
    for node in source.nodes():
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            yield from lines[node.body[0].lineno - 1 : node.body[0].end_lineno]


def widths(found: Sequence[Source], what: Callable[[Source], Iterator[str]]) -> Widths:
    lines = [line for source in found for line in what(source)]
    return Widths(sum(len(line) > WIDE for line in lines), len(lines))


def crowding(root: Path) -> Counter[str]:
    """Return the number of source files per folder; `test_*.py` do not count."""
    found = sources(root, "notifier", "workers", "tests")
    return Counter(source.folder for source in found if not Path(source.name).name.startswith("test_"))


def imports_by_name(root: Path) -> list[str]:
    """Return the places outside the command line that call `import_module`."""
    found = outside(sources(root, "notifier", "workers"), "cli")
    return [
        f"{source.name}:{node.lineno}"
        for source in found
        for node in source.nodes()
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module"
    ]


def modules(root: Path) -> list[str]:
    """Return the paths of the modules that need a test of their own."""
    found = outside(product(root), "sandbox")
    return [source.name for source in found if not Path(source.name).name.startswith("__")]


def tests_of(name: str) -> list[str]:
    """Return a module's possible test paths: `tests/<kind>/<folder below notifier>/test_<name>.py`."""
    path = Path(name.removeprefix("notifier/"))
    return [(Path("tests") / kind / path.with_name(f"test_{path.name}")).as_posix() for kind in KINDS]


def tested(root: Path) -> list[str]:
    return [name for name in modules(root) if any((root / test).is_file() for test in tests_of(name))]


def tested_by_name(root: Path) -> list[str]:
    """Return the modules with a test file of their name in any folder."""
    names = {path.name for path in (root / "tests").rglob("test_*.py")}
    return [name for name in modules(root) if f"test_{Path(name).name}" in names]


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that are neither tables, code nor examples."""
    fenced, blank = False, True
    for number, line in enumerate(text.splitlines(), 1):
        fence = line.lstrip().startswith("```")
        fenced = fenced != fence
        code = blank and line.startswith("    ")
        if line.strip() and not (fenced or fence or code or line.startswith("|")):
            yield number, line
        blank = not line.strip() or code


def pages(root: Path) -> list[Path]:
    return sorted((*root.glob("*.md"), *(root / "docs").rglob("*.md")))


def share(part: int, whole: int) -> float:
    return 100 * part / whole


def spread(numbers: Sequence[int]) -> str:
    ordered = sorted(numbers)
    return f"{median(ordered):.0f} / {ordered[int(0.95 * len(ordered))]} / {ordered[-1]}"


def row(name: str, found: Sequence[Source], tests: Sequence[Source]) -> list[str]:
    functions = lengths(found)
    lines, of_tests = (sum(source.lines for source in some) for some in (found, tests))
    typed = sum(is_typed(function) for source in found for function in source.functions())
    return [
        name,
        f"{len(found):,}",
        f"{lines:,}",
        spread([source.lines for source in found]),
        spread(functions),
        f"{share(sum(one > LONG_FUNCTION for one in functions), len(functions)):.2f} %",
        f"{share(typed, len(functions)):.0f} %",
        f"{documented(found, top_functions):.0f} / {documented(found, classes):.0f} %",
        str(sum(is_broad(node) for source in found for node in source.nodes())),
        f"{of_tests / lines:.2f}",
        f"{1000 * sum(len(MOCK.findall(source.text)) for source in tests) / of_tests:.2f}",
    ]


def table(root: Path) -> str:
    found, tests = product(root), sources(root, "tests")
    columns = "tree, files, lines, file median / p95 / max, function median / p95 / max"
    columns += f", functions > {LONG_FUNCTION} lines, typed, docstrings fn / cls, broad excepts, test:code"
    rows = [
        [*columns.split(", "), "mocks per 1,000 test lines"],
        ["---"] * (columns.count(", ") + 2),
        row("notifier + workers", found, tests),
        row("without sandbox and bench", outside(found, "sandbox", "bench"), tests),
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def remarks(root: Path) -> Iterator[str]:
    found = product(root)
    for what, kind in (("comments", comments), ("docstrings", docstrings)):
        wide = widths(found, kind)
        yield f"lines of {what} wider than {WIDE} columns: {share(*wide):.0f} % ({wide.wide} of {wide.all})"
    all_modules, by_path, by_name = modules(root), tested(root), tested_by_name(root)
    yield f"modules outside sandbox and demo: {len(all_modules)}"
    for how, some in (("path", by_path), ("name", by_name)):
        yield f"with a test found by {how}: {share(len(some), len(all_modules)):.0f} % ({len(some)})"
    folder, most = crowding(root).most_common(1)[0]
    yield f"most source files in one folder: {most} ({folder})"
    yield f"import_module outside the command line: {len(imports_by_name(root))}"
    lines = [len(line) for page in pages(root) for _, line in prose(page.read_text(encoding="utf-8"))]
    for limit in (WIDE, 120):
        yield f"lines of prose in docs wider than {limit} columns: {sum(one > limit for one in lines)} of {len(lines)}"


def main(arguments: Sequence[str]) -> None:
    root = Path(arguments[0]) if arguments else HERE
    sys.stdout.write("\n".join([table(root), "", *remarks(root), ""]))


if __name__ == "__main__":
    main(sys.argv[1:])
