"""Checks across several keys of `notifier.toml`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from notifier.domain.errors import ConfigError
from notifier.domain.proposals.page_languages import marked_languages
from notifier.domain.proposals.source_rules import SourceKind
from notifier.domain.values import Platform
from notifier.settings.config_file import AccountSection, ConfigFile
from notifier.settings.sources import GENERIC_FIELDS, LEAST_GENERIC, SourceSection

_CHANNELS = ("email", "social", "webhook")
_MOST_LANGUAGES = 3  # per post, the maximum of Bluesky


def check_config(config: ConfigFile, own: Mapping[str, Any]) -> None:
    """Reject invalid combinations.

    Args:
        config: The merged configuration.
        own: The operator's file as written: errors must not blame operators for defaults.

    Raises:
        ConfigError: Names the first key at fault.
    """
    _check_brand(config)
    _refuse_repeated("components", "key", [component.key for component in config.components])
    _check_accounts(config, written="accounts" in own)
    if config.webhooks.warn_after > config.webhooks.disable_after:
        raise ConfigError("webhooks.warn_after", "must not be later than webhooks.disable_after")
    if config.limits.webhook_timeout > config.workers.lease * 2 / 3:
        raise ConfigError("workers.lease", "must be at least one and a half times limits.webhook_timeout")
    _check_sources(config)
    coalesce = own.get("coalesce", {})
    for path, table in [("coalesce", coalesce), *((f"coalesce.{name}", coalesce.get(name, {})) for name in _CHANNELS)]:
        if "window" in table and "max_window" in table and table["max_window"] < table["window"]:
            raise ConfigError(f"{path}.max_window", "must not be smaller than window")


def _check_sources(config: ConfigFile) -> None:
    """Check that what sources, upstreams and templates name exists."""
    _refuse_repeated("sources", "name", [source.name for source in config.sources])
    _refuse_repeated("upstreams", "name", [upstream.name for upstream in config.upstreams])
    _refuse_repeated("templates", "name", [template.name for template in config.templates])
    templates = {template.name for template in config.templates}
    for number, source in enumerate(config.sources):
        place = f"sources.{number}"
        _check_kind(place, source)
        _check_components(config, f"{place}.components", source.components.values())
        _check_locales(config, f"{place}.languages", [one.locale for one in marked_languages(source.languages)])
        _check_locales(config, f"{place}.locale", [source.locale] if source.locale else [])
        _check_template(f"{place}.template", source.template, templates)
    for number, upstream in enumerate(config.upstreams):
        place = f"upstreams.{number}"
        for name, keys in upstream.components.items():
            _check_components(config, f"{place}.components.{name}", keys)
        _check_template(f"{place}.template", upstream.template, templates)
    for number, template in enumerate(config.templates):
        _check_components(config, f"templates.{number}.components", template.components)
        for field, texts in (("title", template.title), ("body", template.body)):
            _check_locales(config, f"templates.{number}.{field}", texts)


def _check_kind(place: str, source: SourceSection) -> None:
    """Reject keys that a source of this kind does not have; require those it needs."""
    is_generic, known = source.kind is SourceKind.GENERIC, ", ".join(GENERIC_FIELDS)
    if source.fields and source.kind not in (SourceKind.GENERIC, SourceKind.CLOUDEVENTS):
        raise ConfigError(f"{place}.fields", "belongs to the kinds generic and cloudevents alone")
    for name in source.fields:
        if name not in GENERIC_FIELDS:
            raise ConfigError(f"{place}.fields.{name}", f"is not known; known: {known}")
    for name in LEAST_GENERIC:
        if is_generic and name not in source.fields:
            raise ConfigError(f"{place}.fields.{name}", "is missing: kind generic cannot do without it")
    if source.url is not None and source.kind is not SourceKind.STATUSPAGE:
        raise ConfigError(f"{place}.url", "belongs to kind statuspage alone")
    if len(source.languages) == 1:
        raise ConfigError(f"{place}.languages", 'must name two languages, the second by its mark: ["nl", "EN:"]')


def _check_components(config: ConfigFile, place: str, keys: Iterable[str]) -> None:
    known = {component.key for component in config.components}
    for key in keys:
        if known and key not in known:
            raise ConfigError(place, f"{key!r} is none of [[components]]; known: {', '.join(sorted(known))}")


def _check_locales(config: ConfigFile, place: str, locales: Iterable[str]) -> None:
    for locale in locales:
        if locale not in config.brand.locales:
            raise ConfigError(place, f"{locale!r} is not among brand.locales")


def _check_template(place: str, name: str | None, known: Collection[str]) -> None:
    if name is not None and name not in known:
        raise ConfigError(place, f"{name!r} is none of [[templates]]")


def _check_brand(config: ConfigFile) -> None:
    brand = config.brand
    _refuse_repeated("brand.locales", "", brand.locales)
    if brand.default_locale not in brand.locales:
        raise ConfigError("brand.default_locale", f"{brand.default_locale!r} is not among brand.locales")
    for key in ("name", "from_email", "reply_to"):
        texts = getattr(brand, key)
        if texts and brand.default_locale not in texts:
            raise ConfigError(f"brand.{key}", f"lacks the default locale {brand.default_locale!r}")


def _check_accounts(config: ConfigFile, *, written: bool) -> None:
    # x-nl and x_nl would read the same variables
    _refuse_repeated("accounts", "name", [account.name.replace("-", "_") for account in config.accounts])
    for number, account in enumerate(config.accounts):
        _check_languages(config, account, f"accounts.{number}", written=written)
        if account.platform is Platform.MASTODON and account.base_url is None:
            raise ConfigError(f"accounts.{number}.base_url", "a Mastodon account must name its server")


def _check_languages(config: ConfigFile, account: AccountSection, path: str, *, written: bool) -> None:
    """Check an account's languages: `locale`, or those of `locales` with the leading one first."""
    if not account.languages:
        raise ConfigError(f"{path}.locale", "is missing")
    _refuse_repeated(f"{path}.locales", "", account.locales)
    if account.locales and account.locale not in (None, account.locales[0]):
        raise ConfigError(f"{path}.locale", "is not the first of locales; leave it out")
    if len(account.locales) > _MOST_LANGUAGES:
        raise ConfigError(f"{path}.locales", f"must not be more than {_MOST_LANGUAGES}")
    for language in account.languages:
        if written and language not in config.brand.locales:
            name = "locales" if account.locales else "locale"
            raise ConfigError(f"{path}.{name}", f"{language!r} is not among brand.locales")


def _refuse_repeated(table: str, key: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            field = f"{table}.{number}.{key}" if key else table
            raise ConfigError(field, f"{name!r} stands there twice")
