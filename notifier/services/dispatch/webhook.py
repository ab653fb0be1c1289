"""Attempt a batch of webhooks: hundreds of endpoints at once, each with its own outcome."""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from notifier.domain import ids
from notifier.domain.errors import ConfigError, DeliveryError
from notifier.domain.messages.message import HookRequest, HookResult
from notifier.domain.recipients.audience import exposure_of
from notifier.domain.values import Channel, DeliveryState, QueueName, Reason, WebhookFormat
from notifier.rendering.webhook.payloads import content_type
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.outcome_journal import KnownOutcome
from notifier.services.dispatch.record_outcome import RecordOutcome
from notifier.services.dispatch.regroup import Regroup
from notifier.services.dispatch.webhook_outcomes import (
    PROVIDER,
    Posting,
    faulty_result,
    leaves,
    left,
    line,
    override,
    posting_of,
    unsigned_try,
    vanished_try,
)
from notifier.services.endpoints.secret_alerts import look_again
from notifier.services.endpoints.secrets import UNREADABLE, EndpointSecrets, fault_alert_key, secret_alert_key
from notifier.services.isolation import each_alone
from notifier.services.ports import Clock
from notifier.services.webhook_ports import EndpointHealth, HookEngine, HookWording
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import attempts, batches, deliveries, webhook_batches
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.deliveries.webhook_batches import Around, EndpointRow
from notifier.storage.notifications import channel_history
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.operations import alerts

# A request that has no free slot by then is requeued, well within the batch's lease.
_START_WITHIN = 1 / 3  # of the lease
# A slow receiver answers after the task has ended; without an answer by then, the outcome is
# unknown.
_SLOW_LEASE = 2 / 3  # of the batch's own
_BODIES = 64  # cached; a notification has one per format and exposure


