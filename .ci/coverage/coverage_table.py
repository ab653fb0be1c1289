"""A pytest plugin: what all processes counted (sitecustomize.py beside this file), as one table after the tests."""

import json
import os
from pathlib import Path

import pytest
from sitecustomize import CONFIG, COUNT, ROOT
from slipcover import Slipcover, merge_coverage, print_coverage


def pytest_sessionfinish() -> None:
    """Write down this process's count now: xdist does not always let its workers end by themselves."""
    COUNT.save()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table. Runs in the process that has no tests of its own, after all workers are done."""
    # Files nobody loaded count too: as missed.
    sources = [str(ROOT / source) for source in CONFIG["source"]]
    total = Slipcover(branch=True, source=sources, exclude_also=CONFIG["exclude-also"]).get_coverage()
    for file in Path(os.environ["COVERAGE_FILES"]).glob("*.json"):
        merge_coverage(total, json.loads(file.read_text()))
    terminalreporter.section("coverage of lines and branches")
    print_coverage(total, outfile=terminalreporter, skip_covered=True)
