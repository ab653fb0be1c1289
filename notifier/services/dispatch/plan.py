"""Plan a notification: create its batches, one key range at a time.

The first batch can be sent while later ranges are still being planned.
"""

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
from notifier.storage.deliveries import supersede
from notifier.storage.notifications import channel_history, notifications
from notifier.storage.notifications.late_translations import Followers
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.planning import quiet_hours
from notifier.storage.planning import ranges as ranges_rows
from notifier.storage.planning.quiet_hours import QuietSpan
from notifier.storage.planning.ranges import ACCOUNT_PREFERENCE_ID, MAX_KEY, PlannedBatch, PlanRange
from notifier.storage.recipients import preferences

_log = get_logger(__name__)
_LEASE = timedelta(seconds=120)
# Each distinct end of quiet hours gets batches of its own. Recipients beyond this limit are
# deferred when their batch is claimed.
_MOST_SPANS = 300
_LONGEST_BREATH = 0.05  # seconds
BATCH_SIZES: Mapping[Channel, int] = {Channel.EMAIL: 1000, Channel.WEBHOOK: 500, Channel.SOCIAL: 1}


def first_keys(people: int, first: int) -> tuple[int, int]:
    """Return a key interval from 0 with about `first` of `people` subscribers.

    Return all keys if splitting is not worthwhile.
    """
    return (0, MAX_KEY if people <= 2 * first else (MAX_KEY + 1) // people * first - 1)


def further_keys(after: int, people: int, recipients_found: int, size: int, widest: int) -> list[tuple[int, int]]:
    """Split the keys after `after` into intervals of about `size` recipients.

    Args:
        after: Last key of the first interval, which is already planned.
        people: Number of subscribers over all keys; assumed to be spread evenly.
        recipients_found: Number of recipients in the first interval. The others are assumed to have
            the same density. At a low density, short intervals would produce many small batches.
        size: Target number of recipients per interval.
        widest: Upper limit of subscribers in an interval, as a multiple of `size`.
    """
    density = max(recipients_found / (people * ((after + 1) / (MAX_KEY + 1))), 1 / widest)
    left = people * (1 - (after + 1) / (MAX_KEY + 1))
    pieces = max(1, math.ceil(left * min(density, 1.0) / size))
    width = -(-(MAX_KEY - after) // pieces)
    starts = [*range(after + 1, MAX_KEY + 1, width), MAX_KEY + 1]
    return [(low, high - 1) for low, high in pairwise(starts)]


@dataclass(frozen=True)
class Plan:
    """Plan one notification's audience.

    Safe to call repeatedly and from many workers: each range is planned once.
    """

    database: Database
    clock: Clock
    tasks: TaskQueue
    first_range: int = 1_000
    range_size: int = 20_000
    row_range_size: int = 2_000  # endpoints: posting to them takes much longer than planning more
    batch_sizes: Mapping[Channel, int] = field(default_factory=lambda: BATCH_SIZES)
    widest: int = 5
    yield_to_high_priority: YieldToHighPriority | None = None
    breathe: Callable[[float], object] = time.sleep
    isolate: Isolate = UNGUARDED

    def is_low_priority(self, notification_id: int) -> bool:
        """Whether a notification is in a queue that yields to first attempts."""
        with self.database.read() as connection:
            queue = notifications.queue_of(connection, notification_id)
        return queue is not None and queue.is_low_priority

    def run(self, notification_id: int) -> int:
        """Plan the rest of a notification, after earlier ones of its incident.

        Returns the number of deliveries planned.
        """
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
                return planned  # another worker has the rest; the sweep makes sure it finishes

    def _plan_whole(self, notification_id: int) -> tuple[bool, int]:
        with self.database.read() as connection:
            stored = notifications.get(connection, notification_id)
        return (False, 0) if stored is None else self._plan(stored)

    def _give_up(self, notification_id: int, connection: Connection) -> None:
        """Cancel the notification, so that later ones can be sent: they include its content."""
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
                # Processes waiting for SQLite's single write lock poll for it. Without a pause they
                # would always find it taken, and the first mail would be sent after the last range.
                self.breathe(min(time.perf_counter() - began, _LONGEST_BREATH))
        if planned:
            _log.info("notification_planned", deliveries=planned)
        return self._finish(stored), planned

    def _prepare(self, stored: StoredNotification) -> None:
        """Evaluate each distinct set of preferences once and create the key ranges.

        For email, create the first range only.
        """
        with self.database.write() as connection:
            if ranges_rows.has_ranges(connection, stored.id):
                return
            # Batches planned during the decision were not visible to it. Supersede them now: from
            # here on nothing older is sent.
            incident_id, sequence = stored.notice.incident.id, stored.notice.sequence
            if stored.follows is None:
                supersede.supersede_older(connection, incident_id, stored.channel, sequence, self.clock())
            self._judge(connection, stored, self._audience_context(connection, stored))
            if stored.channel is Channel.EMAIL:
                people = ranges_rows.highest_subscriber_id(connection)
                keys = [first_keys(people, self.first_range)]
            else:
                keys = self._row_ranges(ranges_rows.recipient_bounds(connection, stored.channel))
            _add_ranges(connection, stored, keys)

    @staticmethod
    def _audience_context(connection: Connection, stored: StoredNotification) -> AudienceContext:
        return context_of(stored, channel_history.scopes_of_episode(connection, stored))

    def _judge(self, connection: Connection, stored: StoredNotification, context: AudienceContext) -> None:
        """Apply the audience rule to sets without a verdict.

        Subscribers may change their preferences during planning, which adds sets.
        """
        unjudged = self._preference_sets(stored.channel, ranges_rows.unjudged_sets(connection, stored.id))
        exposures = {
            number: [exposure for exposure in Exposure if is_notified(choice, exposure, context)]
            for number, choice in unjudged
        }
        ranges_rows.add_verdicts(connection, stored.id, exposures)

    def _row_ranges(self, highest: int) -> list[tuple[int, int]]:
        """Split row numbers into ranges, with a small first one.

        The last range is open-ended, to include rows added later.
        """
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
            newest = channel_history.newest_sequence(connection, stored.notice.incident.id, stored.channel)
            # Webhooks get every update, in order; the other channels only the newest.
            superseded = newest > stored.notice.sequence and stored.channel is not Channel.WEBHOOK
            batches = ranges_rows.plan_range(
                connection,
                item,
                channel=stored.channel,
                incident_id=stored.notice.incident.id,
                prior=() if stored.follows else channel_history.earlier(connection, stored),
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
        """Create the remaining ranges of a mail, sized by the result of its first range.

        Runs in the same transaction as the first range, so that no recipient is skipped. The
        ranges of webhook and social notifications already exist.
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
    """Return the quiet spans, by time zone and quiet hours, active now in a range of addresses."""
    if context.channel is not Channel.EMAIL or passes_quiet_hours(context):
        return ()
    spans = [
        (zone, hours, until)
        for zone, hours in quiet_hours.quiet_spans(connection, item.key_from, item.key_to)
        if (until := quiet_until(hours, zone, now)) is not None
    ]
    return spans[:_MOST_SPANS]
