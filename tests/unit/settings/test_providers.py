from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.settings import SmtpSpec, load_settings
from tests.unit.settings.test_environment import SECRET

X_ACCOUNT = "[[accounts]]\nname = 'x-nl'\nplatform = 'x'\nlocale = 'nl'\n"


def test_mail_providers_keep_their_order(tmp_path: Path) -> None:
    environ = {
        "NOTIFIER_EMAIL_PROVIDERS": "smtp, sendgrid",
        "NOTIFIER_SENDGRID_API_KEY": SECRET,
        "NOTIFIER_SMTP_URL": "smtps://us%40er:p%2Fw@mail.example",
    }
    smtp, sendgrid = load_settings(environ, cwd=tmp_path).email_providers()
    assert isinstance(smtp, SmtpSpec)
    assert (smtp.host, smtp.port, smtp.implicit_tls, smtp.username) == ("mail.example", 465, True, "us@er")
    assert smtp.password is not None
    assert smtp.password.get_secret_value() == "p/w"
    assert (sendgrid.name, getattr(sendgrid, "url", "")) == ("sendgrid", "https://api.sendgrid.com")


@pytest.mark.parametrize(
    ("providers", "variable"), [("sendgrid", "NOTIFIER_SENDGRID_API_KEY"), ("smtp", "NOTIFIER_SMTP_URL")]
)
def test_a_provider_without_what_it_needs_is_refused(tmp_path: Path, providers: str, variable: str) -> None:
    settings = load_settings({"NOTIFIER_EMAIL_PROVIDERS": providers}, cwd=tmp_path)
    with pytest.raises(ConfigError) as caught:
        settings.check_providers()
    assert caught.value.field == variable


def test_an_account_reads_its_credentials_by_name(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text(X_ACCOUNT)
    fields = ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")
    settings = load_settings({f"NOTIFIER_ACCOUNT_X_NL_{field}": f"v-{field}" for field in fields}, cwd=tmp_path)
    (account,) = settings.accounts()
    assert account.base_url == "https://api.x.com"
    assert not account.in_sandbox
    assert {field: value.get_secret_value() for field, value in account.credentials.items()} == {
        field: f"v-{field}" for field in fields
    }


def test_an_account_without_credentials_is_refused_where_it_would_post_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text(X_ACCOUNT)
    settings = load_settings({"NOTIFIER_ACCOUNT_X_NL_CONSUMER_KEY": "k"}, cwd=tmp_path)
    assert [account.name for account in settings.account_values()] == ["x-nl"]
    with pytest.raises(ConfigError) as caught:
        settings.check_providers()
    assert caught.value.field == "NOTIFIER_ACCOUNT_X_NL_CONSUMER_SECRET"
