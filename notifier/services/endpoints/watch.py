"""Watch failing endpoints: warn their owners, then disable them, then probe for recovery."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from notifier.domain.messages.transactional_mail import NewTransactionalMail, TransactionalKind
from notifier.domain.recipients.endpoint_health import (
    FailureRecord,
    HealthAction,
    HealthPolicy,
    next_action,
    next_probe,
)
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.ports import Clock, ProbeQueue
from notifier.services.security.audit import SYSTEM, Subject, record
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import endpoint_health, transactional_mail

_EVERY = timedelta(minutes=1)
_AT_ONCE = 500
_KEPT = timedelta(days=3)  # after a longer provider outage the mail would be pointless
_KINDS = {
    HealthAction.WARN: TransactionalKind.ENDPOINT_WARNING,
    HealthAction.DISABLE: TransactionalKind.ENDPOINT_DISABLED,
}
_NO_SUBSCRIBER = 0  # address key of mails that are about no subscription


Notify = Callable[[Connection, AnyRow, HealthAction, datetime], None]


def write_mail(connection: Connection, row: AnyRow, verdict: HealthAction, now: datetime) -> None:
    """Write a mail to an endpoint's owner to the outbox (see `services/mail/transactional.py`)."""
    mail = NewTransactionalMail(
        kind=_KINDS[verdict], subject_id=row.id, address_key=_NO_SUBSCRIBER, expires_at=now + _KEPT
    )
    transactional_mail.add(connection, mail, now)


@dataclass(eq=False)
class WatchEndpoints:
    """A chore of the sweep that checks failing endpoints once a minute.

    `notify` writes a mail to an endpoint's owner in the same transaction. Workers probe disabled
    endpoints.
    """

    database: Database
    clock: Clock
    notify: Notify
    tasks: ProbeQueue
    policy: HealthPolicy = field(default_factory=HealthPolicy)
    isolate: Isolate = UNGUARDED
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _last: datetime | None = field(default=None, init=False, repr=False)

    name = "endpoints"

    def run(self) -> int:
        """Check, if due; returns how many endpoints were acted on."""
        now = self.clock()
        with self._lock:
            if self._last is not None and now - self._last < _EVERY:
                return 0
            self._last = now
        return self._judge_failing(now) + self._probe_disabled(now)

    def _judge_failing(self, now: datetime) -> int:
        with self.database.read() as connection:
            rows = endpoint_health.failing(connection, now - self.policy.warn_after, _AT_ONCE)
        verdicts = [(row, next_action(_record(row), now, self.policy)) for row in rows]
        acted = [(row, verdict) for row, verdict in verdicts if verdict is not HealthAction.KEEP]
        for row, verdict in acted:
            self.isolate.run("endpoint", row.public_id, partial(self._act_alone, row, verdict, now))
        return len(acted)

    def _act_alone(self, row: AnyRow, verdict: HealthAction, now: datetime) -> None:
        with self.database.write() as connection:
            self._act(connection, row, verdict, now)

    def _act(self, connection: Connection, row: AnyRow, verdict: HealthAction, now: datetime) -> None:
        if verdict is HealthAction.WARN:
            endpoint_health.warned(connection, row.id, now)
        elif not endpoint_health.disable(connection, row.id, probe_at=next_probe(0, now), now=now):
            return
        action = "endpoint.warned" if verdict is HealthAction.WARN else "endpoint.disabled"
        record(
            connection,
            SYSTEM,
            action,
            Subject("endpoint", row.public_id),
            at=now,
            detail={"reason": endpoint_health.FAILED_FOR_DAYS},
        )
        if row.owner_email:
            self.notify(connection, row, verdict, now)

    def _probe_disabled(self, now: datetime) -> int:
        with self.database.read() as connection:
            due = endpoint_health.probes_due(connection, now, _AT_ONCE)
        for endpoint_id in due:
            self.tasks.probe(endpoint_id)
        return len(due)


def _record(row: AnyRow) -> FailureRecord:
    return FailureRecord(failing_since=row.failing_since, last_failure_at=row.last_failure_at, warned_at=row.warned_at)
