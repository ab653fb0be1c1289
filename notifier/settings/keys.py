"""Keys generated once per installation and kept in the data folder."""

import secrets
from pathlib import Path

from pydantic import SecretStr

from notifier.domain.errors import ConfigError
from notifier.files import HeldElsewhereError, file_lock, write_private
from notifier.settings.checks import long_secret

_LOCK_SECONDS = 10.0
_BYTES = 32


def generated(data_dir: Path, name: str, variable: str) -> tuple[SecretStr, ...]:
    """Return the keys in `data_dir/name`; the first process creates them, others read them.

    Args:
        data_dir: The data folder; must exist.
        name: The file, created with mode 0600.
        variable: What to name in an error.

    Raises:
        ConfigError: The file cannot be read or created, is empty, or contains a guessable key.
    """
    path = data_dir / name
    try:
        if not path.exists():
            with file_lock(data_dir / ".keys.lock", wait=_LOCK_SECONDS):
                if not path.exists():
                    write_private(path, secrets.token_urlsafe(_BYTES) + "\n")
        keys = path.read_text(encoding="utf-8").replace(",", " ").split()
    except HeldElsewhereError as error:
        raise ConfigError(variable, f"{path} is being made by process {error.holder}, which does not finish") from error
    except OSError as error:
        raise ConfigError(variable, f"{path} cannot be read or made: {error.strerror}") from error
    if not keys:
        raise ConfigError(variable, f"{path} is empty; remove it to have a new one made")
    try:
        return tuple(SecretStr(long_secret(key)) for key in keys)
    except ValueError as error:
        raise ConfigError(variable, f"{path}: {error}") from error
