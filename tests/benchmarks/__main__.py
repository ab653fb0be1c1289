"""`make bench`: the cost of notifying an audience, on both databases, beside the machine's floor.

    python -m tests.benchmarks [--only SECTION,..] [--database sqlite|postgresql] [--rounds N]
    [--json] ...

PostgreSQL is the server at NOTIFIER_BENCH_DATABASE_URL (our tables in that database are dropped),
otherwise one started for the run. The printed figures are medians of `--rounds` measurements; the
import of a list and the bare clients (`hooks`, last table) are measured once.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from tests.benchmarks.machine import machine
from tests.benchmarks.section import Bench, Section
from tests.benchmarks.sections import SECTIONS
from tests.benchmarks.tables import as_text

_WIDE = 160


def build_parser() -> argparse.ArgumentParser:
    """Return what reads the command line, with the options of every section."""
    about = "\n".join(
        f"  {section.name:<10} {section.about}{'' if section.by_default else ' (only when asked for)'}"
        for section in SECTIONS
    )
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks",
        description=f"{__doc__}\nSections:\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="SECTION,..", help="run these sections, also those that are not by default")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="both unless said")
    parser.add_argument("--rounds", type=int, default=3, help="measure everything so often (3)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON instead of tables")
    for section in SECTIONS:
        section.options(parser)
    return parser


def _chosen(parser: argparse.ArgumentParser, only: str | None) -> Sequence[Section]:
    if only is None:
        return [section for section in SECTIONS if section.by_default]
    names = [name.strip() for name in only.split(",")]
    known = {section.name: section for section in SECTIONS}
    for name in names:
        if name not in known:
            parser.error(f"--only: {name!r} is no section; there are {', '.join(known)}")
    return [known[name] for name in names]


def main() -> None:
    """Run the benchmark."""
    parser = build_parser()
    options = parser.parse_args()
    chosen = _chosen(parser, options.only)
    progress = Console(stderr=True)
    found = machine()
    console = Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
    if not options.json:
        console.print(found.line())
    bench = Bench(options, rounds=options.rounds, say=lambda line: progress.print(line, style="dim", highlight=False))
    reports = []
    try:
        for section in chosen:
            for report in section.run(bench):
                reports.append({"section": section.name, **report.as_json()})
                if not options.json:
                    console.print(as_text(report), markup=False)
    finally:
        bench.close()
    if options.json:
        sys.stdout.write(json.dumps({"machine": found.as_json(), "reports": reports}, indent=2) + "\n")


if __name__ == "__main__":
    main()
