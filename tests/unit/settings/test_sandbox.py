"""The sandbox's address and credentials as the settings know them."""

from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.domain.values import Platform
from notifier.sandbox import credentials as sandbox
from notifier.settings import RunningSandbox, announce_sandbox, load_settings
from notifier.settings.sandbox import SENDGRID_API_KEY, announced_sandbox, sandbox_credentials, sandbox_file


def plain(platform: Platform, name: str) -> dict[str, str]:
    return {field: value.get_secret_value() for field, value in sandbox_credentials(platform, name).items()}


def test_the_settings_and_the_sandbox_know_the_same_credentials() -> None:
    x, mastodon = sandbox.x_account("acc-1"), sandbox.mastodon_account("acc-1")
    bluesky = sandbox.bluesky_account("acc-1")
    assert SENDGRID_API_KEY.get_secret_value() == sandbox.SENDGRID_API_KEY
    assert plain(Platform.X, "acc-1") == {
        "CONSUMER_KEY": x.consumer_key,
        "CONSUMER_SECRET": x.consumer_secret,
        "ACCESS_TOKEN": x.access_token,
        "ACCESS_TOKEN_SECRET": x.access_token_secret,
    }
    assert plain(Platform.MASTODON, "acc-1") == {"ACCESS_TOKEN": mastodon.access_token}
    assert plain(Platform.BLUESKY, "acc-1") == {"HANDLE": bluesky.handle, "APP_PASSWORD": bluesky.app_password}


def test_a_running_sandbox_is_found_by_the_other_commands(tmp_path: Path) -> None:
    settings = load_settings({}, cwd=tmp_path)
    announce_sandbox(settings.data_dir, RunningSandbox(url="http://127.0.0.1:9999", event_public_key="MFkw"))
    assert settings.sandbox_url() == "http://127.0.0.1:9999"
    assert settings.event_public_key() == "MFkw"
    assert [spec.base_url for spec in settings.accounts()] == ["http://127.0.0.1:9999"] * 2
    assert [getattr(spec, "url", "") for spec in settings.email_providers()] == ["http://127.0.0.1:9999"]


def test_without_a_sandbox_sending_is_refused_and_the_rest_works(tmp_path: Path) -> None:
    settings = load_settings({}, cwd=tmp_path)
    assert settings.event_public_key() is None
    assert len(settings.account_values()) == 2
    with pytest.raises(ConfigError, match="NOTIFIER_SANDBOX_URL: no sandbox runs here"):
        settings.email_providers()


def test_the_variable_goes_before_the_announcement(tmp_path: Path) -> None:
    settings = load_settings({"NOTIFIER_SANDBOX_URL": "http://127.0.0.1:1234/"}, cwd=tmp_path)
    announce_sandbox(settings.data_dir, RunningSandbox(url="http://127.0.0.1:9999"))
    assert settings.sandbox_url() == "http://127.0.0.1:1234"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "http://h"}'])
def test_an_announcement_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    sandbox_file(tmp_path).parent.mkdir()
    sandbox_file(tmp_path).write_text(content)
    assert announced_sandbox(tmp_path) is None
