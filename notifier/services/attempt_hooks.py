"""Attempt a batch of webhooks: hundreds of endpoints at once, each with an outcome of its own."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection

from notifier.channels.webhook import NotAttemptedError
from notifier.domain import ids
from notifier.domain.errors import DeliveryError, PermanentDeliveryError
from notifier.domain.message import HookRequest, HookResult
from notifier.domain.notice import Notice, webhook_type
from notifier.domain.retry import GiveUp, after_failure
from notifier.domain.values import Channel, DeliveryState, Lane, Reason, WebhookFormat
from notifier.rendering.payloads import content_type
from notifier.services.attempt import LEASE
from notifier.services.endpoint_secrets import EndpointSecrets
from notifier.services.outcomes import Record
from notifier.services.ports import Clock
from notifier.storage import batches, deliveries
from notifier.storage.batches import AttemptRow, Batch
from notifier.storage.deliveries import Departure
from notifier.storage.engine import Database
from notifier.storage.notifications import StoredNotification

# What waits for an earlier update is looked at again this often, should the word that it may go be lost.
_WAIT_FOR_EARLIER = timedelta(seconds=10)
# A request that found no free slot by then goes back to the queue, well within the batch's lease.
_START_WITHIN = 1 / 3  # of the lease
_NOT_STARTED_WAIT = timedelta(seconds=1)
# A slow receiver's answer comes after the task has ended; without one by then the outcome is unknown.
_SLOW_LEASE = 2 / 3  # of the batch's own
PROVIDER = "webhook"


class HookEngine(Protocol):
    """Posts many webhooks at once (`channels/webhook`)."""

    def deliver(
        self,
        requests: Sequence[HookRequest],
        *,
        on_results: Callable[[Sequence[HookResult]], None] | None = None,
        retry: bool = False,
        wait_for_slow: bool = True,
        start_before: datetime | None = None,
    ) -> list[HookResult]:
        """Post all; blocks until every request but the slow ones has its result."""

    def close(self) -> None:
        """End the engine."""


class HookWording(Protocol):
    """Builds payloads."""

    def webhook_body(self, notice: Notice, format_: WebhookFormat, since: int, *, is_replay: bool = False) -> bytes:
        """Return the bytes to post."""


class EndpointHealth(Protocol):
    """Keeps count of an endpoint's successes and failures."""

    def note(self, connection: Connection, results: Sequence[HookResult], now: datetime) -> None:
        """Take the outcomes of attempts into the endpoints' health."""