@dataclass(eq=False)
class HookAttempt:
    """Post one claimed batch of webhooks."""

    database: Database
    clock: Clock
    wording: HookWording
    engine: HookEngine
    secrets: EndpointSecrets
    health: EndpointHealth
    record: RecordOutcome
    regroup: Regroup
    spread: Callable[[], float] = field(default=random.random)
    lease: timedelta = LEASE
    _bodies: dict[tuple[int, str, int, bool], bytes] = field(default_factory=dict, init=False, repr=False)

    def attempt(self, batch: Batch, stored: StoredNotification) -> None:
        """Post to every endpoint that is ready; record results in groups as they arrive.

        The task ends when only slow receivers are left. Those keep a lease of their own and are
        recorded when they answer, so that one slow partner does not delay updates for others.
        """
        rows, since = self._ready(batch, stored)
        if not rows:
            self.record.nobody_left(batch, ())
            self._unblock_later_updates(batch)
            return
        requests = self._requests(batch, stored, rows, since)
        signed = {request.endpoint_id for request in requests}
        postings = {row.id: posting_of(row, batch) for row in rows if row.id in signed}
        recorded = _Recorded()

        def note(results: Sequence[HookResult]) -> None:
            # Under the lock: `_finish` must not overwrite a late answer with a slow receiver's
            # lease.
            with recorded.lock:
                freed = self._note(batch, results, postings, late=recorded.task_ended)
                recorded.seen.update(result.endpoint_id for result in results)
                late = recorded.task_ended
            if freed and late:
                self.regroup.run()

        start_before = self.clock() + self.lease * _START_WITHIN
        may_start = self.record.life.lasting()
        self.record.ensure_lease(batch)
        self.engine.deliver(
            requests,
            on_results=note,
            retry=batch.queue is QueueName.RETRY,
            wait_for_slow=False,
            start_before=start_before,
            may_start=may_start,
        )
        if self._finish(batch, recorded, postings):
            self.regroup.run()

    def warm(self) -> None:
        """Start the engine: loading the trust store takes as long as a hundred posts."""
        self.engine.open()
        look_again(self.database, self.secrets, self.clock)

    def close(self) -> None:
        """Wait for outstanding answers and stop the engine."""
        self.engine.close()

    def _finish(self, batch: Batch, recorded: "_Recorded", postings: Mapping[int, Posting]) -> int:
        """Close the batch; endpoints that have not answered get a lease of their own.

        Returns the number of later updates that are now unblocked.
        """
        now = self.clock()
        with recorded.lock:
            slow = [key for key in postings if key not in recorded.seen]
            until = now + self.lease * _SLOW_LEASE

            def write(connection: Connection) -> int:
                state, owner = DeliveryState.ACCEPTED, self.record.owner
                if not batches.is_held(connection, batch, owner, lock=True):
                    return 0  # another worker has the batch and posts where nothing is recorded
                batches.finish(connection, batch, owner, state=state, reason=None, now=now, provider=PROVIDER)
                leave = [left(key, DeliveryState.SENDING, None, until) for key in slow]
                deliveries.detach(connection, batch.notification_id, leave, now)
                return webhook_batches.unblock(connection, batch.notification_id, batch.id, now)

            freed = self.record.transaction.run(self.database, write)
            recorded.task_ended = True
        return freed

    def _unblock_later_updates(self, batch: Batch) -> None:
        with self.database.write() as connection:
            freed = webhook_batches.unblock(connection, batch.notification_id, batch.id, self.clock())
        if freed:
            self.regroup.run()

    def _ready(self, batch: Batch, stored: StoredNotification) -> tuple[Sequence[EndpointRow], Mapping[int, int]]:
        """Set aside endpoints that are gone, already have the message, or must be skipped or wait.

        Returns the remaining rows and, per endpoint, the sequence that it already has.
        """
        now = self.clock()
        with self.database.read() as connection:
            rows = webhook_batches.endpoint_rows(connection, batch.id)
            around = webhook_batches.around(connection, stored, batch.id)
            taken = webhook_batches.taken_before(connection, batch.id) if batch.unknown else set()
            since = _since(connection, stored, around)
        kept = [
            DeliveryOverride(recipient_key=key, state=DeliveryState.ACCEPTED, attempts=max(batch.attempts - 1, 1))
            for key in taken
        ]
        not_taken = [row for row in rows if row.id not in taken]
        others, broken = each_alone(not_taken, lambda row: leaves(row, stored, around, now), ConfigError)
        self._put_off(batch, broken, now)
        leave = [*kept, *(item for item in others if item is not None)]
        if leave or batch.unknown:
            replaced = [item.recipient_key for item in leave if item.state is DeliveryState.SUPERSEDED]
            with self.database.write() as connection:
                deliveries.detach(connection, stored.id, leave, now)
                hurried = webhook_batches.hurry(connection, stored.id, replaced, now) if replaced else 0
                if batch.unknown:
                    attempts.add(connection, batch, [vanished_try(batch, now)])
            waiting = [item.recipient_key for item in leave if item.reason is Reason.WAITING_FOR_EARLIER]
            if waiting:
                with self.database.write() as connection:
                    hurried += webhook_batches.unblock_waiting(connection, stored.id, waiting, now)
            if hurried:
                self.regroup.run()
        gone = {item.recipient_key for item in leave} | {row.id for row, _fault in broken}
        return [row for row in rows if row.id not in gone], defaultdict(lambda: batch.since, since)

    def _requests(
        self, batch: Batch, stored: StoredNotification, rows: Sequence[EndpointRow], since: Mapping[int, int]
    ) -> list[HookRequest]:
        """Build the requests; an undecryptable secret or header fails its delivery, and alerts."""
        now = self.clock()
        requests, failed = each_alone(rows, lambda row: self._request(stored, row, since[row.id], now), ConfigError)
        unreadable = [row for row, error in failed if isinstance(error, ConfigError)]
        broken = [(row, error) for row, error in failed if not isinstance(error, ConfigError)]
        if unreadable:
            self.record.transaction.run(self.database, lambda connection: _refuse(connection, batch, unreadable, now))
        self._put_off(batch, broken, now)
        return requests

    def _put_off(self, batch: Batch, broken: Sequence[tuple[EndpointRow, Exception]], now: datetime) -> None:
        """Retry later, and eventually fail, endpoints that hit an internal error; raise alerts."""
        if broken:
            self.record.transaction.run(
                self.database, lambda connection: self._record_faults(connection, batch, broken, now)
            )

    def _record_faults(
        self, connection: Connection, batch: Batch, broken: Sequence[tuple[EndpointRow, Exception]], now: datetime
    ) -> None:
        for row, fault in broken:
            result, number = faulty_result(row, fault, now), posting_of(row, batch).number
            deliveries.detach(connection, batch.notification_id, [override(result, number, now, self.spread)], now)
            attempts.add(connection, batch, [line(result, number)])
            detail = result.error.detail if isinstance(result.error, DeliveryError) else ""
            alerts.raise_(connection, fault_alert_key(row.public_id), Reason.FAULT, detail, now)

    def _request(self, stored: StoredNotification, row: EndpointRow, since: int, now: datetime) -> HookRequest:
        return HookRequest(
            delivery_id=ids.delivery_id(stored.notice.id, row.id),
            endpoint_id=row.id,
            url=row.url,
            body=self._body(stored, row.format, since, again=row.is_replay),
            content_type=content_type(row.format),
            secrets=self.secrets.open(orjson.loads(row.secrets), now),
            headers={} if row.headers == "{}" else self.secrets.open_headers(orjson.loads(row.headers)),
            changed_at=row.changed_at,
        )

    def _body(self, stored: StoredNotification, form: str, since: int, *, again: bool) -> bytes:
        """Return the request body, built once per notification: its content is immutable."""
        key = stored.id, form, since, again
        body = self._bodies.get(key)
        if body is None:
            if len(self._bodies) >= _BODIES:
                self._bodies.clear()
            body = self.wording.webhook_body(stored.notice, WebhookFormat(form), since, is_replay=again)
            self._bodies[key] = body
        return body

    def _note(self, batch: Batch, results: Sequence[HookResult], postings: Mapping[int, Posting], *, late: bool) -> int:
        """Record some results in one transaction; returns the number of later updates unblocked.

        A success on the first attempt adds only an attempt row: it shares the batch's state.
        """
        now = self.clock()

        def write(connection: Connection) -> int:
            heeded = self._heeded(connection, batch, results, late=late)
            overrides = [
                override(result, postings[result.endpoint_id].number, now, self.spread)
                for result in heeded
                if late or result.error is not None or not postings[result.endpoint_id].shares
            ]
            ended = [item.recipient_key for item in overrides if item.state.is_final]
            lines = [line(result, postings[result.endpoint_id].number) for result in heeded]
            deliveries.detach(connection, batch.notification_id, overrides, now)
            attempts.add(connection, batch, lines)
            self.health.note(connection, heeded, now)
            recorded[:] = [(lines, overrides)]
            if late and ended:  # else `_finish` unblocks them all at once
                return webhook_batches.unblock_some(connection, batch.notification_id, ended, now)
            return 0

        recorded: list[tuple[Sequence[AttemptRow], Sequence[DeliveryOverride]]] = []
        freed = self.record.transaction.run(self.database, write, self._known(batch, results, postings, now, late=late))
        self._count(*recorded[0])
        return freed

    def _known(
        self,
        batch: Batch,
        results: Sequence[HookResult],
        postings: Mapping[int, Posting],
        now: datetime,
        *,
        late: bool,
    ) -> KnownOutcome:
        """Return the accepted deliveries: if these were lost, they would be sent again."""
        taken = [(result, postings[result.endpoint_id]) for result in results if result.error is None]
        return KnownOutcome(
            batch=batch,
            owner=self.record.owner,
            at=now,
            tries=[line(result, posting.number) for result, posting in taken],
            overrides=[
                override(result, posting.number, now, self.spread)
                for result, posting in taken
                if late or not posting.shares
            ],
            late=late,
        )

    def _heeded(
        self, connection: Connection, batch: Batch, results: Sequence[HookResult], *, late: bool
    ) -> Sequence[HookResult]:
        """Drop results that another worker took over; keep those that settle an unknown outcome."""
        if late:
            awaited = webhook_batches.awaited(connection, batch.id, [result.endpoint_id for result in results])
            return [result for result in results if result.endpoint_id in awaited]
        if batches.is_held(connection, batch, self.record.owner, lock=True):
            return results
        in_doubt = batches.counts_acceptance(connection, batch, self.record.owner)
        return [result for result in results if result.error is None] if in_doubt else ()

    def _count(self, lines: Sequence[AttemptRow], overrides: Sequence[DeliveryOverride]) -> None:
        metrics_sink = self.record.metrics_sink
        for outcome in {each.outcome for each in lines}:
            seconds = [each.duration_ms / 1000 for each in lines if each.outcome == outcome]
            metrics_sink.attempts(Channel.WEBHOOK, PROVIDER, outcome, seconds)
        apart = Counter(item.state for item in overrides)
        shared = sum(each.outcome == "accepted" for each in lines) - apart[DeliveryState.ACCEPTED]
        for state, number in (apart + Counter({DeliveryState.ACCEPTED: shared})).items():
            if state.is_final:
                metrics_sink.settled(Channel.WEBHOOK, PROVIDER, "", state, number)


