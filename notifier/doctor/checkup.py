"""The checks of `notifier doctor`: configuration, database, broker, providers, pending work."""

import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.own_templates import check_templates
from notifier.bootstrap.words import build_renderer
from notifier.doctor.components import check_components
from notifier.doctor.data import check_data, check_database, check_setting
from notifier.doctor.finding import Finding
from notifier.doctor.pages import check_pages
from notifier.doctor.work import check_work
from notifier.domain.errors import ConfigError
from notifier.domain.providers.breaker import Breaker, ProviderState
from notifier.domain.providers.provider_names import alert_label
from notifier.domain.values import Channel
from notifier.inbound.event_files import read_stories
from notifier.queueing.producer import NO_ANSWER
from notifier.resources import locales_dir, samples_path, templates_dir
from notifier.services.operations import broker_watch
from notifier.services.preview.samples import scenes
from notifier.services.subscribers import sign_up_limit
from notifier.settings import SendGridSpec
from notifier.storage.operations import alerts

_CONNECT_SECONDS = 3.0
_PROVIDER_REMEDY = "fix the credentials, sender identity or credits; sending resumes within a minute"
_SIGN_UPS_REMEDY = "check who signs up (docs/readers.md); raise `limits.sign_ups_per_hour` if they are genuine"
_REMEDIES = {
    sign_up_limit.ALERT_KEY: _SIGN_UPS_REMEDY,
    broker_watch.ALERT_KEY: "fix the broker; waiting work resumes within seconds",
}
_PORTS = {"http": 80, "https": 443}


def check_up(notifier: ApiContainer) -> list[Finding]:
    """Run every check; a check that fails to run is a finding, never an exception."""
    findings = [_configuration(notifier), _files(), check_database(notifier), _broker(notifier)]
    findings += [*_templates(notifier), *check_setting(notifier), *_providers(notifier)]
    if findings[2].state == "ok":
        findings += [*check_data(notifier), *check_components(notifier), *_alerts(notifier), *check_work(notifier)]
        findings += check_pages(notifier)
    return findings


def _configuration(notifier: ApiContainer) -> Finding:
    settings = notifier.settings
    source = str(settings.config_file) if settings.config_file else "embedded defaults"
    try:
        settings.check_providers()
    except ConfigError as error:
        return Finding(name="configuration", state="bad", message=str(error), remedy=f"set {error.field}")
    return Finding(name="configuration", state="ok", message=f"{source}; data in {settings.data_dir}")


def _files() -> Finding:
    compiled = list(locales_dir().glob("*/LC_MESSAGES/messages.mo"))
    if not templates_dir().is_dir() or not compiled:
        remedy = "run any make target, or reinstall the package"
        return Finding(
            name="templates", state="bad", message="templates or compiled message catalogues are missing", remedy=remedy
        )
    locales = ", ".join(sorted(path.parent.parent.name for path in compiled))
    return Finding(name="templates", state="ok", message=f"messages in {locales}")


def _templates(notifier: ApiContainer) -> Iterator[Finding]:
    """Render every message in every locale with the operator's templates, if there are any."""
    if notifier.settings.own_templates() is None:
        return
    brand = notifier.settings.brand()
    try:
        check_templates(notifier)
        renderer = build_renderer(notifier, strict=True)
        for scene in scenes(read_stories(samples_path().read_bytes()), Channel.EMAIL):
            for locale in brand.locales:
                renderer.mail(scene.notice, locale=locale, since=scene.since)
    except ConfigError as error:
        remedy = "fix or remove the file; until then the bundled template is used"
        yield Finding(name="own templates", state="bad", message=error.message, remedy=remedy)
    else:
        yield Finding(name="own templates", state="ok", message=f"every message in {', '.join(brand.locales)}")


def _broker(notifier: ApiContainer) -> Finding:
    embedded = notifier.settings.queue_addresses().embedded
    trouble = notifier.producer.trouble()
    if trouble is None:
        return Finding(name="broker", state="ok", message="embedded Redis" if embedded else "accepts messages")
    if embedded and trouble == NO_ANSWER:
        message = "the embedded Redis is not running"
        return Finding(name="broker", state="warn", message=message, remedy="start `notifier up` or a worker")
    remedy = "check NOTIFIER_BROKER_URL or NOTIFIER_REDIS_URL and the server; events are still accepted meanwhile"
    return Finding(name="broker", state="bad", message=trouble, remedy=remedy)


def _providers(notifier: ApiContainer) -> Iterator[Finding]:
    settings = notifier.settings
    for spec in _given(settings.email_providers):
        if isinstance(spec, Finding):
            yield spec
        elif isinstance(spec, SendGridSpec):
            yield _reachable(f"mail:{spec.name}", spec.url, in_sandbox=spec.name == "sandbox")
        else:
            yield _connects(f"mail:{spec.name}", spec.host, spec.port)
    for account in _given(settings.accounts):
        if isinstance(account, Finding):
            yield account
        else:
            yield _reachable(account.account.name, account.base_url, in_sandbox=account.in_sandbox)


def _given(read: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    try:
        return read()
    except ConfigError as error:
        waiting = error.field == "NOTIFIER_SANDBOX_URL"
        remedy = "start `notifier up`" if waiting else f"set {error.field}"
        message = "the sandbox is not running" if waiting else str(error)
        return (Finding(name="provider", state="warn" if waiting else "bad", message=message, remedy=remedy),)


def _reachable(name: str, url: str, *, in_sandbox: bool) -> Finding:
    parts = urlsplit(url)
    found = _connects(name, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443))
    if in_sandbox and found.state == "bad":
        remedy = "start `notifier up`"
        return Finding(name=name, state="warn", message="the sandbox is not running", remedy=remedy)
    return found


def _connects(name: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return Finding(name=name, state="ok", message=f"{host}:{port} accepts connections")
    except OSError as error:
        message = f"{host}:{port} is unreachable: {error.strerror or type(error).__name__}"
        return Finding(name=name, state="bad", message=message, remedy="check the address, DNS and the firewall")


def _alerts(notifier: ApiContainer) -> Iterator[Finding]:
    with notifier.database.read() as connection:
        standing = alerts.current(connection)
        providers = notifier.providers.read(connection)
    for row in standing:
        message = f"stopped since {row.since:%Y-%m-%d %H:%M}Z ({row.reason}): {row.detail}"
        yield Finding(
            name=alert_label(row.key), state="bad", message=message, remedy=_REMEDIES.get(row.key, _PROVIDER_REMEDY)
        )
    for one in providers:
        if one.circuit.state is ProviderState.FAILING:
            remedy = f"check its status page; once it is fixed: notifier deliveries retry --provider {one.name}"
            yield Finding(name=one.label, state="bad", message=_failing(one.circuit), remedy=remedy)


def _failing(circuit: Breaker) -> str:
    last, next_ = circuit.last_error, circuit.next_probe_at
    last_error = f": {last.status or last.reason.value} {last.detail}" if last else ""
    asked = f"; next probe at {next_:%H:%M:%S}Z" if next_ else ""
    return f"failing since {circuit.since:%Y-%m-%d %H:%M}Z{last_error}{asked}"
