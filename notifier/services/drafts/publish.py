"""Publish a draft: once, in the version its publisher saw, in the transaction that stores the event."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from notifier.domain.proposals.draft import Draft, DraftState
from notifier.services.drafts.manage import held, refuse_closed, seen
from notifier.services.drafts.parser import DraftParser
from notifier.services.events.ingest import Ingest, Receipt
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.proposals import drafts, signals

Json = Mapping[str, Any]


class FollowUp(Protocol):
    """Proposes what follows from a publication, in its transaction (`notifier.services.signals.proposals`)."""

    def published(self, connection: Connection, incident_id: str, now: datetime) -> None:
        """Propose the end of an incident whose sources have all ended before it was published."""


@dataclass(frozen=True)
class PublishDraft:
    """Turns a draft into an event, as `POST /v1/events` would take it."""

    database: Database
    clock: Clock
    parser: DraftParser
    ingest: Ingest
    follow_up: FollowUp

    def publish(self, draft_id: str, *, seen_version: int, actor: Actor, guarded: bool = False) -> Json:
        """Publish a draft; returns the receipt. Published before: the same receipt, and nothing is done.

        Args:
            draft_id: Which draft.
            seen_version: The version its publisher read.
            actor: Who publishes.
            guarded: They lack the right to announce.

        Raises:
            NotFoundError: There is no such draft.
            VersionConflictError: Somebody has changed it since.
            ConflictError: It was discarded or has expired.
            OutdatedError: Its incident has an update later than the draft's `after`.
            InvalidInputError: It lacks something that an event needs; names every field.
        """
        with self.database.read() as connection:
            draft = seen(connection, draft_id, seen_version)
        if draft.state is DraftState.PUBLISHED and draft.receipt is not None:
            return draft.receipt
        refuse_closed(draft)
        event = replace(self.parser.event_of(draft, self.clock()), guarded=guarded)
        publication = _Publication(draft, actor, self.clock, self.follow_up)
        receipt = self.ingest.take(actor.signed(event), alongside=publication)
        answer = receipt.as_json()
        with self.database.write() as connection:
            drafts.keep_receipt(connection, draft_id, answer)
        return answer


@dataclass(frozen=True)
class _Publication:
    """What happens to the draft in the transaction of its event."""

    draft: Draft
    actor: Actor
    clock: Clock
    follow_up: FollowUp

    def before(self, connection: Connection) -> None:
        """Hold the draft, unchanged since it was read, or published by somebody else in this moment."""
        signals.lock_proposals(connection)
        found = held(connection, self.draft.id, self.draft.version)
        if found.state is not DraftState.PUBLISHED:
            refuse_closed(found)

    def after(self, connection: Connection, receipt: Receipt) -> None:
        """Close the draft. A second publisher of the same version meets the event as a duplicate."""
        now = self.clock()
        stored = held(connection, self.draft.id, self.draft.version)
        if stored.state is DraftState.PUBLISHED:
            return
        published = replace(
            stored, state=DraftState.PUBLISHED, receipt=receipt.as_json(), updated_at=now, closed_at=now
        )
        drafts.save(connection, published, seen_version=stored.version)
        signals.published(connection, stored.id, receipt.incident_id)
        self.follow_up.published(connection, receipt.incident_id, now)
        detail = {"incident_id": receipt.incident_id, "event_id": receipt.event_id, "outcome": receipt.outcome.value}
        record(connection, self.actor, "draft.published", Subject("draft", stored.id), at=now, detail=detail)
