"""The building blocks of `make bench`. A section is a module listed in `sections.py`.

    SECTION = Section(name="lists", about="Subscribers imported and exported per second", run=run)

`run(bench)` yields reports; each is printed at once. `options` adds a section's command-line
options. A slow or special section sets `by_default=False`: then it runs only with `--only`.
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
    """A table of results. Texts are left-aligned, numbers right-aligned; None is a gap."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-serialisable dict."""
        return asdict(self)


@dataclass(slots=True)
class Bench:
    """The options of a run, and what all sections share.

    Attributes:
        options: The command line, including the sections' own options.
        rounds: The number of measurements; medians are reported.
        say: Prints one line of progress.
    """

    options: argparse.Namespace
    rounds: int
    say: Callable[[str], None]
    _held: ExitStack = field(default_factory=ExitStack)
    _server: str | None = None

    @property
    def databases(self) -> Sequence[str]:
        """Return `sqlite`, `postgresql`, or both, as requested."""
        return (self.options.database,) if self.options.database else ("sqlite", "postgresql")

    def database_url(self, kind: str) -> str | None:
        """Return the URL of an empty database; None for SQLite (in the installation's folder)."""
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
    """One thing to measure."""

    name: str
    about: str
    run: Callable[[Bench], Iterator[Report]]
    options: Callable[[argparse.ArgumentParser], None] = lambda _parser: None
    by_default: bool = True


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def percentiles(values: Sequence[float], wanted: Sequence[int] = (50, 95, 99)) -> Mapping[int, float]:
    """Return percentiles by nearest rank."""
    ordered = sorted(values)
    return {share: ordered[max(0, -(-len(ordered) * share // 100) - 1)] for share in wanted}
