"""Create, read, change and discard drafts. Every change names the version its author saw."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from notifier.domain.errors import ConflictError, FieldError, InvalidInputError, NotFoundError, VersionConflictError
from notifier.domain.ids import new_ulid
from notifier.domain.proposals.draft import Draft, DraftState, merged
from notifier.domain.values import Status
from notifier.services.drafts import propose
from notifier.services.drafts.parser import DraftParser
from notifier.services.drafts.templates import Templates
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, difference, record
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline
from notifier.storage.proposals import drafts, signals

Json = Mapping[str, Any]
_PARTS = ("incident", "update", "notify", "visible", "after")
_BY_HAND = "made by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDraft:
    """What a person begins a draft with: any part of an event, a template, a signal."""

    incident: Json = field(default_factory=dict)
    update: Json = field(default_factory=dict)
    notify: bool = True
    visible: bool = True
    after: str | None = None
    template: str | None = None
    signal_id: str | None = None


@dataclass(frozen=True)
class Drafts:
    """The drafts of one installation."""

    database: Database
    clock: Clock
    parser: DraftParser
    templates: Templates

    def create(self, wanted: NewDraft, actor: Actor) -> Json:
        """Store a new draft, with ids for its incident and its update; returns its JSON.

        Raises:
            InvalidInputError: A part is at fault, or there is no such template or signal.
        """
        now = self.clock()
        with self.database.write() as connection:
            if wanted.signal_id is not None:
                signals.lock_proposals(connection)
            self.parser.check_parts(wanted.incident, wanted.update)
            draft = self._begun(connection, wanted, actor, now)
            self.parser.check_parts(draft.incident, draft.update)
            drafts.add(connection, draft)
            if draft.signal_id is not None:
                _take_over(connection, draft.signal_id, draft, now)
            _note(connection, actor, "draft.created", draft, now)
        return as_json(draft)

    def _begun(self, connection: Connection, wanted: NewDraft, actor: Actor, now: datetime) -> Draft:
        draft_id = f"drf_{new_ulid(now)}"
        known = incident_parts(connection, wanted.incident.get("id"))
        prepared = self.templates.prepared(connection, wanted.template, wanted.signal_id, {**known, **wanted.incident})
        incident = merged(merged({"id": f"inc_{new_ulid(now)}"} | known, prepared.incident), wanted.incident)
        update = merged(merged({"id": f"upd_{new_ulid(now)}"}, prepared.update), wanted.update)
        return Draft(
            id=draft_id,
            version=1,
            state=DraftState.OPEN,
            incident=incident,
            update=update,
            notify=wanted.notify and wanted.visible,
            visible=wanted.visible,
            after=wanted.after,
            event_id=f"draft:{draft_id}",
            source=prepared.source,
            signal_id=wanted.signal_id,
            template_id=wanted.template,
            reason=_BY_HAND,
            author=actor.name,
            edited_by=actor.name,
            created_at=now,
            updated_at=now,
        )

    def get(self, draft_id: str) -> Json:
        """Return one draft.

        Raises:
            NotFoundError: There is none.
        """
        with self.database.read() as connection:
            return as_json(_found(connection, draft_id))

    def page(self, state: DraftState, *, before: tuple[datetime, str] | None, limit: int) -> list[Json]:
        """Return drafts of a state, the newest first; `before`: (`created_at`, id) of the last one seen."""
        with self.database.read() as connection:
            return [as_json(draft) for draft in drafts.page(connection, state, before=before, limit=limit)]

    def change(self, draft_id: str, patch: Json, *, seen_version: int, actor: Actor) -> Json:
        """Merge a patch (RFC 7396) into a draft; returns it with its new version.

        Raises:
            NotFoundError: There is no such draft.
            VersionConflictError: Somebody has changed it since `seen_version`.
            ConflictError: It is not open any more.
            InvalidInputError: The patch, or what it makes of the draft, is at fault.
        """
        now = self.clock()
        with self.database.write() as connection:
            draft = held(connection, draft_id, seen_version)
            refuse_closed(draft)
            parts = merged(_parts(draft), _checked(patch))
            changed = _changed(draft, parts, actor, now)
            self.parser.check_parts(changed.incident, changed.update)
            drafts.save(connection, changed, seen_version=seen_version)
            _note(connection, actor, "draft.changed", changed, now, before=draft)
        return as_json(changed)

    def discard(self, draft_id: str, *, seen_version: int | None, actor: Actor) -> Json:
        """Discard a draft; doing it twice changes nothing.

        Raises:
            NotFoundError: There is no such draft.
            VersionConflictError: Somebody has changed it since `seen_version`, where that is given.
            ConflictError: It was published or has expired.
        """
        now = self.clock()
        with self.database.write() as connection:
            draft = held(connection, draft_id, seen_version)
            if draft.state is DraftState.DISCARDED:
                return as_json(draft)
            refuse_closed(draft)
            gone = replace(
                draft,
                state=DraftState.DISCARDED,
                edited_by=actor.name,
                reason=f"discarded by {actor.name}",
                updated_at=now,
                closed_at=now,
            )
            drafts.save(connection, gone, seen_version=draft.version)
            _note(connection, actor, "draft.discarded", gone, now)
        return as_json(gone)


def _take_over(connection: Connection, signal_id: str, draft: Draft, now: datetime) -> None:
    """Let a signal belong to a person's draft, in the place of one that a machine suggested for it alone."""
    signal = signals.find(connection, signal_id)
    if signal is None or signal.incident_id is not None:
        return
    before = drafts.find(connection, signal.draft_id, lock=True) if signal.draft_id else None
    signals.belong_to(connection, [signal_id], draft.id)
    is_suggestion = before is not None and before.state is DraftState.OPEN and before.edited_by is None
    if before is not None and is_suggestion and not signals.of_draft(connection, before.id):
        propose.discard(connection, before, f"answered by {draft.id}", now)


