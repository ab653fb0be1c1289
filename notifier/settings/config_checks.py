"""What only makes sense together in `notifier.toml`."""

from collections.abc import Mapping
from typing import Any

from notifier.domain.errors import ConfigError
from notifier.domain.values import Platform
from notifier.settings.config_file import AccountSection, ConfigFile

_CHANNELS = ("email", "social", "webhook")
_MOST_LANGUAGES = 3  # of one post, as Bluesky allows


def check_config(house: ConfigFile, own: Mapping[str, Any]) -> None:
    """Refuse combinations.

    Args:
        house: The merged configuration.
        own: The operator's file as it was written: nobody is blamed for what stands in the defaults.

    Raises:
        ConfigError: names the first key at fault.
    """
    _check_brand(house)
    _refuse_repeated("components", "key", [component.key for component in house.components])
    _check_accounts(house, written="accounts" in own)
    if house.webhooks.warn_after > house.webhooks.disable_after:
        raise ConfigError("webhooks.warn_after", "must not be later than webhooks.disable_after")
    if house.limits.webhook_timeout > house.workers.lease * 2 / 3:
        raise ConfigError("workers.lease", "must be at least one and a half times limits.webhook_timeout")
    coalesce = own.get("coalesce", {})
    for place, table in [("coalesce", coalesce), *((f"coalesce.{name}", coalesce.get(name, {})) for name in _CHANNELS)]:
        if "window" in table and "max_window" in table and table["max_window"] < table["window"]:
            raise ConfigError(f"{place}.max_window", "must not be smaller than window")


def _check_brand(house: ConfigFile) -> None:
    brand = house.brand
    _refuse_repeated("brand.locales", "", brand.locales)
    if brand.default_locale not in brand.locales:
        raise ConfigError("brand.default_locale", f"{brand.default_locale!r} is not among brand.locales")
    for key in ("name", "from_email", "reply_to"):
        texts = getattr(brand, key)
        if texts and brand.default_locale not in texts:
            raise ConfigError(f"brand.{key}", f"lacks the default locale {brand.default_locale!r}")


def _check_accounts(house: ConfigFile, *, written: bool) -> None:
    # x-nl and x_nl would read the same variables
    _refuse_repeated("accounts", "name", [account.name.replace("-", "_") for account in house.accounts])
    for number, account in enumerate(house.accounts):
        _check_languages(house, account, f"accounts.{number}", written=written)
        if account.platform is Platform.MASTODON and account.base_url is None:
            raise ConfigError(f"accounts.{number}.base_url", "a Mastodon account must name its server")


def _check_languages(house: ConfigFile, account: AccountSection, place: str, *, written: bool) -> None:
    """An account posts in `locale`, or in the languages `locales` lists, the leading one first."""
    if not account.languages:
        raise ConfigError(f"{place}.locale", "is missing")
    _refuse_repeated(f"{place}.locales", "", account.locales)
    if account.locales and account.locale not in (None, account.locales[0]):
        raise ConfigError(f"{place}.locale", "is not the first of locales; leave it out")
    if len(account.locales) > _MOST_LANGUAGES:
        raise ConfigError(f"{place}.locales", f"must not be more than {_MOST_LANGUAGES}")
    for language in account.languages:
        if written and language not in house.brand.locales:
            name = "locales" if account.locales else "locale"
            raise ConfigError(f"{place}.{name}", f"{language!r} is not among brand.locales")


def _refuse_repeated(table: str, key: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            field = f"{table}.{number}.{key}" if key else table
            raise ConfigError(field, f"{name!r} stands there twice")
