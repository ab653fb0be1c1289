"""Preferences of a reader, as the pages show them and as their forms return them."""

from collections.abc import Collection
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import orjson

from notifier.domain.messages.brand import Component
from notifier.domain.recipients.changes import SubscriberChanges
from notifier.domain.recipients.subscriber import Subscriber
from notifier.domain.values import Channel, Impact, SubscriberKind, UpdateLevel
from notifier.inbound.subscribers import parse_patch
from notifier.web.forms import Form

IMPACTS = tuple(impact.value for impact in Impact if impact is not Impact.MAINTENANCE)
# Channels that reach an individual: posts are public.
_CHANNELS = (Channel.EMAIL, Channel.WEBHOOK)
_SKIPPED_ZONES = ("Etc/", "SystemV/", "US/", "posix/", "right/")


@cache
def timezones() -> tuple[str, ...]:
    """Return the time zones offered: continents and cities, and UTC."""
    cities = (name for name in available_timezones() if "/" in name and not name.startswith(_SKIPPED_ZONES))
    return (*sorted(cities), "UTC")


def shown(subscriber: Subscriber, components: Collection[Component]) -> dict[str, Any]:
    """Return the context of `_choices.html` and `_calm.html` for a subscriber's preferences."""
    chosen = subscriber.preferences
    quiet = subscriber.quiet_hours.texts() if subscriber.quiet_hours else ("", "")
    channels = [
        {"key": channel.value, "chosen": channel in chosen.channels}
        for channel in _CHANNELS
        if channel is Channel.EMAIL or channel in chosen.channels or subscriber.kind is SubscriberKind.PARTNER
    ]
    return {
        "channels": channels,
        "parts": [{"key": part.key, "name": part.name, "chosen": part.key in chosen.components} for part in components],
        "impacts": IMPACTS,
        "min_impact": chosen.min_impact.value,
        "wanted": [wanted.value for wanted in UpdateLevel],
        "updates": chosen.updates.value,
        "maintenance": chosen.maintenance,
        "quiet_from": quiet[0],
        "quiet_to": quiet[1],
        "max_per_hour": "" if subscriber.max_per_hour is None else subscriber.max_per_hour,
        "zones": timezones() if subscriber.timezone in timezones() else (subscriber.timezone, *timezones()),
        "zone": subscriber.timezone,
        "locale": subscriber.locale,
        "name": subscriber.name,
        "faulty": frozenset[str](),
    }


def sent(form: Form, components: Collection[Component]) -> dict[str, Any]:
    """Return the same context from a submitted form, to show it again with its errors."""
    ticked = form.many("components")
    return {
        "parts": [{"key": part.key, "name": part.name, "chosen": part.key in ticked} for part in components],
        "min_impact": form.one("min_impact"),
        "updates": form.one("updates"),
        "maintenance": form.has("maintenance"),
        "quiet_from": form.one("quiet_from"),
        "quiet_to": form.one("quiet_to"),
        "max_per_hour": form.one("max_per_hour"),
        "zone": form.one("timezone"),
        "locale": form.one("locale"),
        "name": form.one("name"),
    }


def story_choices(form: Form) -> dict[str, Any]:
    """Read a form as the API's `preferences`; leaves out what the form lacks."""
    chosen: dict[str, Any] = {"components": form.many("components"), "maintenance": form.has("maintenance")}
    return chosen | {name: form.one(name) for name in ("min_impact", "updates") if form.has(name)}


def all_choices(form: Form) -> SubscriberChanges:
    """Read the whole preferences form as a change of a subscriber, like the API.

    Raises:
        InvalidInputError: Names every invalid field.
    """
    chosen = story_choices(form)
    if form.has("channels_shown"):
        chosen["channels"] = form.many("channels")
    if form.has("quiet_from"):
        span = {"from": form.one("quiet_from"), "to": form.one("quiet_to")}
        chosen["quiet_hours"] = span if any(span.values()) else None
    if form.has("max_per_hour"):
        text = form.one("max_per_hour")
        chosen["max_per_hour"] = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text or None  # noqa: PLR2004
    patch: dict[str, Any] = {name: form.one(name) for name in ("name", "locale", "timezone") if form.has(name)}
    return parse_patch(orjson.dumps(patch | {"preferences": chosen}))