def held(connection: Connection, draft_id: str, seen_version: int | None) -> Draft:
    """Return a draft that the transaction holds, in the version its author saw. Raises as `seen` does."""
    return seen(connection, draft_id, seen_version, lock=True)


def seen(connection: Connection, draft_id: str, seen_version: int | None, *, lock: bool = False) -> Draft:
    """Return a draft in the version its author saw.

    Raises:
        NotFoundError: There is none.
        VersionConflictError: It has another version by now.
    """
    draft = _found(connection, draft_id, lock=lock)
    if seen_version is not None and draft.version != seen_version:
        raise VersionConflictError("draft", draft_id, draft.version)
    return draft


def refuse_closed(draft: Draft) -> None:
    """Go on only with an open draft.

    Raises:
        ConflictError: It is not open.
    """
    if draft.state is not DraftState.OPEN:
        raise ConflictError(f"draft {draft.id} is {draft.state}, not open")


def as_json(draft: Draft) -> Json:
    """Return a draft as the API answers it."""
    return {
        "id": draft.id,
        "version": draft.version,
        "state": draft.state.value,
        "incident": draft.incident,
        "update": draft.update,
        "notify": draft.notify,
        "visible": draft.visible,
        "after": draft.after,
        "source": draft.source,
        "signal_id": draft.signal_id,
        "template": draft.template_id,
        "reason": draft.reason,
        "author": draft.author,
        "edited_by": draft.edited_by,
        "created_at": instant_to_json(draft.created_at),
        "updated_at": instant_to_json(draft.updated_at),
        "receipt": draft.receipt,
    }


def _found(connection: Connection, draft_id: str, *, lock: bool = False) -> Draft:
    draft = drafts.find(connection, draft_id, lock=lock)
    if draft is None:
        raise NotFoundError("draft", draft_id)
    return draft


def _parts(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in _PARTS}


def _checked(patch: Json) -> Json:
    """Refuse to remove what every draft has; the parser reads `incident` and `update` once they are merged."""
    removed = [name for name in ("incident", "update", "notify", "visible") if patch.get(name, ...) is None]
    removed += [f"{name}.id" for name in ("incident", "update") if (patch.get(name) or {}).get("id", ...) is None]
    if removed:
        raise InvalidInputError([FieldError(name, "cannot be removed") for name in removed])
    return patch


def _changed(draft: Draft, parts: Json, actor: Actor, now: datetime) -> Draft:
    return replace(
        draft,
        version=draft.version + 1,
        incident=parts["incident"],
        update=parts["update"],
        notify=parts["notify"] and parts["visible"],
        visible=parts["visible"],
        after=parts.get("after"),
        edited_by=actor.name,
        updated_at=now,
    )


def incident_parts(connection: Connection, incident_id: object) -> dict[str, Any]:
    """Return what an update to an incident of ours need not repeat; empty for a new incident."""
    row = timeline.get_incident(connection, incident_id) if isinstance(incident_id, str) else None
    if row is None:
        return {}
    window = {name: instant_to_json(getattr(row, name)) for name in ("scheduled_for", "scheduled_until")}
    is_planned = Status(row.status).is_maintenance
    return {
        "id": row.id,
        "title": row.title,
        "impact": row.impact,
        "components": row.components,
        **({"started_at": instant_to_json(row.started_at)} if row.started_at else {}),
        **(window if is_planned else {}),
        "links": row.links,
    }


def _note(
    connection: Connection, actor: Actor, action: str, draft: Draft, now: datetime, *, before: Draft | None = None
) -> None:
    changes = difference(_parts(before), _parts(draft), hidden=frozenset()) if before is not None else {}
    detail = {"incident_id": draft.incident_id, "version": draft.version, **({"changes": changes} if changes else {})}
    record(connection, actor, action, Subject("draft", draft.id), at=now, detail=detail)
