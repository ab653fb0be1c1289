"""Drafts that machines suggest, changed inside the transaction of what suggests them.

A machine changes the content only until a person has edited the draft; after that it only says what happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notifier.domain.ids import new_ulid
from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.values import Status
from notifier.storage.database import Connection
from notifier.storage.proposals import drafts

Json = Mapping[str, Any]
_CLOSING = frozenset(status.value for status in Status if status.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a draft proposes, without ids. `incident_id`: of an incident that runs; None: a new one."""

    incident: Json
    update: Json
    incident_id: str | None = None
    after: str | None = None
    visible: bool = True
    notify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who suggests a draft, and for which signal."""

    source: str
    signal_id: str
    template_id: str | None = None


def create(connection: Connection, content: Content, origin: Origin, reason: str, now: datetime) -> Draft:
    """Store a new draft."""
    draft_id = f"drf_{new_ulid(now)}"
    draft = Draft(
        id=draft_id,
        version=1,
        state=DraftState.OPEN,
        incident={"id": content.incident_id or f"inc_{new_ulid(now)}", **content.incident},
        update={"id": f"upd_{new_ulid(now)}", **content.update},
        notify=content.notify,
        visible=content.visible,
        after=content.after,
        event_id=f"draft:{draft_id}",
        source=origin.source,
        signal_id=origin.signal_id,
        template_id=origin.template_id,
        reason=reason,
        author=f"source:{origin.source}",
        created_at=now,
        updated_at=now,
    )
    drafts.add(connection, draft)
    return draft


def refresh(connection: Connection, draft: Draft, content: Content, reason: str, now: datetime) -> Draft:
    """Put other content into a draft, which keeps its ids; equal content changes at most the reason."""
    changed = replace(draft, reason=reason, **_parts(draft, content))
    if replace(changed, reason=draft.reason) == draft:
        return note(connection, draft, reason, now)
    return _saved(connection, draft, replace(changed, version=draft.version + 1, updated_at=now))


def reopen(connection: Connection, draft: Draft, content: Content, reason: str, now: datetime) -> Draft:
    """Open a draft again that a machine had discarded."""
    changed = replace(
        draft,
        state=DraftState.OPEN,
        version=draft.version + 1,
        reason=reason,
        updated_at=now,
        closed_at=None,
        reminded_at=None,
        **_parts(draft, content),
    )
    return _saved(connection, draft, changed)


def note(connection: Connection, draft: Draft, reason: str, now: datetime) -> Draft:
    """Say what happened to a draft whose content stays, as its version does."""
    if draft.reason == reason:
        return draft
    return _saved(connection, draft, replace(draft, reason=reason, updated_at=now))


def discard(connection: Connection, draft: Draft, reason: str, now: datetime) -> Draft:
    """Discard a draft."""
    gone = replace(
        draft, state=DraftState.DISCARDED, version=draft.version + 1, reason=reason, updated_at=now, closed_at=now
    )
    return _saved(connection, draft, gone)


def newest_end(connection: Connection, incident_id: str) -> Draft | None:
    """Return the newest draft of a machine that proposes the end of an incident, whatever became of it."""
    found = (draft for state in DraftState for draft in drafts.of_incident(connection, incident_id, state))
    ends = (draft for draft in found if is_suggested(draft) and draft.update.get("status") in _CLOSING)
    return max(ends, key=lambda draft: (draft.created_at, draft.id), default=None)


def is_suggested(draft: Draft) -> bool:
    """Whether a machine made it."""
    return draft.author.startswith("source:")


def _parts(draft: Draft, content: Content) -> dict[str, Any]:
    return {
        "incident": {**content.incident, "id": draft.incident_id},
        "update": {"id": draft.update["id"], **content.update},
        "after": content.after,
        "visible": content.visible,
        "notify": content.notify,
    }


def _saved(connection: Connection, before: Draft, after: Draft) -> Draft:
    drafts.save(connection, after, seen_version=before.version)
    return after
