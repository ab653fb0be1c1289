"""Environment variables: what differs per deployment, including secrets.

The field `redis_url` is the variable `NOTIFIER_REDIS_URL`, and so on. An empty variable counts as
unset.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from notifier.settings.checks import der_public_key, http_url, long_secret, secret, url_of

PREFIX = "NOTIFIER_"
DATABASE_SCHEMES = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+socket")
BROKER_SCHEMES = (*REDIS_SCHEMES, "amqp", "amqps")
EMAIL_PROVIDERS = ("sandbox", "sendgrid", "smtp")


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _networks(value: object) -> object:
    listed = _listed(value)
    if not isinstance(listed, list):
        return listed
    for text in listed:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValueError(f"{error}; write networks such as 127.0.0.0/8, separated by commas") from None
    return listed


def _secret_url(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        url_of(value.get_secret_value(), schemes)
        return value

    return AfterValidator(check)


def _secret(value: SecretStr) -> SecretStr:
    secret(value.get_secret_value())
    return value


def _long_secret(value: SecretStr) -> SecretStr:
    long_secret(value.get_secret_value())
    return value


def _providers(names: tuple[str, ...]) -> tuple[str, ...]:
    if "sandbox" in names and len(names) > 1:
        raise ValueError("sandbox stands alone: it is no provider to fail over to")
    if len(set(names)) < len(names):
        raise ValueError("names a provider twice")
    return names


def _different(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if len({key.get_secret_value() for key in keys}) < len(keys):
        raise ValueError("holds a key twice")
    return keys


Secret = Annotated[SecretStr, AfterValidator(_secret)]
LongSecret = Annotated[SecretStr, AfterValidator(_long_secret)]
Network = IPv4Network | IPv6Network


class Deployment(BaseModel):
    """All variables except the accounts' credentials, each checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    config: str | None = None
    data_dir: str = "var"
    database_url: Annotated[SecretStr, _secret_url(*DATABASE_SCHEMES)] | None = None
    redis_url: Annotated[SecretStr, _secret_url(*REDIS_SCHEMES)] | None = None
    broker_url: Annotated[SecretStr, _secret_url(*BROKER_SCHEMES)] | None = None
    public_url: Annotated[str, AfterValidator(http_url)] = "http://127.0.0.1:8025"
    secret_keys: Annotated[tuple[LongSecret, ...], BeforeValidator(_listed), AfterValidator(_different)] = ()
    admin_token: LongSecret | None = None
    email_providers: Annotated[
        tuple[Literal["sandbox", "sendgrid", "smtp"], ...],
        BeforeValidator(_listed),
        Field(min_length=1),
        AfterValidator(_providers),
    ] = ("sandbox",)
    sendgrid_api_key: Secret | None = None
    sendgrid_url: Annotated[str, AfterValidator(http_url)] = "https://api.sendgrid.com"
    sendgrid_event_public_key: Annotated[str, AfterValidator(der_public_key)] | None = None
    smtp_url: Annotated[SecretStr, _secret_url("smtp", "smtps")] | None = None
    webhook_allow_networks: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    sandbox_url: Annotated[str, AfterValidator(http_url)] | None = None
    metrics_and_docs: Literal["open", "key"] = "open"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
