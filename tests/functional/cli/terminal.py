"""What a command said."""

import pytest

Captured = pytest.CaptureFixture[str]


def output(capsys: Captured) -> tuple[str, str]:
    """Return what was written to stdout and stderr since the last call."""
    found = capsys.readouterr()
    return found.out, found.err
