"""Where the files that are not code lie: beside the package in a checkout, inside it in an installed wheel.

Reads nothing and imports nothing of ours, so that every room may use it.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_data"
_HOME = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent


def templates_dir() -> Path:
    """The folder of message templates: one folder per message kind."""
    return _HOME / "templates"


def locales_dir() -> Path:
    """The folder of message catalogues, `<locale>/LC_MESSAGES/messages.mo`.

    In a checkout the compiled files are made by `make` (any target that runs the program); the wheel carries them.
    """
    return _HOME / "locales"


def samples_path() -> Path:
    """Events, in several languages, that show every message there is."""
    return _PACKAGE / "samples.json"


def default_config_path() -> Path:
    """The configuration that stands for every key an operator leaves out, each explained beside its default."""
    return _PACKAGE / "default.toml"
