"""The wheel, built and installed away from the checkout: everything it needs has to be inside it.

The new environment borrows the libraries of this one (a .pth file), but not the checkout: what is under test is our
wheel, and the index is out of reach.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

LOCALES = {"nl", "en", "de", "fr"}
EVENT = {
    "id": "evt-1",
    "incident": {
        "id": "inc-1",
        "title": {"nl": "Verminderde performance", "en": "Degraded performance"},
        "impact": "major",
        "components": ["storefront"],
        "started_at": "2022-06-21T08:34:00+02:00",
        "links": [],
    },
    "update": {
        "id": "upd-1",
        "status": "investigating",
        "body": {"nl": "We signaleren een **storing**.", "en": "We are noticing an **outage**."},
        "posted_at": "2022-06-21T08:36:00+02:00",
    },
}


@dataclass(frozen=True)
class Installation:
    """An environment that holds the wheel, and an empty folder to work in."""

    programs: Path
    home: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.defpath, "HOME": str(self.home), "NOTIFIER_DATA_DIR": str(self.home / "data")}
        command = [str(self.programs / program), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.home, env=environment)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def packed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    place, home = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("home")
    venv.create(place, with_pip=False)
    at = {"base": str(place), "platbase": str(place)}
    paths = {name: sysconfig.get_path(name, "venv", at) for name in ("purelib", "platlib", "scripts", "data")}
    paths["headers"] = str(place / "include")
    programs = Path(paths["scripts"])
    destination = SchemeDictionaryDestination(paths, interpreter=str(programs / "python"), script_kind="posix")
    with WheelFile.open(wheel) as source:
        source.validate_record()
        install(source, destination, additional_metadata={})
    Path(paths["purelib"], "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installation(programs, home)


def files_under(folder: str, *suffixes: str) -> set[str]:
    found = (ROOT / folder).rglob("*")
    return {path.relative_to(ROOT).as_posix() for path in found if path.is_file() and path.suffix in suffixes}


def test_every_template_is_packed(packed: set[str]) -> None:
    templates = files_under("templates", ".html", ".txt")
    assert templates
    assert {f"notifier/_data/{name}" for name in templates} <= packed


def test_every_language_is_packed_compiled(packed: set[str]) -> None:
    assert {f"notifier/_data/locales/{locale}/LC_MESSAGES/messages.mo" for locale in LOCALES} <= packed


def test_every_migration_is_packed(packed: set[str]) -> None:
    migrations = files_under("notifier/storage/migrations", ".py", ".ini", ".mako")
    assert migrations
    assert migrations <= packed


def test_our_programs_and_data_are_packed(packed: set[str]) -> None:
    assert files_under("notifier", ".py", ".toml", ".json", ".html", ".css", ".js", ".csv", ".otf") <= packed
    assert "notifier/rendering/cards/fonts/OFL.txt" in packed  # a typeface goes nowhere without its licence
    assert files_under("workers", ".py") <= packed


def test_nothing_else_is_packed(packed: set[str]) -> None:
    roots = {name.split("/")[0] for name in packed}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"notifier", "workers"}
    assert [name for name in packed if name.endswith((".po", ".pyc", ".env", ".sqlite3"))] == []


def test_the_installed_program_is_not_the_checkout(installation: Installation) -> None:
    asked = installation.run("python", "-c", "import notifier, workers; print(notifier.__file__, workers.__file__)")
    assert asked.returncode == 0, asked.stderr
    assert str(ROOT) + os.sep not in asked.stdout


def test_the_installed_program_explains_itself(installation: Installation) -> None:
    helped = installation.run("notifier", "--help")
    assert helped.returncode == 0, helped.stderr
    assert {"up", "publish", "preview", "doctor"} <= set(helped.stdout.split())


# One process for all languages: starting is what takes long.
PREVIEWS = """
import sys
from notifier.cli.main import run
for locale in sys.argv[2:]:
    assert run(["preview", sys.argv[1], "--channel", "email", "--locale", locale, "--out", f"preview-{locale}"]) == 0
"""


def test_the_installed_program_renders_a_mail_in_every_language(installation: Installation) -> None:
    (installation.home / "event.json").write_text(json.dumps(EVENT))
    shown = installation.run("python", "-c", PREVIEWS, "event.json", *LOCALES)
    assert shown.returncode == 0, shown.stderr
    for locale in LOCALES:
        pages = [path.read_text() for path in (installation.home / f"preview-{locale}").rglob("*.html")]
        assert pages
        assert all(f'lang="{locale}"' in page for page in pages)


def test_the_installed_program_finds_its_migrations(installation: Installation) -> None:
    upgraded = installation.run("notifier", "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr


def test_the_installed_doctor_examines_without_a_traceback(installation: Installation) -> None:
    examined = installation.run("notifier", "doctor", "--json")
    assert examined.returncode in {0, 1}, examined.stderr
    assert "Traceback" not in examined.stderr
    assert json.loads(examined.stdout)
