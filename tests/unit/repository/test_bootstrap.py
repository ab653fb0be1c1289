"""The bootstrap in a small copy of the project; a stand-in for uv makes real environments and notes its calls."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.repository import ROOT

TOOLS = ("cat", "chmod", "cmp", "cp", "dirname", "grep", "rm", "sh")
UV = """#!/bin/sh
echo "$@" >> "$UV_LOG"
if [ "$1" = venv ]; then exec "$REAL_PYTHON" -m venv --without-pip .venv; fi
"""
PYTHON_WITHOUT_ENSUREPIP = """#!/bin/sh
case "$*" in *ensurepip*) exit 1;; esac
exec "$REAL_PYTHON" "$@"
"""
PYTHON_TOO_OLD = """#!/bin/sh
exit 1
"""
CLI = "import sys\n\ndef main():\n    print('heard', *sys.argv[1:])\n    return 3\n"


class Checkout:
    """A tree that holds what the bootstrap reads, and a PATH that holds only what a test puts there."""

    def __init__(self, home: Path, path: Path, log: Path) -> None:
        self.home, self.path, self.log = home, path, log

    def offers(self, name: str, script: str) -> None:
        (self.path / name).write_text(script)
        (self.path / name).chmod(0o755)

    def bootstrap(self, kind: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.path), "REAL_PYTHON": sys.executable, "UV_LOG": str(self.log)}
        command = [str(self.home / ".ci" / "bootstrap"), kind]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=self.path)

    def installs(self) -> list[str]:
        calls = self.log.read_text().splitlines() if self.log.exists() else []
        return [call.split()[-1] for call in calls if call.startswith("pip install")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    home, path = tmp_path / "a home with spaces", tmp_path / "path"
    (home / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "bootstrap", home / ".ci")
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (home / lock).write_text(f"# {lock}\nnothing==1 --hash=sha256:00\n")
    (home / "notifier").mkdir()
    (home / "notifier" / "cli.py").write_text(CLI)
    path.mkdir()
    for tool in TOOLS:
        (path / tool).symlink_to(os.path.realpath(shutil.which(tool) or tool))
    return Checkout(home, path, tmp_path / "uv.log")


@pytest.fixture
def with_uv(checkout: Checkout) -> Checkout:
    checkout.offers("uv", UV)
    return checkout


def test_the_second_run_installs_nothing_and_says_nothing(with_uv: Checkout) -> None:
    first, second = with_uv.bootstrap("runtime"), with_uv.bootstrap("runtime")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert with_uv.installs() == ["requirements.lock"]
    assert "installing 1 packages from requirements.lock" in first.stderr
    assert (second.stdout, second.stderr) == ("", "")


def test_steps_are_told_on_stderr_so_that_output_can_be_piped(with_uv: Checkout) -> None:
    assert with_uv.bootstrap("runtime").stdout == ""


def test_a_changed_lock_is_installed_once(with_uv: Checkout) -> None:
    with_uv.bootstrap("runtime")
    (with_uv.home / "requirements.lock").write_text("other==2 --hash=sha256:00\n")
    with_uv.bootstrap("runtime")
    with_uv.bootstrap("runtime")
    assert with_uv.installs() == ["requirements.lock", "requirements.lock"]


def test_the_development_environment_serves_for_running_too(with_uv: Checkout) -> None:
    with_uv.bootstrap("dev")
    with_uv.bootstrap("runtime")
    assert with_uv.installs() == ["requirements-dev.lock"]


def test_an_interrupted_installation_is_taken_up_again(with_uv: Checkout) -> None:
    with_uv.offers("uv", UV + 'if [ "$1" = pip ]; then exit 1; fi\n')
    assert with_uv.bootstrap("runtime").returncode != 0
    with_uv.offers("uv", UV)
    assert with_uv.bootstrap("runtime").returncode == 0
    assert with_uv.installs() == ["requirements.lock", "requirements.lock"]


def moved(checkout: Checkout) -> None:
    elsewhere = checkout.home.with_name("elsewhere")
    checkout.home.rename(elsewhere)
    checkout.home = elsewhere


def without_its_python(checkout: Checkout) -> None:
    for link in (checkout.home / ".venv" / "bin").glob("python*"):
        link.unlink()


@pytest.mark.parametrize("damage", [moved, without_its_python])
def test_an_environment_that_cannot_work_is_made_anew(with_uv: Checkout, damage: Callable[[Checkout], None]) -> None:
    with_uv.bootstrap("runtime")
    damage(with_uv)
    again = with_uv.bootstrap("runtime")
    assert "making .venv" in again.stderr
    assert with_uv.installs() == ["requirements.lock", "requirements.lock"]


def test_the_linked_command_runs_the_checkout_and_hands_on_arguments_and_exit_code(with_uv: Checkout) -> None:
    with_uv.bootstrap("runtime")
    command = [str(with_uv.home / ".venv" / "bin" / "notifier"), "demo", "--title", "two words"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "heard demo --title two words\n"), done.stderr


def test_a_python_that_cannot_make_environments_is_named_with_what_to_install(checkout: Checkout) -> None:
    checkout.offers("python3", PYTHON_WITHOUT_ENSUREPIP)
    refused = checkout.bootstrap("runtime")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "apt install python3-venv" in refused.stderr


@pytest.mark.parametrize("offered", [True, False], ids=["too old", "none"])
def test_a_machine_without_a_fitting_python_is_told_so_in_one_line(checkout: Checkout, *, offered: bool) -> None:
    if offered:
        checkout.offers("python3", PYTHON_TOO_OLD)
    refused = checkout.bootstrap("runtime")
    assert refused.returncode == 1
    assert refused.stderr == "error: no Python of 3.11 to 3.13 on PATH: install one, or uv, which brings its own\n"


def test_an_unknown_kind_of_environment_is_wrong_usage(checkout: Checkout) -> None:
    assert checkout.bootstrap("everything").returncode == 2
