"""`notifier.toml`: what is taken, what is refused and by which name."""

from datetime import timedelta
from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.domain.incidents.translation import TranslationPolicy
from notifier.domain.values import Channel, Platform, QueueName, Status
from notifier.settings import Settings, load_settings

CONTRACT_EXAMPLE = """
[brand]
name = { nl = "Mijnwebwinkel", en = "MyOnlineStore" }
from_email = { nl = "storing@mijnwebwinkel.example", en = "status@myonlinestore.example" }
default_locale = "en"
locales = ["nl", "en", "de", "fr"]
timezone = "Europe/Amsterdam"
[[components]]
key = "backoffice"
name = { nl = "Beheeromgeving", en = "Backoffice" }
[coalesce]
delay = 0
window = 60
max_window = 600
flush_on = ["resolved", "completed", "postmortem"]
[coalesce.webhook]
window = 0
[[accounts]]
name = "x-nl"
platform = "x"
locale = "nl"
base_url = "https://api.x.com"
"""


def settings_of(tmp_path: Path, toml: str) -> Settings:
    (tmp_path / "notifier.toml").write_text(toml, encoding="utf-8")
    return load_settings({}, cwd=tmp_path)


def test_the_contracts_example_is_taken_as_it_stands(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, CONTRACT_EXAMPLE)
    assert settings.brand().name_in("nl") == "Mijnwebwinkel"
    assert settings.brand().sender_in("de").email == "status@myonlinestore.example"
    assert [component.key for component in settings.components()] == ["backoffice"]
    assert [(a.name, a.platform, a.locale) for a in settings.account_values()] == [("x-nl", Platform.X, "nl")]


def test_without_file_and_variables_everything_has_a_default(tmp_path: Path) -> None:
    settings = load_settings({}, cwd=tmp_path)
    assert [component.key for component in settings.components()] == [
        "backoffice",
        "storefront",
        "checkout",
        "api",
        "pos",
    ]
    assert [account.name for account in settings.account_values()] == ["x-nl", "x-en"]
    assert settings.uses_sandbox
    assert settings.deployment.public_url == "http://127.0.0.1:8025"
    assert settings.data_dir == tmp_path / "var"
    assert settings.database_url().get_secret_value() == f"sqlite:///{tmp_path}/var/notifier.sqlite3"
    settings.check_providers()


def test_reading_the_configuration_makes_no_file(tmp_path: Path) -> None:
    load_settings({}, cwd=tmp_path).queue_addresses()
    assert list(tmp_path.iterdir()) == []


def test_webhooks_have_no_window_by_default_and_the_others_do(tmp_path: Path) -> None:
    settings = load_settings({}, cwd=tmp_path)
    windows = {channel: settings.coalesce_policy(channel).window for channel in Channel}
    assert windows == {Channel.EMAIL: 60, Channel.SOCIAL: 60, Channel.WEBHOOK: 0}
    assert settings.coalesce_policy(Channel.EMAIL).flush_on == {Status.RESOLVED, Status.COMPLETED, Status.POSTMORTEM}


def test_a_channels_table_overrides_only_what_it_says(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, '[coalesce]\nwindow = 30\n[coalesce.email]\ndelay = 5\nflush_on = ["monitoring"]\n'
    )
    email, social = settings.coalesce_policy(Channel.EMAIL), settings.coalesce_policy(Channel.SOCIAL)
    assert (email.delay, email.window, email.max_window) == (5, 30, 600)
    assert email.flush_on == frozenset({Status.MONITORING})
    assert (social.delay, social.window) == (0, 30)
    assert settings.coalesce_policy(Channel.WEBHOOK).window == 0


def test_a_window_beyond_the_default_maximum_is_meant(tmp_path: Path) -> None:
    policy = settings_of(tmp_path, "[coalesce]\nwindow = 900\n").coalesce_policy(Channel.EMAIL)
    assert (policy.window, policy.max_window) == (900, 900)


def test_a_localized_value_replaces_the_defaults_whole_value(tmp_path: Path) -> None:
    brand = settings_of(tmp_path, '[brand]\nname = { en = "Shop" }\n').brand()
    assert brand.name == {"en": "Shop"}
    assert brand.timezone == "Europe/Amsterdam"


