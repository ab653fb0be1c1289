"""Plan: from one decision to everyone it concerns, range by range: the first mail leaves while the last is planned."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from notifier.domain.recipients.audience import AudienceContext, Exposure, Preferences, is_notified
from notifier.domain.recipients.do_not_disturb import passes_quiet_hours, quiet_until
from notifier.domain.values import Channel
from notifier.observability import get_logger
from notifier.services.dispatch.audience_context import context_of
from notifier.services.dispatch.yield_to_high_priority import YieldToHighPriority
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.log_context import bind_log
from notifier.services.ports import Clock, TaskQueue
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.notifications import notifications
from notifier.storage.notifications.late_translations import Followers
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.planning import quiet_hours
from notifier.storage.planning import ranges as ranges_rows
from notifier.storage.planning.quiet_hours import QuietSpan
from notifier.storage.planning.ranges import ACCOUNT_PREFERENCE_ID, MAX_KEY, PlannedBatch, PlanRange
from notifier.storage.recipients import preferences

_log = get_logger(__name__)
_LEASE = timedelta(seconds=120)
# Each end of quiet hours makes batches of its own; who is left over is held when their batch is about to leave.
_MOST_SPANS = 300
_LONGEST_BREATH = 0.05  # seconds
BATCH_SIZES: Mapping[Channel, int] = {Channel.EMAIL: 1000, Channel.WEBHOOK: 500, Channel.SOCIAL: 1}


def first_keys(people: int, first: int) -> tuple[int, int]:
    """Return the interval of keys from 0 that holds about `first` of `people`; all keys where it is hardly worth it."""
    return (0, MAX_KEY if people <= 2 * first else (MAX_KEY + 1) // people * first - 1)


def further_keys(after: int, people: int, recipients_found: int, size: int, widest: int) -> list[tuple[int, int]]:
    """Cut the keys beyond `after` into intervals of about `size` recipients.

    Args:
        after: Last key of the first interval, which is planned.
        people: How many people all keys hold: they are spread evenly.
        recipients_found: How many of the first interval's people are recipients; the others are taken to be like
            them. With few of them, short intervals would be made into many small batches.
        size: Recipients wanted in one interval.
        widest: How many times as many people one interval may hold at most.
    """
    density = max(recipients_found / (people * ((after + 1) / (MAX_KEY + 1))), 1 / widest)
    left = people * (1 - (after + 1) / (MAX_KEY + 1))
    pieces = max(1, math.ceil(left * min(density, 1.0) / size))
    width = -(-(MAX_KEY - after) // pieces)
    starts = [*range(after + 1, MAX_KEY + 1, width), MAX_KEY + 1]
    return [(low, high - 1) for low, high in pairwise(starts)]


@dataclass(frozen=True)
class Plan:
    """Plan one notification's audience. Safe to call often and from many workers: a range is planned once."""

    database: Database
    clock: Clock
    tasks: TaskQueue
    first_range: int = 1_000
    range_size: int = 20_000
    row_range_size: int = 2_000  # of endpoints: to post to so many takes much longer than to plan the next
    batch_sizes: Mapping[Channel, int] = field(default_factory=lambda: BATCH_SIZES)
    widest: int = 5
    yield_to_high_priority: YieldToHighPriority | None = None
    breathe: Callable[[float], object] = time.sleep
    isolate: Isolate = UNGUARDED

    def is_low_priority(self, notification_id: int) -> bool:
        """Whether a notification belongs to the lane that lets fresh news pass."""
        with self.database.read() as connection:
            queue = notifications.queue_of(connection, notification_id)
        return queue is not None and queue.is_low_priority

    def run(self, notification_id: int) -> int:
        """Plan what is left of a notification, earlier ones of its incident first; returns deliveries planned."""
        planned = 0
        while True:
            with self.database.read() as connection:
                target = notifications.first_unplanned(connection, notification_id)
            if target is None:
                return planned
            work, given_up = partial(self._plan_whole, target), partial(self._give_up, target)
            done, number = self.isolate.run("plan", str(target), work, given_up) or (False, 0)
            planned += number
            if not done:
                return planned  # somebody else holds the rest; the sweep sees that it ends

    def _plan_whole(self, notification_id: int) -> tuple[bool, int]:
        with self.database.read() as connection:
            stored = notifications.get(connection, notification_id)
        return (False, 0) if stored is None else self._plan(stored)

    def _give_up(self, notification_id: int, connection: Connection) -> None:
        """Let the incident's later messages go: they tell it too."""
        notifications.set_state(connection, notification_id, "canceled", self.clock())

    def _plan(self, stored: StoredNotification) -> tuple[bool, int]:
        bind_log(stored)
        self._prepare(stored)
        planned = 0
        while True:
            if self.yield_to_high_priority is not None:
                self.yield_to_high_priority.wait()
            began = time.perf_counter()
            batches = self._plan_one(stored)
            if batches is None:
                break
            planned += sum(batch.size for batch in batches)
            queued = [batch.id for batch in batches if batch.queued]
            if queued:
                self.tasks.attempt(batches[0].queue, queued)
            if self.database.is_sqlite:
                # Whoever waits for SQLite's one writer asks again now and then: without a gap they would find it taken
                # each time, and the first mail would leave when the last is planned.
                self.breathe(min(time.perf_counter() - began, _LONGEST_BREATH))
        if planned:
            _log.info("notification_planned", deliveries=planned)
        return self._finish(stored), planned

    def _prepare(self, stored: StoredNotification) -> None:
        """Judge every distinct set of preferences once, and cut the audience into ranges: of a mail, the first one."""
        with self.database.write() as connection:
            if ranges_rows.has_ranges(connection, stored.id):
                return
            # What was planned while this one was decided could not be seen then. From here on nothing older leaves.
            incident_id, sequence = stored.notice.incident.id, stored.notice.sequence
            if stored.follows is None:
                notifications.supersede_older(connection, incident_id, stored.channel, sequence, self.clock())
            self._judge(connection, stored, self._audience_context(connection, stored))
            if stored.channel is Channel.EMAIL:
                people = ranges_rows.highest_subscriber_id(connection)
                keys = [first_keys(people, self.first_range)]
            else:
                keys = self._row_ranges(ranges_rows.recipient_bounds(connection, stored.channel))
            _add_ranges(connection, stored, keys)

    @staticmethod
    def _audience_context(connection: Connection, stored: StoredNotification) -> AudienceContext:
        return context_of(stored, notifications.scopes_of_episode(connection, stored))

    def _judge(self, connection: Connection, stored: StoredNotification, context: AudienceContext) -> None:
        """Ask the rule about the sets it was not asked about yet: people change theirs while others are planned."""
        unjudged = self._preference_sets(stored.channel, ranges_rows.unjudged_sets(connection, stored.id))
        exposures = {
            number: [exposure for exposure in Exposure if is_notified(choice, exposure, context)]
            for number, choice in unjudged
        }
        ranges_rows.add_verdicts(connection, stored.id, exposures)

    def _row_ranges(self, highest: int) -> list[tuple[int, int]]:
        """Cut row numbers, the first range a small one; the last is open at its end, for rows added meanwhile."""
        starts = [0, *range(self.first_range, highest + 1, self.row_range_size)]
        ends = [start - 1 for start in starts[1:]] + [MAX_KEY]
        return list(zip(starts, ends, strict=True))

    @staticmethod
    def _preference_sets(channel: Channel, stored: Sequence[tuple[int, str]]) -> Sequence[tuple[int, Preferences]]:
        if channel is Channel.SOCIAL:
            return [(ACCOUNT_PREFERENCE_ID, Preferences(channels=frozenset({Channel.SOCIAL})))]
        return [(number, preferences.parse(canonical)) for number, canonical in stored]

    def _plan_one(self, stored: StoredNotification) -> list[PlannedBatch] | None:
        now = self.clock()
        with self.database.write() as connection:
            item = ranges_rows.claim_range(connection, stored.id, now=now, lease=_LEASE)
            if item is None:
                return None
            context = self._audience_context(connection, stored)
            self._judge(connection, stored, context)
            newest = notifications.newest_sequence(connection, stored.notice.incident.id, stored.channel)
            # Partners get every update, in order; the others only what is still the newest.
            superseded = newest > stored.notice.sequence and stored.channel is not Channel.WEBHOOK
            batches = ranges_rows.plan_range(
                connection,
                item,
                channel=stored.channel,
                incident_id=stored.notice.incident.id,
                prior=() if stored.follows else notifications.earlier(connection, stored),
                episode_start=stored.notice.episode_start,
                queue=stored.queue,
                batch_size=self.batch_sizes[stored.channel],
                superseded=superseded,
                quiet=() if superseded else _quiet_now(connection, item, context, now),
                now=now,
                followers=Followers(stored.follows) if stored.follows else None,
            )
            if ranges_rows.finish_range(connection, item) and item.number == 0 and item.key_to < MAX_KEY:
                self._cut_rest(connection, stored, item, batches)
        return batches

    def _cut_rest(
        self, connection: Connection, stored: StoredNotification, first: PlanRange, batches: Sequence[PlannedBatch]
    ) -> None:
        """Cut what follows a mail's first range by what that one came to, in the same transaction: nobody is left out.

        Row numbers (webhook, social) are cut at once: there are few.
        """
        if stored.channel is not Channel.EMAIL:
            return
        people, recipients_found = ranges_rows.highest_subscriber_id(connection), sum(batch.size for batch in batches)
        keys = further_keys(first.key_to, people, recipients_found, self.range_size, self.widest)
        _add_ranges(connection, stored, keys, start=1)

    def _finish(self, stored: StoredNotification) -> bool:
        with self.database.write() as connection:
            if ranges_rows.open_ranges(connection, stored.id):
                return False
            notifications.set_state(connection, stored.id, "planned", self.clock())
        return True


def _add_ranges(
    connection: Connection, stored: StoredNotification, keys: Sequence[tuple[int, int]], *, start: int = 0
) -> None:
    ranges = [
        PlanRange(notification_id=stored.id, number=number, key_from=low, key_to=high)
        for number, (low, high) in enumerate(keys, start)
    ]
    ranges_rows.add_ranges(connection, ranges)


def _quiet_now(connection: Connection, item: PlanRange, context: AudienceContext, now: datetime) -> Sequence[QuietSpan]:
    """Return whose night it is, by time zone and quiet hours, in a range of addresses."""
    if context.channel is not Channel.EMAIL or passes_quiet_hours(context):
        return ()
    spans = [
        (zone, hours, until)
        for zone, hours in quiet_hours.quiet_spans(connection, item.key_from, item.key_to)
        if (until := quiet_until(hours, zone, now)) is not None
    ]
    return spans[:_MOST_SPANS]