@dataclass
class _Recorded:
    """Results recorded so far; shared by the task's thread and the engine's."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: set[int] = field(default_factory=set)
    task_ended: bool = False


def _since(connection: Connection, stored: StoredNotification, around: Around) -> dict[int, int]:
    """Return what endpoints already have where an earlier message, assumed sent, did not arrive."""
    unsure = around.missed | around.queued
    if not unsure:
        return {}
    prior = channel_history.earlier(connection, stored)
    heard, _ = deliveries.prior_notifications(connection, prior, sorted(unsure))
    start = stored.notice.episode_start
    return {key: exposure_of(each, episode_start=start)[1] for key, each in heard.items()}


def _refuse(connection: Connection, batch: Batch, rows: Sequence[EndpointRow], now: datetime) -> None:
    """Fail deliveries that cannot be signed and raise an alert for each endpoint."""
    tries = [unsigned_try(row, batch, now) for row in rows]
    leave = [left(row.id, DeliveryState.FAILED, Reason.SECRET, attempts=row.attempts_made) for row in rows]
    deliveries.detach(connection, batch.notification_id, leave, now)
    attempts.add(connection, batch, tries)
    for row in rows:
        alerts.raise_(connection, secret_alert_key(row.public_id), Reason.SECRET, UNREADABLE, now)
