"""Webhooks: signing (Standard Webhooks), the SSRF guard and the delivery engine."""

from notifier.channels.webhook.delivery.engine import WebhookEngine
from notifier.channels.webhook.delivery.limits import EngineLimits, SlotLimits, Timeouts
from notifier.channels.webhook.egress.ip_policy import parse_networks
from notifier.channels.webhook.egress.url_policy import TargetPolicy, VettedUrl, vet_url
from notifier.channels.webhook.headers import validate_headers
from notifier.channels.webhook.signing import check_secret, public_key

__all__ = [
    "EngineLimits",
    "SlotLimits",
    "TargetPolicy",
    "Timeouts",
    "VettedUrl",
    "WebhookEngine",
    "check_secret",
    "parse_networks",
    "public_key",
    "validate_headers",
    "vet_url",
]
