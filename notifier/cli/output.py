"""Command output: tables for people, JSON for programs, one line on stderr for errors."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from notifier.domain.errors import FieldError, InvalidInputError

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]

EXIT_FAILED = 1
EXIT_USAGE = 2

# A pipe has no width: keep rows on one line for grep.
_PIPE_WIDTH = 200
# Names contain colons: `social:x:x-nl` must not become an emoji.
out = Console(highlight=False, soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)


def print_json(data: Any) -> None:
    """Print data as one indented JSON document."""
    sys.stdout.write(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers are right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    out.print(table)


def print_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, one line per row: fast for thousands of rows, unlike `print_table`."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (columns, *rows))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print name and value pairs, one per line."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        out.print(f"{name:<{width}}  {value}", markup=False)


def ask(what: str, deed: str, *, at_terminal: bool = True) -> None:
    """Ask for confirmation at a terminal; elsewhere `--yes` is required.

    Raises:
        Abort: the answer is no.
        InvalidInputError: there is no terminal.
    """
    if not (at_terminal and sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInputError([FieldError("--yes", f"{what}. Add --yes to {deed}")])
    typer.echo(what, err=True)
    typer.confirm(f"{deed.partition(' (')[0].capitalize()}?", abort=True, err=True)


def fail(message: str, code: int = EXIT_FAILED) -> typer.Exit:
    """Print an error on stderr; the caller raises the returned exit."""
    sys.stderr.write(f"notifier: {message}\n")
    return typer.Exit(code)
