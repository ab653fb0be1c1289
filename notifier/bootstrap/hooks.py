"""Webhooks: the engine, encrypted secrets, and batch attempts."""

from notifier.bootstrap.container import Container
from notifier.bootstrap.words import build_renderer
from notifier.channels.webhook import EngineLimits, SlotLimits, TargetPolicy, Timeouts, WebhookEngine
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.dispatch.webhook import HookAttempt
from notifier.services.endpoints.health import RecordEndpointHealth
from notifier.services.endpoints.recovery_probe import ProbeEndpoint
from notifier.services.endpoints.secrets import EndpointSecrets
from notifier.services.endpoints.watch import write_mail
from notifier.services.metrics_buffer import BREAKERS
from notifier.services.security.secretbox import SecretBox

_SLOW_SHARE = 8  # slow receivers wait in slots of their own


def build_engine(container: Container) -> WebhookEngine:
    """Build the engine: one per process; opens nothing before first use."""
    wanted = container.settings.limits
    fast = SlotLimits(fast=wanted.webhook_connections, slow=wanted.webhook_connections * _SLOW_SHARE)
    limits = EngineLimits(timeouts=Timeouts(total=wanted.webhook_timeout), first=fast)
    policy = TargetPolicy(
        allow_networks=container.settings.webhook_networks(),
        allow_plain_http=container.settings.webhooks.allow_http,
        allow_ports=frozenset(container.settings.webhooks.allow_ports),
    )
    return WebhookEngine(policy=policy, limits=limits, clock=container.clock)


def build_endpoint_secrets(container: Container) -> EndpointSecrets:
    """Build what decrypts endpoints' columns."""
    return EndpointSecrets(SecretBox(container.secret_keys, "endpoint"))


def build(container: Container, record: RecordOutcome) -> HookAttempt:
    """Build the batch attempt; opens nothing."""
    engine = build_engine(container)
    container.metrics_buffer.watch(
        lambda: {
            (BREAKERS, (("channel", "webhook"), ("provider", guarded))): float(number)
            for guarded, number in engine.open_breakers().items()
        }
    )
    return HookAttempt(
        container.database,
        container.clock,
        build_renderer(container),
        engine,
        build_endpoint_secrets(container),
        RecordEndpointHealth(write_mail),
        record,
        container.regroup,
        lease=container.settings.lease,
    )


def build_probe(container: Container, hooks: HookAttempt) -> ProbeEndpoint:
    """Build the probe of disabled endpoints; it uses the engine of the attempts."""
    return ProbeEndpoint(
        container.database, container.clock, hooks.engine, build_renderer(container), hooks.secrets, container.regroup
    )
