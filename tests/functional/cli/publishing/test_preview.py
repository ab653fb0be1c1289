from pathlib import Path

import pytest

from notifier.cli.main import run
from notifier.demo import story
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.functional.cli.terminal import Captured

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("channel", "locale"),
    [("email", "nl"), ("email", "fr"), ("x", "en"), ("mastodon", "de"), ("bluesky", "fr"), ("webhook", "en")],
)
def test_a_channel_is_previewed_in_the_language_asked_for(
    capsys: Captured, tmp_path: Path, channel: str, locale: str
) -> None:
    target = tmp_path / "out"
    assert run(["preview", str(story.FILE), "--channel", channel, "--locale", locale, "--out", str(target)]) == 0
    files = [path.name for path in target.iterdir()]
    assert files
    assert all((target / name).stat().st_size > 0 for name in files)
