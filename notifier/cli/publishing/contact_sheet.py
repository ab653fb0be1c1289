"""A contact sheet: many mails on one page, as readers see them; screenshot by headless Chromium."""

import html
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS = ("--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-quic")  # fmt: skip
_SECONDS = 60
_COLOURS = 96  # enough for mails, at a quarter of the size
_SIZE = re.compile(r'data-size="(\d+)x(\d+)"')
_DARK = re.compile(r"@media \(prefers-color-scheme: dark\)")
_STYLE = """
body { margin: 0; padding: 16px; font: 13px/1.4 sans-serif; background: #c9d0d8; color: #1d2733; }
body { display: inline-block; }
body.dark { background: #3a424c; color: #e7ecf2; }
h2 { margin: 18px 0 6px; font-size: 15px; } h2:first-child { margin-top: 0; }
.row { display: flex; gap: 14px; align-items: flex-start; }
figure { margin: 0; } figcaption { margin: 0 0 3px; }
.screen { overflow: hidden; background: #eef1f5; } .dark .screen { background: #0f141a; }
iframe { border: 0; transform-origin: 0 0; }
"""
# Mails have different heights: the page reports its own size, so that the picture fits all of it.
_SCRIPT = """
addEventListener("load", () => {
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, height = page.querySelector("body > div, body > table")?.offsetHeight || 400;
    frame.style.height = height + "px";
    frame.parentElement.style.height = Math.ceil(height * frame.dataset.scale) + "px";
  }
  const box = document.body.getBoundingClientRect();
  document.documentElement.dataset.size = Math.ceil(box.width) + "x" + Math.ceil(box.height);
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The simulated screen: width in CSS pixels, light or dark; `scale` shrinks it on the sheet."""

    width: int
    dark: bool = False
    scale: float = 0.5


def sheet(rows: Mapping[str, Mapping[str, str]], screen: Screen) -> str:
    """Return a page of mails: row title -> caption -> HTML document."""
    parts = []
    for title, mails in rows.items():
        cells = "".join(_cell(caption, mail, screen) for caption, mail in mails.items())
        parts.append(f'<h2>{html.escape(title)}</h2><div class="row">{cells}</div>')
    scheme = "dark" if screen.dark else "light"
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Contact sheet</title><style>{_STYLE}</style>'
        f'<body class="{scheme}">{"".join(parts)}<script>{_SCRIPT}</script></body></html>'
    )


def _cell(caption: str, mail: str, screen: Screen) -> str:
    document = _DARK.sub("@media all", mail) if screen.dark else _DARK.sub("@media not all", mail)
    style = f"width:{screen.width}px;transform:scale({screen.scale})"
    return (
        f'<figure><figcaption>{html.escape(caption)}</figcaption><div class="screen" '
        f'style="width:{round(screen.width * screen.scale)}px"><iframe data-scale="{screen.scale}" style="{style}" '
        f'srcdoc="{html.escape(document)}"></iframe></div></figure>'
    )


def chromium() -> str | None:
    """Return the path of Chromium (or Chrome) on this machine, or None."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def photograph(program: str, page: Path, target: Path) -> bool:
    """Take a screenshot of a sheet as PNG; False if the browser fails."""
    with tempfile.TemporaryDirectory() as profile:
        shown = _run(program, profile, ["--dump-dom", page.resolve().as_uri()])
        size = _SIZE.search(shown)
        if size is None:
            return False
        window = f"--window-size={size[1]},{size[2]}"
        _run(program, profile, [window, f"--screenshot={target.resolve()}", page.resolve().as_uri()])
    if not target.is_file():
        return False
    _shrink(target)
    return True


def _run(program: str, profile: str, arguments: Sequence[str]) -> str:
    # Chromium's own sandbox refuses to run as root; it only loads what we rendered.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [program, *_OPTIONS, *as_root, f"--user-data-dir={profile}", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - no input of others
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _shrink(target: Path) -> None:
    pictures = import_module("PIL.Image")
    with pictures.open(target) as picture:
        plain, way = picture.convert("RGB"), pictures.Quantize.MAXCOVERAGE  # keeps small colours
        small = plain.quantize(_COLOURS, way, kmeans=1, dither=pictures.Dither.NONE)
    data = io.BytesIO()
    small.save(data, "PNG", optimize=True)
    target.write_bytes(data.getvalue())
