"""Read signals, and ignore one: a person says that it is no disruption."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notifier.domain.errors import NotFoundError
from notifier.domain.proposals.grouping import IGNORED_BY, SignalChange
from notifier.domain.proposals.signal import Signal, SignalState
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, record
from notifier.services.signals.proposals import Proposals, Proposing
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.proposals import drafts, signals

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Signals:
    """The signals of one installation."""

    database: Database
    clock: Clock
    proposals: Proposals

    def page(
        self,
        *,
        states: Sequence[SignalState],
        source: str | None,
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Json]:
        """Return signals, those that began last first; `before`: (`first_seen_at`, id) of the last one seen."""
        with self.database.read() as connection:
            found = signals.page(connection, states=states, source=source, before=before, limit=limit)
        return [as_json(signal) for signal in found]

    def get(self, signal_id: str) -> Json:
        """Return one signal.

        Raises:
            NotFoundError: There is none.
        """
        with self.database.read() as connection:
            found = signals.find(connection, signal_id)
        if found is None:
            raise NotFoundError("signal", signal_id)
        return as_json(found)

    def ignore(self, signal_id: str, actor: Actor) -> Json:
        """Ignore a signal until it has ended; its draft is discarded unless another signal fires. Twice: as once.

        Raises:
            NotFoundError: There is no such signal.
        """
        now = self.clock()
        with self.database.write() as connection:
            seen = signals.find(connection, signal_id)
            if seen is None:
                raise NotFoundError("signal", signal_id)
            signals.lock_source(connection, seen.source)
            signals.lock_proposals(connection)
            if seen.draft_id is not None:
                drafts.find(connection, seen.draft_id, lock=True)  # before the signal, as who publishes does
            before = signals.find(connection, signal_id, lock=True) or seen
            if IGNORED_BY in before.facts:
                return as_json(before)
            after = _ignored(before, actor)
            signals.save(connection, after)
            self.proposals.follow(connection, SignalChange(before, after), Proposing(), now)
            record(connection, actor, "signal.ignored", Subject("signal", signal_id), at=now)
            return as_json(signals.find(connection, signal_id) or after)


def _ignored(signal: Signal, actor: Actor) -> Signal:
    return replace(
        signal,
        state=SignalState.IGNORED,
        reason=f"ignored by {actor.name}",
        facts={**signal.facts, IGNORED_BY: actor.name},
        changes=signal.changes + 1,
    )


def as_json(signal: Signal) -> Json:
    """Return a signal as the API answers it."""
    return {
        "id": signal.id,
        "source": signal.source,
        "kind": signal.kind,
        "state": signal.state.value,
        "impact": signal.impact.value,
        "components": [
            {"key": key, "status": status.value if status else None} for key, status in signal.components.items()
        ],
        "title": signal.title,
        "detail": signal.detail,
        "link": signal.link,
        "reason": signal.reason,
        "changes": signal.changes,
        "first_seen_at": instant_to_json(signal.first_seen_at),
        "last_seen_at": instant_to_json(signal.last_seen_at),
        "ended_at": instant_to_json(signal.ended_at),
        "draft_id": signal.draft_id,
        "incident_id": signal.incident_id,
    }
