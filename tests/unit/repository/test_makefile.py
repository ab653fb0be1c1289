import os
import re
import subprocess

from tests.support.repository import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def make(*arguments: str) -> str:
    # A test that was itself started by make must not hand on that make's flags.
    environment = {"PATH": os.environ["PATH"]}
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def test_make_alone_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  make ([a-z0-9]+) +\S", make(), re.MULTILINE)
    assert sorted(listed) == sorted(phony.group(1).split())
    assert {"demo", "up", "test", "lint", "bench", "help"} <= set(listed)


def test_arguments_reach_the_program() -> None:
    assert ".venv/bin/notifier demo --json --speed 9" in make("--dry-run", "demo", "ARGS=--json --speed 9")


def test_every_target_that_runs_something_prepares_the_environment_first() -> None:
    recipes = re.findall(r"^([a-z0-9]+):.*\n((?:\t.+\n)+)", MAKEFILE, re.MULTILINE)
    unprepared = {
        name for name, recipe in recipes if "$(VENV)" in recipe and not recipe.startswith("\t@.ci/bootstrap ")
    }
    assert recipes
    assert unprepared == set()


def test_the_machines_run_is_lint_then_test_then_the_browser_where_there_is_one() -> None:
    run = (ROOT / ".ci" / "run").read_text()
    commands = [line.strip() for line in run.splitlines() if line.strip().startswith("make ")]
    assert commands == ["make lint", "make test", "make e2e"]
    assert "NOT RUN" in run
