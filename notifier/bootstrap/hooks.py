"""How webhooks leave: the engine, the sealed secrets, and the attempt on a batch."""

from notifier.bootstrap.core import Core
from notifier.bootstrap.words import build_renderer
from notifier.channels.webhook import EngineLimits, TargetPolicy, Timeouts, WebhookEngine
from notifier.services.attempt_hooks import HookAttempt
from notifier.services.endpoint_health import Health
from notifier.services.endpoint_secrets import EndpointSecrets
from notifier.services.outcomes import Record
from notifier.services.secretbox import SecretBox


def build_engine(core: Core) -> WebhookEngine:
    """Build the engine: one per process; opens nothing before its first use."""
    limits = EngineLimits(timeouts=Timeouts(total=core.settings.limits.webhook_timeout))
    return WebhookEngine(policy=TargetPolicy(allow_networks=core.settings.webhook_networks()), limits=limits)


def build_endpoint_secrets(core: Core) -> EndpointSecrets:
    """Build what opens the sealed columns of endpoints."""
    return EndpointSecrets(SecretBox(core.secret_keys, "endpoint"))


def build(core: Core, record: Record) -> HookAttempt:
    """Build the attempt; opens nothing."""
    return HookAttempt(
        core.database,
        core.clock,
        build_renderer(core),
        build_engine(core),
        build_endpoint_secrets(core),
        Health(),
        record,
        core.gather,
    )
