"""The final table."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos.run import Outcome

_COLUMNS = (
    "database",
    "scenario",
    "events",
    "lost",
    "duplicated",
    "bound",
    "out of order",
    "unexplained",
    "repeats",
    "last told, s",
    "s",
    "",
)


def show(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print the result of each scenario."""
    title = "Sinks against ledger; lost, out of order and unexplained must be 0, duplicated within its bound"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in ("database", "scenario", "") else "right")
    for one in outcomes:
        counts = (one.lost, one.duplicated, one.bound, one.out_of_order, one.unexplained, one.repeats)
        verdict = "ok" if one.held else "BROKEN"
        last = "" if one.last is None else f"{one.last:.1f}"
        row = (str(one.events), *map(str, counts), last, f"{one.seconds:.1f}", verdict)
        table.add_row(one.database, one.scenario, *row)
    console.print(table)
    console.print("repeats: webhooks that came again under the id they had, which their receivers drop")
    for one in outcomes:
        if one.duplicated:
            console.print(f"{one.database} {one.scenario}: {one.duplicated} duplicates; may be {one.why}", markup=False)
        for words in () if one.held else one.lines:
            console.print(f"{one.database} {one.scenario}: {words}", markup=False)
