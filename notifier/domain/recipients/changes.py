"""Partial changes to a subscriber or an endpoint; None resets to the default (RFC 7396)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.endpoint import Endpoint, EndpointMode, EndpointState
from notifier.domain.recipients.subscriber import QuietHours, Subscriber, Vocabulary
from notifier.domain.values import (
    Channel,
    Impact,
    SubscriberKind,
    SubscriberState,
    UpdateLevel,
    WebhookFormat,
    WebhookType,
)

_LIMITS = ("quiet_hours", "max_per_hour")  # given among the preferences, but fields of the subscriber


class PreferenceChanges(TypedDict, total=False):
    """Changes to a subscriber's preferences."""

    channels: frozenset[Channel]
    components: frozenset[str]
    min_impact: Impact
    updates: UpdateLevel
    maintenance: bool
    quiet_hours: QuietHours | None
    max_per_hour: int | None


class SubscriberChanges(TypedDict, total=False):
    """Changes to a subscriber. `external_id` may be repeated, not changed."""

    external_id: str | None
    kind: SubscriberKind | None
    email: str | None
    name: str | None
    locale: str | None
    timezone: str | None
    state: SubscriberState | None
    preferences: PreferenceChanges | None


class EndpointChanges(TypedDict, total=False):
    """Changes to an endpoint. `headers` are merged into the current ones; None removes one."""

    url: str | None
    description: str | None
    subscriber: str | None
    owner_email: str | None
    components: frozenset[str] | None
    min_impact: Impact | None
    updates: UpdateLevel | None
    types: frozenset[WebhookType] | None
    format: WebhookFormat | None
    mode: EndpointMode | None
    headers: Mapping[str, str | None] | None
    state: EndpointState | None


def changed_subscriber(before: Subscriber, changes: SubscriberChanges, vocabulary: Vocabulary) -> Subscriber:
    """Return the changed subscriber, validated as a whole: valid parts may not fit together.

    Raises:
        InvalidInputError: names every invalid field.
    """
    usual = Subscriber(
        external_id=before.external_id, locale=vocabulary.default_locale, timezone=vocabulary.default_timezone
    )
    own = _with_defaults(changes, usual, but={"external_id", "preferences"})
    after = replace(before, **own)
    if "preferences" in changes:
        after = _with_preferences(after, changes["preferences"])
    if faults := vocabulary.faults(after, before):
        raise InvalidInputError(faults)
    return after


def _with_preferences(subscriber: Subscriber, changes: PreferenceChanges | None) -> Subscriber:
    if changes is None:
        return replace(subscriber, preferences=Preferences(), quiet_hours=None, max_per_hour=None)
    named: dict[str, Any] = dict(changes)
    limits = {name: named.pop(name) for name in _LIMITS if name in named}
    return replace(subscriber, preferences=replace(subscriber.preferences, **named), **limits)


def changed_endpoint(before: Endpoint, changes: EndpointChanges, vocabulary: Vocabulary) -> Endpoint:
    """Return the changed endpoint; components it already had are accepted.

    Raises:
        InvalidInputError: names every invalid field.
    """
    faults = [FieldError("url", "Field required")] if changes.get("url", "") is None else []
    own = _with_defaults(changes, Endpoint(url=before.url, state=before.state), but={"headers"})
    after = replace(before, **own, headers=_headers(before.headers, changes))
    faults += vocabulary.component_faults(after.components - before.components, "components")
    if faults:
        raise InvalidInputError(faults)
    return after


def _headers(before: Mapping[str, str], changes: EndpointChanges) -> dict[str, str]:
    asked = changes.get("headers", {})
    whole = {} if asked is None else {**before, **asked}
    return {name: value for name, value in whole.items() if value is not None}


def _with_defaults(changes: Mapping[str, object], usual: object, *, but: set[str]) -> dict[str, Any]:
    """Replace each None by its default."""
    named = {name: value for name, value in changes.items() if name not in but}
    return {name: getattr(usual, name) if value is None else value for name, value in named.items()}
