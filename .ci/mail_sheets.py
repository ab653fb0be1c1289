"""Makes the pictures of docs/mails.md: every kind of mail in four languages, on small and large screens, day and night.

Needs Chromium and fonts for Latin and Arabic. Run it by `make mails`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from notifier.cli.publishing.contact_sheet import Screen, chromium, photograph, sheet  # noqa: E402 - the line above finds it
from notifier.domain.values import Channel  # noqa: E402
from notifier.rendering.renderer import Renderer  # noqa: E402
from notifier.resources import locales_dir, samples_path, templates_dir  # noqa: E402
from notifier.services.preview.render import Preview  # noqa: E402
from notifier.services.preview.samples import Scene, scenes  # noqa: E402
from notifier.settings import load_settings  # noqa: E402

PUBLIC_URL = "https://status.myonlinestore.example"
LOCALES = ("nl", "en", "de", "ar")  # the last one is a trial of writing from right to left
SCREENS = {
    "360-light": Screen(width=360, scale=0.75),
    "360-dark": Screen(width=360, scale=0.75, dark=True),
    "800-light": Screen(width=800, scale=0.5),
    "800-dark": Screen(width=800, scale=0.5, dark=True),
}
TITLES = {"incident": "Trouble, news, solved, looking back", "maintenance": "Planned work"}


def preview(locales: Path) -> Preview:
    """Return a preview that also speaks the trial's language."""
    for folder in (locales_dir(), ROOT / "tests" / "trial_locales"):
        shutil.copytree(folder, locales, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.mo"))
    settings = load_settings({}, config=ROOT / "notifier" / "default.toml")
    brand = settings.brand()
    renderer = Renderer(brand, settings.components(), PUBLIC_URL, templates_dir(), locales)
    return Preview(renderer, brand, PUBLIC_URL)


def rows(service: Preview, shown: list[Scene], locale: str) -> dict[str, dict[str, str]]:
    """Return the mails of one locale, by the kind of incident."""
    found: dict[str, dict[str, str]] = {}
    for scene in shown:
        row = found.setdefault(TITLES[scene.name.split("_")[0]], {})
        row[scene.name] = service.mail(scene.notice, locale, since=scene.since)["html"]
    return found


def main() -> int:
    """Write the pictures into the folder that is named, docs/mails by default."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "mails"
    program = chromium()
    if program is None:
        print("no Chromium or Chrome is installed: no pictures")
        return 1
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        service = preview(Path(scratch) / "locales")
        shown = scenes(samples_path().read_bytes(), Channel.EMAIL)
        for locale in LOCALES:
            for name, screen in SCREENS.items():
                page = Path(scratch) / "sheet.html"
                page.write_text(sheet(rows(service, shown, locale), screen), encoding="utf-8")
                picture = target / f"{locale}-{name}.png"
                if not photograph(program, page, picture):
                    print(f"{program} made no picture of {picture.name}")
                    return 1
                print(f"{picture}  {picture.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
