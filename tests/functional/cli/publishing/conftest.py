from pathlib import Path

import pytest


@pytest.fixture
def without_browser(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Chromium of the machine's: only programs in `bin` of the home are found."""
    monkeypatch.setenv("PATH", str(home / "bin"))
