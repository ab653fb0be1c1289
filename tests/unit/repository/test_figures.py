"""The limits of the code's figures; `python -m tests.support.figures` prints them all."""

import re

import pytest

from tests.support import figures
from tests.support.repository import ROOT

FILES_IN_A_FOLDER = 24
WITH_A_TEST = 60  # per cent of the modules outside sandbox and demo, with a test file of their name
FOUND_BY_PATH = 60  # per cent, where the path is the module's too
PATH = re.compile(r"`((?:notifier|workers|docs|tests)/[\w/.-]+|Makefile)`")
PAGES_WITH_PATHS = ("CONTRIBUTING.md", "docs/architecture.md")


def section(page: str, heading: str) -> str:
    """The table below a heading in bold."""
    return page.partition(f"**{heading}**")[2].partition("\n\n**")[0]


def test_no_folder_is_crowded() -> None:
    assert {name: count for name, count in figures.crowding(ROOT).items() if count > FILES_IN_A_FOLDER} == {}


def test_the_test_of_a_module_is_found() -> None:
    modules = len(figures.modules(ROOT))
    assert figures.share(len(figures.tested_by_name(ROOT)), modules) >= WITH_A_TEST
    assert figures.share(len(figures.tested(ROOT)), modules) >= FOUND_BY_PATH


def test_imports_can_be_followed() -> None:
    assert len(figures.imports_by_name(ROOT)) <= 2


def test_functions_are_typed_short_and_catch_only_what_they_know() -> None:
    found = figures.product(ROOT)
    functions = [function for source in found for function in source.functions()]
    assert [function.name for function in functions if not figures.is_typed(function)] == []
    assert figures.share(sum(one > figures.LONG_FUNCTION for one in figures.lengths(found)), len(functions)) < 0.1


@pytest.mark.parametrize("page", PAGES_WITH_PATHS)
def test_every_path_that_guides_a_newcomer_exists(page: str) -> None:
    named = PATH.findall((ROOT / page).read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if "<" not in name and not (ROOT / name).exists()] == []


def test_a_webhook_format_is_added_in_the_files_that_the_guide_lists() -> None:
    """Derived from the last format added: every file that names it, or its model, outside its own folder."""
    listed = section((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "A webhook format")
    naming = re.compile(r"WebhookFormat\.STATUSPAGE|class WebhookFormat\(|class StatuspageMessage")
    touched = {source.name for source in figures.sources(ROOT, "notifier") if naming.search(source.text)}
    own = {name for name in touched if name.startswith("notifier/rendering/webhook/")}
    assert own
    assert touched - own == {name for name in PATH.findall(listed) if name.endswith(".py")}
    assert len(touched - own) <= 5
