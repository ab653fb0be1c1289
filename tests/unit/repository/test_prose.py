"""The documentation can be read in a terminal, its links lead somewhere, and it uses the words of the glossary."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT

WIDEST = 120  # columns; the aim is 100
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
# Decision records keep the words they were accepted with; the changelog and all other pages speak plainly.
PLAIN = [path for path in PAGES if "decisions" not in path.parts]
DIALECT = re.compile(r"\b(mend|mends|mended|mending|nudges?|nudged|fresh news|old trouble|makes? way|the house)\b")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NOT_IN_AN_ANCHOR = re.compile(r"[^\w\- ]")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines that are neither a table, nor code, nor an example."""
    fenced, blank = False, True
    for number, line in enumerate(text.splitlines(), 1):
        fence = line.lstrip().startswith("```")
        fenced = fenced != fence
        code = blank and line.startswith("    ")
        if line.strip() and not (fenced or fence or code or line.startswith("|")):
            yield number, line
        blank = not line.strip() or code


def anchors(path: Path) -> set[str]:
    headings = (line.lstrip("#") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    return {NOT_IN_AN_ANCHOR.sub("", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_prose_is_wrapped(page: Path) -> None:
    wide = [number for number, line in prose(page.read_text(encoding="utf-8")) if len(line) > WIDEST]
    assert wide == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_within_the_repository_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        where, _, anchor = link.partition("#")
        target = (page.parent / where).resolve() if where else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PLAIN, ids=named)
def test_the_documentation_uses_standard_terms(page: Path) -> None:
    found = {
        number: hit[0] for number, line in prose(page.read_text(encoding="utf-8")) if (hit := DIALECT.search(line))
    }
    assert found == {}


def test_what_counts_as_prose() -> None:
    page = "# Title\n\ntext\n- item\n  more\n\n    code\n\n| table |\n```\nfenced\n```\nend\n"
    assert [line for _, line in prose(page)] == ["# Title", "text", "- item", "  more", "end"]
