"""Drafts: proposed events, with a version. Nobody is notified of a draft until somebody publishes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]


class DraftState(StrEnum):
    """State of a draft: only an `open` one can be changed or published."""

    OPEN = "open"
    PUBLISHED = "published"
    DISCARDED = "discarded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A proposed event. `incident` and `update` are JSON as in an event, with any part missing.

    `version` counts from 1 with every change. `event_id` is the idempotency key of its publication,
    fixed when the draft is made. `author`: who made it (a person, or `source:NAME`). `edited_by`:
    the last person who changed it; None while only machines did, which then may still change it.
    `signal_id`: the signal it was first proposed for. `receipt`: the answer to its publication.
    Times are aware UTC.
    """

    id: str
    version: int
    state: DraftState
    incident: Json
    update: Json
    event_id: str
    reason: str
    author: str
    created_at: datetime
    updated_at: datetime
    notify: bool = True
    visible: bool = True
    after: str | None = None
    source: str | None = None
    signal_id: str | None = None
    template_id: str | None = None
    edited_by: str | None = None
    reminded_at: datetime | None = None
    closed_at: datetime | None = None
    receipt: Json | None = None

    @property
    def incident_id(self) -> str:
        """The incident it belongs to, or will open."""
        return str(self.incident["id"])


def merged(target: Json, patch: Json) -> dict[str, Any]:
    """Apply a JSON merge patch (RFC 7396): objects merge, null removes, everything else replaces."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            known = result.get(name)
            result[name] = merged(known if isinstance(known, Mapping) else {}, value)
        else:
            result[name] = value
    return result