@dataclass(frozen=True)
class HookAttempt:
    """Post one batch of webhooks whose lease is ours."""

    database: Database
    clock: Clock
    wording: HookWording
    engine: HookEngine
    secrets: EndpointSecrets
    health: EndpointHealth
    record: Record
    gather: Callable[[], int]
    spread: Callable[[], float] = field(default=random.random)
    lease: timedelta = LEASE

    def __call__(self, batch: Batch, stored: StoredNotification) -> None:
        """Post to every endpoint that may hear now; results are recorded in groups as they come in.

        The task ends when only slow receivers are left: those keep a lease of their own and are recorded when they
        answer, so that one partner's bad day does not hold up the others' next update.
        """
        rows = self._ready(batch, stored)
        if not rows:
            self.record.nobody_left(batch, ())
            return
        attempts = {row.id: row.attempts_made + 1 for row in rows}
        noted = _Noted()

        def note(results: Sequence[HookResult]) -> None:
            # One at a time: a late answer must not be overwritten by the lease that `_finish` gives to slow receivers.
            with noted.lock:
                freed = self._note(batch, results, attempts)
                noted.seen.update(result.endpoint_id for result in results)
                noted.freed += freed
                late = noted.task_ended
            if freed and late:
                self.gather()

        self.engine.deliver(
            self._requests(batch, stored, rows),
            on_results=note,
            retry=batch.lane is Lane.RETRY,
            wait_for_slow=False,
            start_before=self.clock() + self.lease * _START_WITHIN,
        )
        self._finish(batch, noted, attempts)
        if noted.freed:
            self.gather()

    def close(self) -> None:
        """Wait for the answers of what was posted, and end the engine."""
        self.engine.close()

    def _finish(self, batch: Batch, noted: "_Noted", attempts: Mapping[int, int]) -> None:
        """Close the batch; whoever has not answered yet departs with a lease of their own."""
        now = self.clock()
        with noted.lock:
            slow = [key for key in attempts if key not in noted.seen]
            left = [_left(key, DeliveryState.SENDING, None, now + self.lease * _SLOW_LEASE) for key in slow]
            with self.database.write() as connection:
                deliveries.depart(connection, batch.notification_id, left, now)
                batches.finish(
                    connection,
                    batch,
                    self.record.owner,
                    state=DeliveryState.ACCEPTED,
                    reason=None,
                    now=now,
                    provider=PROVIDER,
                )
            noted.task_ended = True

    def _ready(self, batch: Batch, stored: StoredNotification) -> Sequence[Any]:
        """Leave out endpoints that are gone, and those that still wait for an earlier update of this incident."""
        now = self.clock()
        with self.database.write() as connection:
            rows = deliveries.endpoint_rows(connection, batch.id)
            ordered = [row.id for row in rows if row.mode == "every"]
            waiting = deliveries.blocked_by_earlier(connection, batch.notification_id, ordered)
            newest = batches.is_newest(connection, batch.notification_id)
            leave = []
            for row in rows:
                if row.state != "active":
                    leave.append(_left(row.id, DeliveryState.CANCELED, Reason.ENDPOINT_DISABLED))
                elif row.types and webhook_type(stored.notice) not in row.types:
                    leave.append(_left(row.id, DeliveryState.CANCELED, None))
                elif row.mode == "latest" and not newest:
                    leave.append(_left(row.id, DeliveryState.SUPERSEDED, Reason.NEWER_UPDATE))
                elif row.id in waiting:
                    later = now + _WAIT_FOR_EARLIER
                    leave.append(_left(row.id, DeliveryState.QUEUED, Reason.WAITING_FOR_EARLIER, later))
            deliveries.depart(connection, stored.id, leave, now)
        gone = {item.recipient_key for item in leave}
        return [row for row in rows if row.id not in gone]

    def _requests(self, batch: Batch, stored: StoredNotification, rows: Sequence[Any]) -> list[HookRequest]:
        now = self.clock()
        bodies: dict[tuple[str, bool], bytes] = {}
        requests = []
        for row in rows:
            variant = row.format, bool(row.is_replay)
            if variant not in bodies:
                bodies[variant] = self.wording.webhook_body(
                    stored.notice, WebhookFormat(row.format), batch.since, is_replay=variant[1]
                )
            requests.append(
                HookRequest(
                    delivery_id=ids.delivery_id(stored.notice.id, row.id),
                    endpoint_id=row.id,
                    url=row.url,
                    body=bodies[variant],
                    content_type=content_type(WebhookFormat(row.format)),
                    secrets=self.secrets(row.secrets, now),
                    headers=self.secrets.open_headers(row.headers),
                )
            )
        return requests

    def _note(self, batch: Batch, results: Sequence[HookResult], attempts: Mapping[int, int]) -> int:
        """Record some results in one transaction; returns how many later updates may go now."""
        now = self.clock()
        departures = [self._departure(result, attempts[result.endpoint_id], now) for result in results]
        ended = [item.recipient_key for item in departures if item.state.is_final]
        with self.database.write() as connection:
            deliveries.depart(connection, batch.notification_id, departures, now)
            batches.add_attempts(connection, batch, [_line(item, attempts[item.endpoint_id]) for item in results])
            self.health.note(connection, results, now)
            return deliveries.unblock(connection, batch.notification_id, ended, now) if ended else 0

    def _departure(self, result: HookResult, attempts: int, now: datetime) -> Departure:
        if result.error is None:
            return Departure(recipient_key=result.endpoint_id, state=DeliveryState.ACCEPTED, attempts=attempts)
        error = result.error
        if not isinstance(error, DeliveryError):
            raise error
        if isinstance(error, NotAttemptedError):  # nothing was sent, so nothing was used up
            wait = error.retry_after or _NOT_STARTED_WAIT
            return Departure(
                recipient_key=result.endpoint_id,
                state=DeliveryState.QUEUED,
                reason=error.reason,
                due_at=now + wait,
                attempts=attempts - 1,
            )
        follows = after_failure(Channel.WEBHOOK, attempts, error, spread=self.spread())
        if isinstance(follows, GiveUp):
            gone = isinstance(error, PermanentDeliveryError)
            reason = error.reason if gone else Reason.GAVE_UP
            return Departure(
                recipient_key=result.endpoint_id, state=DeliveryState.FAILED, reason=reason, attempts=attempts
            )
        return Departure(
            recipient_key=result.endpoint_id,
            state=DeliveryState.QUEUED,
            reason=error.reason,
            due_at=now + follows.wait,
            attempts=attempts,
        )


@dataclass
class _Noted:
    """Which results were recorded; shared by the task's thread and the engine's."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: set[int] = field(default_factory=set)
    freed: int = 0
    task_ended: bool = False


def _left(key: int, state: DeliveryState, reason: Reason | None, due_at: datetime | None = None) -> Departure:
    return Departure(recipient_key=key, state=state, reason=reason, due_at=due_at)


def _line(result: HookResult, number: int) -> AttemptRow:
    error = result.error if isinstance(result.error, DeliveryError) else None
    outcome = "accepted" if error is None else ("failed" if isinstance(error, PermanentDeliveryError) else "retry")
    return AttemptRow(
        recipient_key=result.endpoint_id,
        number=number,
        started_at=result.started_at,
        duration_ms=result.duration_ms,
        outcome=outcome,
        reason=error.reason if error else None,
        status=result.status,
        detail=error.detail if error and error.detail else result.excerpt,
        provider=PROVIDER,
    )
