"""Reports as text for docs/benchmarks.md."""

from collections.abc import Sequence

from tests.benchmarks.section import Report


def as_text(report: Report) -> str:
    """Return a report as plain text, texts left-aligned and numbers right-aligned."""
    cells = [[_shown(value) for value in row] for row in report.rows]
    left = [all(isinstance(row[place], str) for row in report.rows) for place in range(len(report.columns))]
    widths = [max([len(name), *(len(row[place]) for row in cells)]) for place, name in enumerate(report.columns)]

    def line(values: Sequence[str]) -> str:
        padded = [
            value.ljust(width) if to_left else value.rjust(width)
            for value, width, to_left in zip(values, widths, left, strict=True)
        ]
        return "  ".join(padded).rstrip()

    notes = [f"  {note}" for note in report.notes]
    return "\n".join(["", report.title, line(report.columns), *map(line, cells), *notes])


def _shown(value: str | float | None) -> str:
    """Format a number with its significant digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    size = abs(value)
    digits = 0 if isinstance(value, int) or size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{digits}f}"