def test_an_account_may_post_in_several_languages_the_first_one_leading(tmp_path: Path) -> None:
    written = "[[accounts]]\nname = 'both'\nplatform = 'x'\nlocales = ['en', 'nl']\n"
    (account,) = settings_of(tmp_path, written).account_values()
    assert (account.locale, account.languages) == ("en", ("en", "nl"))


def test_no_accounts_is_a_choice(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "accounts = []\n").account_values() == ()


def test_concurrency_is_per_lane(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[workers]\nemail = 7\n")
    assert settings.concurrency(QueueName.EMAIL) == 7
    assert all(settings.concurrency(queue) >= 1 for queue in QueueName)


def test_the_named_file_goes_before_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_text("[workers]\nemail = 2\n")
    (tmp_path / "other.toml").write_text("[workers]\nemail = 9\n")
    assert load_settings({"NOTIFIER_CONFIG": "other.toml"}, cwd=tmp_path).concurrency(QueueName.EMAIL) == 9
    assert load_settings({}, config=Path("other.toml"), cwd=tmp_path).concurrency(QueueName.EMAIL) == 9


ACCOUNT = "[[accounts]]\nname = '{}'\nplatform = 'x'\nlocale = 'nl'\n"
REFUSED = [
    ("colaesce = 1", "colaesce", "did you mean coalesce?"),
    ("[coalesce]\nwindwo = 1", "coalesce.windwo", "did you mean window?"),
    ("[coalesce.email]\nmaxwindow = 1", "coalesce.email.maxwindow", "did you mean max_window?"),
    ("[coalesce.sms]\nwindow = 1", "coalesce.sms", "is no key"),
    ("[coalesce]\nwindow = '60'", "coalesce.window", "must be a valid number"),
    ("[coalesce]\nwindow = true", "coalesce.window", "must be a valid number"),
    ("[coalesce]\nwindow = -1", "coalesce.window", "greater than or equal to 0"),
    ("[coalesce]\nwindow = nan", "coalesce.window", "finite"),
    ("[coalesce]\nwindow = 9\nmax_window = 3", "coalesce.max_window", "must not be smaller than window"),
    ("[coalesce.email]\nwindow = 9\nmax_window = 3", "coalesce.email.max_window", "must not be smaller"),
    ("[coalesce]\nflush_on = ['resolvd']", "coalesce.flush_on.0", "'resolved'"),
    ("[coalesce]\nflush_on = 'resolved'", "coalesce.flush_on", "must be a list"),
    ("coalesce = 5", "coalesce", "must be a table"),
    ("brand = 5", "brand", "must be a table"),
    ("[brand]\nname = 'Shop'", "brand.name", "must be a table"),
    ("[brand]\nname = {}", "brand.name", "must not be empty"),
    ("[brand]\nname = { en = '' }", "brand.name.en", "must not be empty"),
    ('[brand]\nname = { en = "Shop\\r\\nBcc: x@y.example" }', "brand.name.en", "one line"),
    ("[brand]\nname = { nl = 'Winkel' }", "brand.name", "lacks the default locale 'en'"),
    ("[brand]\nlocales = ['nl', 'zz']", "brand.locales.1", "'zz' is no locale"),
    ("[brand]\nlocales = ['en', 'pt_BR']", "brand.locales.1", "'pt_BR' is no locale"),
    ("[brand]\nlocales = ['en', '../etc']", "brand.locales.1", "is no locale"),
    ("[brand]\nlocales = ['en', 'en']", "brand.locales", "twice"),
    ("[brand]\nlocales = []", "brand.locales", "must not be empty"),
    ("[brand]\ndefault_locale = 'es'", "brand.default_locale", "not among brand.locales"),
    ("[brand]\ntimezone = 'Mars/Base'", "brand.timezone", "is no time zone"),
    ("[brand]\ntimezone = '../../etc/passwd'", "brand.timezone", "is no time zone"),
    ("[brand]\nfrom_email = { en = 'nobody' }", "brand.from_email.en", "is no e-mail address"),
    ("[brand]\nfrom_email = { en = 'a@b' }", "brand.from_email.en", "is no e-mail address"),
    ("[brand]\nfrom_email = { en = 'störung@shop.example' }", "brand.from_email.en", "is no e-mail address"),
    ("[brand]\nfrom_email = { zz = 'a@shop.example' }", "brand.from_email.zz", "is no locale"),
    ("[[components]]\nname = { en = 'A' }", "components.0.key", "is missing"),
    ("[[components]]\nkey = 'Big One'\nname = { en = 'A' }", "components.0.key", "must begin with"),
    ("[[components]]\nkey = 'a'\nname = { en = 'A' }\n" * 2, "components.1.key", "twice"),
    ("[[accounts]]\nname = 'a'\nplatform = 'facebook'\nlocale = 'nl'", "accounts.0.platform", "'mastodon'"),
    ("[[accounts]]\nname = 'a'\nplatform = 'mastodon'\nlocale = 'nl'", "accounts.0.base_url", "must name its server"),
    ("[[accounts]]\nname = 'a'\nplatform = 'x'\nlocale = 'es'", "accounts.0.locale", "not among brand.locales"),
    ("[[accounts]]\nname = 'a'\nplatform = 'x'", "accounts.0.locale", "is missing"),
    (f"[[accounts]]\nname = '{'a' * 61}'\nplatform = 'x'\nlocale = 'nl'", "accounts.0.name", "60"),
    (
        "[[accounts]]\nname = 'a'\nplatform = 'x'\nlocales = ['nl', 'es']",
        "accounts.0.locales",
        "not among brand.locales",
    ),
    ("[[accounts]]\nname = 'a'\nplatform = 'x'\nlocale = 'en'\nlocales = ['nl', 'en']", "accounts.0.locale", "first"),
    ("[[accounts]]\nname = 'a'\nplatform = 'x'\nlocales = ['nl', 'nl']", "accounts.0.locales", "twice"),
    ("[[accounts]]\nname = 'a'\nplatfrom = 'x'\nlocale = 'nl'", "accounts.0.platfrom", "did you mean platform?"),
    (
        "[[accounts]]\nname = 'a'\nplatform = 'x'\nlocale = 'nl'\nbase_url = 'api.x.com'",
        "accounts.0.base_url",
        "https://",
    ),
    (f"{ACCOUNT.format('a-b')}{ACCOUNT.format('a_b')}", "accounts.1.name", "twice"),
    ("[workers]\nemail = 0", "workers.email", "greater than or equal to 1"),
    ("[workers]\nemail = 2.5", "workers.email", "valid integer"),
    ("[limits]\nbatch_size = 1001", "limits.batch_size", "less than or equal to 1000"),
    ("[limits]\nwebhook_timeout = inf", "limits.webhook_timeout", "finite"),
    ("brand = ", "notifier.toml", "is not valid TOML"),
]


@pytest.mark.parametrize(("toml", "field", "says"), REFUSED)
def test_a_faulty_file_is_refused_by_the_key_at_fault(tmp_path: Path, toml: str, field: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, toml)
    assert caught.value.field == field
    assert says in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"NOTIFIER_CONFIG: .*absent\.toml cannot be read: No such file") as caught:
        load_settings({"NOTIFIER_CONFIG": "absent.toml"}, cwd=tmp_path)
    assert caught.value.field == "NOTIFIER_CONFIG"


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").mkdir()
    with pytest.raises(ConfigError, match=r"notifier\.toml: .* cannot be read: Is a directory"):
        load_settings({}, cwd=tmp_path)


def test_a_dangling_link_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").symlink_to(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings({}, cwd=tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notifier.toml").write_bytes(b'[brand]\nname = { en = "Caf\xe9" }\n')
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load_settings({}, cwd=tmp_path)


def test_a_lease_leaves_the_slowest_endpoint_time_to_answer(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[workers]\nlease = 30\n").lease.total_seconds() == 30
    with pytest.raises(ConfigError, match=r"workers\.lease"):
        settings_of(tmp_path, "[workers]\nlease = 20\n")


def test_a_channel_may_do_otherwise_about_missing_translations(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, "[translation]\npolicy = 'hold'\n[translation.social]\npolicy = 'send_and_follow'\n"
    )
    assert settings.translation_rule(Channel.EMAIL).policy is TranslationPolicy.HOLD
    assert settings.translation_rule(Channel.EMAIL).hold == timedelta(minutes=15)
    assert settings.translation_rule(Channel.SOCIAL).policy is TranslationPolicy.SEND_AND_FOLLOW
    assert settings.translation_rule(Channel.WEBHOOK).policy is TranslationPolicy.FALLBACK
