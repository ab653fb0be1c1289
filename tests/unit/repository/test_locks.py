import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.repository import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")


def locked(lock: str) -> dict[str, Requirement]:
    """What a lock holds, by canonical name."""
    logical_lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    pins = (Requirement(line.split(" --hash=")[0]) for line in logical_lines if not line.startswith("#"))
    return {canonicalize_name(pin.name): pin for pin in pins}


def declared(*groups: str) -> list[Requirement]:
    """What pyproject.toml asks for: the runtime with its extras, and the named groups without their includes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [*project["project"]["dependencies"]]
    lines += [line for extra in project["project"]["optional-dependencies"].values() for line in extra]
    lines += [line for group in groups for line in project["dependency-groups"][group] if isinstance(line, str)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_machine(lock: str) -> None:
    assert re.findall(r".*(?:://|--index-url|--find-links| @ |/home/|/tmp/).*", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_carries_a_hash(lock: str) -> None:
    logical_lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    assert [line for line in logical_lines if not line.startswith("#") and "--hash=sha256:" not in line] == []


def test_the_development_lock_holds_the_very_versions_that_run() -> None:
    development = locked("requirements-dev.lock")
    different = {name for name, pin in locked("requirements.lock").items() if development.get(name) != pin}
    assert different == set()


@pytest.mark.parametrize(("lock", "groups"), [("requirements.lock", ()), ("requirements-dev.lock", ("test", "dev"))])
def test_the_lock_answers_what_the_project_asks_for(lock: str, groups: tuple[str, ...]) -> None:
    pins = locked(lock)
    unmet = [
        str(wanted)
        for wanted in declared(*groups)
        if (pin := pins.get(canonicalize_name(wanted.name))) is None
        or not wanted.specifier.contains(next(iter(pin.specifier)).version)
    ]
    assert unmet == []


def libraries_imported() -> set[str]:
    trees = (ast.parse(path.read_text()) for room in ("notifier", "workers") for path in (ROOT / room).rglob("*.py"))
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"notifier", "workers"}


def test_every_library_the_product_imports_is_asked_for_by_name() -> None:
    distributions = packages_distributions()
    asked = {canonicalize_name(requirement.name) for requirement in declared()}
    origins = {
        library: {canonicalize_name(name) for name in distributions[library]} for library in libraries_imported()
    }
    assert {library for library, names in origins.items() if not names & asked} == set()


def test_the_library_that_replaces_urllib3_for_everyone_stays_out() -> None:
    assert not {"niquests", "urllib3-future"} & locked("requirements-dev.lock").keys()
