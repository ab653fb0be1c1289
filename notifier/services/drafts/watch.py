"""Watch open drafts: remind the team of those that wait, close those that have expired."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from notifier.domain.messages.team import TeamMessage, TeamSubject
from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.proposals.source_rules import DraftRules
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock
from notifier.services.security.audit import SYSTEM, Subject, record
from notifier.services.team.reminders import TeamReminders
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.proposals import drafts

_AT_ONCE = 200
_EVERY = timedelta(seconds=5)


@dataclass
class WatchDrafts:
    """A chore of the sweep; looks every few seconds. Safe to run twice at once."""

    database: Database
    clock: Clock
    rules: DraftRules
    team: TeamReminders
    console_url: str
    locale: str  # of titles in reminders, where a draft has one in it
    isolate: Isolate = UNGUARDED
    name: str = "drafts"
    _next: datetime | None = field(default=None, repr=False)

    def run(self) -> int:
        """Remind of drafts and expire drafts, if it is time to look; returns how many."""
        now = self.clock()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + _EVERY
        expired = self._opened_before(now, self.rules.expire_after)
        done = sum(self._each(expired, self._expire, now))
        waiting = self._opened_before(now, self.rules.remind_after, unreminded=True)
        return done + sum(self._each(waiting, self._remind, now))

    def _opened_before(self, now: datetime, age: timedelta | None, *, unreminded: bool = False) -> Sequence[Draft]:
        if age is None:
            return ()
        with self.database.read() as connection:
            return drafts.opened_before(connection, now - age, _AT_ONCE, unreminded=unreminded)

    def _each(
        self, found: Sequence[Draft], act: Callable[[Connection, Draft, datetime], None], now: datetime
    ) -> list[int]:
        return [self.isolate.run("draft", draft.id, partial(self._hold, draft, act, now)) or 0 for draft in found]

    def _hold(self, draft: Draft, act: Callable[[Connection, Draft, datetime], None], now: datetime) -> int:
        """Act on a draft that is as it was read; one that somebody works on is looked at again later."""
        with self.database.write() as connection:
            held = drafts.find(connection, draft.id, lock=True)
            if held != draft:
                return 0
            act(connection, draft, now)
        return 1

    def _expire(self, connection: Connection, draft: Draft, now: datetime) -> None:
        expired = replace(
            draft, state=DraftState.EXPIRED, reason="nobody published it in time", updated_at=now, closed_at=now
        )
        drafts.save(connection, expired, seen_version=draft.version)
        detail = {"incident_id": draft.incident_id, "version": draft.version}
        record(connection, SYSTEM, "draft.expired", Subject("draft", draft.id), at=now, detail=detail)

    def _remind(self, connection: Connection, draft: Draft, now: datetime) -> None:
        drafts.save(connection, replace(draft, reminded_at=now), seen_version=draft.version)
        message = TeamMessage(
            about=TeamSubject.DRAFT_WAITING,
            id=draft.id,
            title=self._title(draft),
            url=self.console_url,
            since=draft.created_at,
        )
        self.team.remind(connection, message, now)

    def _title(self, draft: Draft) -> str:
        titles = draft.incident.get("title") or {}
        return str(titles.get(self.locale) or next(iter(titles.values()), draft.id))
