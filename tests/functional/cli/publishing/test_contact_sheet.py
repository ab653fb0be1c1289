"""The contact sheet of `notifier preview`: a page, and a picture of it where there is a browser."""

import sys
from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.demo import story
from tests.functional.cli.terminal import Captured

# Stands for Chromium: tells the size of the page, then "photographs" it in that size.
BROWSER = """#!{python}
import re, sys
from PIL import Image
wish = " ".join(sys.argv)
if "--dump-dom" in wish:
    print('<html data-size="120x80"></html>')
else:
    width, height = re.search(r"--window-size=(\\d+),(\\d+)", wish).groups()
    Image.new("RGB", (int(width), int(height))).save(re.search(r"--screenshot=(\\S+)", wish)[1])
"""

PNG = b"\x89PNG\r\n"

pytestmark = pytest.mark.usefixtures("without_browser")


def a_browser(home: Path, source: str) -> None:
    program = home / "bin" / "chromium"
    program.parent.mkdir()
    program.write_text(source)
    program.chmod(0o755)


def test_a_file_alone_is_shown_everywhere_and_the_sheet_becomes_a_picture(home: Path, capsys: Captured) -> None:
    a_browser(home, BROWSER.format(python=sys.executable))
    assert run(["preview", str(story.FILE), "--locale", "nl", "--out", "shown"]) == 0
    assert (home / "shown" / "incident_postmortem.nl.html").is_file()
    picture = (home / "shown" / "contact-sheet.png").read_bytes()
    assert picture.startswith(PNG)
    assert picture[16:24] == (120).to_bytes(4, "big") + (80).to_bytes(4, "big")
    assert "contact-sheet.png" in capsys.readouterr().out


def test_a_browser_that_does_nothing_leaves_the_page_to_be_opened_by_hand(home: Path, capsys: Captured) -> None:
    a_browser(home, "#!/bin/sh\nexit 1\n")
    assert run(["preview", str(story.FILE), "--locale", "nl", "--out", "shown"]) == 0
    assert "no screenshot: " in capsys.readouterr().out
