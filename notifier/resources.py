"""Paths of non-code files: beside the package in a checkout, inside it in an installed wheel.

Reads nothing and imports nothing of ours, so that every layer may import it.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_data"
_HOME = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent


def templates_dir() -> Path:
    """Return the folder of message templates: one folder per message kind."""
    return _HOME / "templates"


def locales_dir() -> Path:
    """Return the folder of message catalogues, `<locale>/LC_MESSAGES/messages.mo`.

    In a checkout `make` compiles them (any target that runs the program); the wheel includes them.
    """
    return _HOME / "locales"


def samples_path() -> Path:
    """Return the file of sample events, in several languages, that cover every kind of message."""
    return _PACKAGE / "samples.json"


def default_config_path() -> Path:
    """Return the default configuration: every key with its default and an explanation."""
    return _PACKAGE / "default.toml"
