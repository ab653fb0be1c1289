"""All sections of `make bench`, in running order."""

from collections.abc import Sequence

from tests.benchmarks import fanout, hooks, intake, lanes, latency, lists, repeats, signals, start
from tests.benchmarks.section import Section

SECTIONS: Sequence[Section] = (
    fanout.SECTION,
    hooks.SECTION,
    intake.SECTION,
    latency.SECTION,
    lanes.SECTION,
    lists.SECTION,
    repeats.SECTION,
    signals.SECTION,
    start.SECTION,
)
