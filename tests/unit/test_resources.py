import shutil
import subprocess
import sys
from pathlib import Path

from notifier import resources
from tests.support.repository import ROOT

ASK = "from notifier.resources import *; print(templates_dir(), locales_dir(), default_config_path(), sep='\\n')"


def test_a_checkout_keeps_its_files_beside_the_package() -> None:
    assert resources.templates_dir() == ROOT / "templates"
    assert resources.locales_dir() == ROOT / "locales"


def test_the_default_configuration_is_part_of_the_package() -> None:
    assert resources.default_config_path().is_file()


def test_an_installed_wheel_keeps_its_files_inside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "notifier"
    (package / "_data").mkdir(parents=True)
    shutil.copy(ROOT / "notifier" / "resources.py", package)
    (package / "__init__.py").touch()
    answer = subprocess.run([sys.executable, "-c", ASK], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert answer.stdout.split() == [
        str(package / "_data" / "templates"),
        str(package / "_data" / "locales"),
        str(package / "default.toml"),
    ]
