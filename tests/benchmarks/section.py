"""What `make bench` is made of. A section is a module with one entry, `SECTION`, and a line in `bench/sections.py`.

    SECTION = Section(name="lists", about="Subscribers imported and exported per second", run=run)

`run(bench)` yields reports; each is printed as soon as it is there. What a section can be told on the command line it
adds by `options`. A section that takes long, or that few ask for, sets `by_default=False`: then only `--only` runs it.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.postgresql import bench_server, emptied


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A table of results. Words are set left, numbers right; None is a gap."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


@dataclass(slots=True)
class Bench:
    """What a run was asked for, and what all sections share.

    Attributes:
        options: The command line, the sections' own switches included.
        rounds: How often everything is measured; medians are reported.
        say: Prints one line of progress.
    """

    options: argparse.Namespace
    rounds: int
    say: Callable[[str], None]
    _held: ExitStack = field(default_factory=ExitStack)
    _server: str | None = None

    @property
    def databases(self) -> Sequence[str]:
        """`sqlite`, `postgresql`, or both, as asked."""
        return (self.options.database,) if self.options.database else ("sqlite", "postgresql")

    def database_url(self, kind: str) -> str | None:
        """An empty database for a new installation: None for SQLite, which lives in the installation's folder."""
        if kind == "sqlite":
            return None
        if self._server is None:
            self._server = self._held.enter_context(bench_server())
        return emptied(self._server)

    def close(self) -> None:
        """Stop what was started for all sections."""
        self._held.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One thing that is measured."""

    name: str
    about: str
    run: Callable[[Bench], Iterator[Report]]
    options: Callable[[argparse.ArgumentParser], None] = lambda _parser: None
    by_default: bool = True


def median(values: Sequence[float]) -> float:
    """Return the middle of what was measured several times."""
    return statistics.median(values)


def percentiles(values: Sequence[float], wanted: Sequence[int] = (50, 95, 99)) -> Mapping[int, float]:
    """Return the smallest measured values that this many of a hundred do not exceed (nearest rank)."""
    ordered = sorted(values)
    return {share: ordered[max(0, -(-len(ordered) * share // 100) - 1)] for share in wanted}
