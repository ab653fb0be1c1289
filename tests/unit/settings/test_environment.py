"""NOTIFIER_... variables: what is taken, what is refused, and that no message repeats a secret."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.settings import SendGridSpec, load_settings

PUBLIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEybBJXa2vJ5dJ0cWY9AcWlAoq6dhXHQBmCHMBZ8Y6r4+2tM3LhlgYQ1WxU0kUQ1lBQO3GQqJY"
    "n9S7u0hM8fYzPA=="
)
SECRET = "t0p-s3cret-value-of-thirty-two-ch"
MASTODON = "[[accounts]]\nname = 'm-1'\nplatform = 'mastodon'\nlocale = 'en'\nbase_url = 'https://social.example'\n"

REFUSED = [
    ({"NOTIFIER_REDIS_ULR": SECRET}, "NOTIFIER_REDIS_ULR", "did you mean NOTIFIER_REDIS_URL?"),
    ({"NOTIFIER_SENDGRID_KEY": SECRET}, "NOTIFIER_SENDGRID_KEY", "did you mean NOTIFIER_SENDGRID_API_KEY?"),
    ({"NOTIFIER_SENDGRID_API_KEY_FIEL": SECRET}, "NOTIFIER_SENDGRID_API_KEY_FIEL", "_FILE?"),
    ({"NOTIFIER_QQQQQQQQ": SECRET}, "NOTIFIER_QQQQQQQQ", "is no setting"),
    ({"NOTIFIER_ACCOUNT_X_ZZ_TOKEN": SECRET}, "NOTIFIER_ACCOUNT_X_ZZ_TOKEN", "no account of that name"),
    ({"NOTIFIER_DATABASE_URL": f"mysql://u:{SECRET}@h/d"}, "NOTIFIER_DATABASE_URL", "postgresql://"),
    ({"NOTIFIER_DATABASE_URL": f"postgresql://u:{SECRET}@h:99999/d"}, "NOTIFIER_DATABASE_URL", "port"),
    ({"NOTIFIER_REDIS_URL": f"http://u:{SECRET}@h"}, "NOTIFIER_REDIS_URL", "redis://"),
    ({"NOTIFIER_REDIS_URL": f"amqp://u:{SECRET}@h"}, "NOTIFIER_REDIS_URL", "redis://"),
    ({"NOTIFIER_REDIS_URL": f"redis://u:{SECRET}@h:port"}, "NOTIFIER_REDIS_URL", "port"),
    ({"NOTIFIER_BROKER_URL": f"sqs://u:{SECRET}@h"}, "NOTIFIER_BROKER_URL", "amqp://"),
    ({"NOTIFIER_PUBLIC_URL": "status.example"}, "NOTIFIER_PUBLIC_URL", "https://host"),
    ({"NOTIFIER_PUBLIC_URL": "https://s.example/?a=b"}, "NOTIFIER_PUBLIC_URL", "query"),
    ({"NOTIFIER_PUBLIC_URL": f"https://u:{SECRET}@s.example"}, "NOTIFIER_PUBLIC_URL", "password"),
    ({"NOTIFIER_SECRET_KEYS": f"{SECRET},changeme"}, "NOTIFIER_SECRET_KEYS", "at least 32 characters"),
    ({"NOTIFIER_SECRET_KEYS": "a"}, "NOTIFIER_SECRET_KEYS", "at least 32 characters"),
    ({"NOTIFIER_ADMIN_TOKEN": "x" * 31}, "NOTIFIER_ADMIN_TOKEN", "at least 32 characters"),
    ({"NOTIFIER_SECRET_KEYS": f"{SECRET},{SECRET}"}, "NOTIFIER_SECRET_KEYS", "twice"),
    ({"NOTIFIER_ADMIN_TOKEN": f"{SECRET} {SECRET}"}, "NOTIFIER_ADMIN_TOKEN", "without blanks"),
    ({"NOTIFIER_ADMIN_TOKEN": f"{SECRET}é"}, "NOTIFIER_ADMIN_TOKEN", "ASCII"),
    ({"NOTIFIER_EMAIL_PROVIDERS": "sendgird"}, "NOTIFIER_EMAIL_PROVIDERS", "'sendgrid'"),
    ({"NOTIFIER_EMAIL_PROVIDERS": "sandbox,smtp"}, "NOTIFIER_EMAIL_PROVIDERS", "stands alone"),
    ({"NOTIFIER_EMAIL_PROVIDERS": "smtp,smtp"}, "NOTIFIER_EMAIL_PROVIDERS", "twice"),
    ({"NOTIFIER_EMAIL_PROVIDERS": ","}, "NOTIFIER_EMAIL_PROVIDERS", "must not be empty"),
    ({"NOTIFIER_SENDGRID_URL": "ftp://h"}, "NOTIFIER_SENDGRID_URL", "https://host"),
    ({"NOTIFIER_SENDGRID_EVENT_PUBLIC_KEY": "bm8ga2V5"}, "NOTIFIER_SENDGRID_EVENT_PUBLIC_KEY", "base64 DER"),
    ({"NOTIFIER_SMTP_URL": f"http://u:{SECRET}@h"}, "NOTIFIER_SMTP_URL", "smtps://"),
    ({"NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "10.0.0.0/8,home"}, "NOTIFIER_WEBHOOK_ALLOW_NETWORKS", "'home'"),
    ({"NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "10.0.0.1/8"}, "NOTIFIER_WEBHOOK_ALLOW_NETWORKS", "host bits"),
    ({"NOTIFIER_LOG_LEVEL": "loud"}, "NOTIFIER_LOG_LEVEL", "'info'"),
]


@pytest.mark.parametrize(("environ", "field", "says"), REFUSED)
def test_a_faulty_variable_is_refused_by_name_without_its_secret(
    tmp_path: Path, environ: dict[str, str], field: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ, cwd=tmp_path)
    assert caught.value.field == field
    assert says in caught.value.message
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variables_of_other_programs_and_of_the_test_suite_are_none_of_our_business(tmp_path: Path) -> None:
    load_settings({"PATH": "/bin", "NOTIFIERS_X": "1", "NOTIFIER_TEST_DATABASE_URL": "postgresql://h/d"}, cwd=tmp_path)


def test_an_empty_variable_is_an_unset_one(tmp_path: Path) -> None:
    settings = load_settings({"NOTIFIER_REDIS_URL": "", "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": ""}, cwd=tmp_path)
    assert settings.queue_addresses().embedded
    assert settings.webhook_networks() == ()


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    environ = {"NOTIFIER_SENDGRID_API_KEY_FILE": str(tmp_path / "key"), "NOTIFIER_EMAIL_PROVIDERS": "sendgrid"}
    (provider,) = load_settings(environ, cwd=tmp_path).email_providers()
    assert isinstance(provider, SendGridSpec)
    assert provider.api_key.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("content", "says"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8 text")]
)
def test_a_secrets_file_that_gives_no_secret_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings({"NOTIFIER_ADMIN_TOKEN_FILE": str(tmp_path / "key")}, cwd=tmp_path)
    assert caught.value.field == "NOTIFIER_ADMIN_TOKEN_FILE"


def test_a_fault_inside_a_file_is_blamed_on_the_variable_that_named_it(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"http://u:{SECRET}@h")
    with pytest.raises(ConfigError) as caught:
        load_settings({"NOTIFIER_SMTP_URL_FILE": str(tmp_path / "url")}, cwd=tmp_path)
    assert caught.value.field == "NOTIFIER_SMTP_URL_FILE"
    assert SECRET not in str(caught.value)


def test_a_variable_given_both_ways_is_refused(tmp_path: Path) -> None:
    environ = {"NOTIFIER_ADMIN_TOKEN": SECRET, "NOTIFIER_ADMIN_TOKEN_FILE": "/somewhere"}
    with pytest.raises(ConfigError, match="keep one of the two"):
        load_settings(environ, cwd=tmp_path)


def test_nothing_secret_shows_in_a_repr(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text(MASTODON)
    environ = {
        "NOTIFIER_SENDGRID_API_KEY": SECRET,
        "NOTIFIER_SECRET_KEYS": SECRET,
        "NOTIFIER_ADMIN_TOKEN": SECRET,
        "NOTIFIER_REDIS_URL": f"redis://u:{SECRET}@h",
        "NOTIFIER_DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
        "NOTIFIER_SMTP_URL": f"smtp://u:{SECRET}@h",
        "NOTIFIER_ACCOUNT_M_1_ACCESS_TOKEN": SECRET,
        "NOTIFIER_EMAIL_PROVIDERS": "sendgrid,smtp",
    }
    settings = load_settings(environ, cwd=tmp_path)
    shown = [
        settings,
        settings.queue_addresses(),
        settings.accounts(),
        settings.email_providers(),
        settings.secret_keys(),
    ]
    assert SECRET not in repr(shown)
    assert SECRET not in str(shown)


def test_values_arrive_in_their_types(tmp_path: Path) -> None:
    environ = {
        "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8, ::1/128",
        "NOTIFIER_PUBLIC_URL": "https://status.example/base/",
        "NOTIFIER_SECRET_KEYS": f"{SECRET}-new, {SECRET}-old",
        "NOTIFIER_SENDGRID_EVENT_PUBLIC_KEY": PUBLIC_KEY,
        "NOTIFIER_BROKER_URL": "amqp://broker.example//",
        "NOTIFIER_DATA_DIR": "data",
    }
    settings = load_settings(environ, cwd=tmp_path)
    assert settings.webhook_networks() == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.url("/en/incidents/inc-1") == "https://status.example/base/en/incidents/inc-1"
    assert [key.get_secret_value() for key in settings.secret_keys()] == [f"{SECRET}-new", f"{SECRET}-old"]
    assert settings.event_public_key() == PUBLIC_KEY
    assert settings.queue_addresses().broker_is_amqp
    assert settings.data_dir == tmp_path / "data"


def test_this_processs_environment_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFIER_DATA_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    assert load_settings().data_dir == tmp_path / "elsewhere"
