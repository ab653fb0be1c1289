"""What a command said."""

import pytest

Said = pytest.CaptureFixture[str]


def said(capsys: Said) -> tuple[str, str]:
    """Return what was written to stdout and stderr since the last call."""
    found = capsys.readouterr()
    return found.out, found.err
