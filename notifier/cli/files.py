"""Input files."""

import sys
from pathlib import Path

from notifier.cli.output import fail


def read(file: str) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; exit if it cannot be read."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error
