"""The pipeline under test: ingest, announce, plan, sweep on a real database, step by step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from notifier.domain.ids import address_key
from notifier.domain.incidents.coalesce_values import CoalescePolicy
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update, Window
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, DeliveryState, Impact, QueueName, Status
from notifier.services.dispatch.plan import Plan
from notifier.services.dispatch.regroup import Regroup
from notifier.services.events.announce import Announce
from notifier.services.events.ingest import Ingest, Receipt
from notifier.services.inspection.explain import Explain
from notifier.services.operations.sweep import Sweep
from notifier.services.security.address_hash import AddressHasher
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries
from notifier.storage.notifications import notifications
from notifier.storage.recipients import preferences

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLANNED = Window(START + timedelta(days=1), START + timedelta(days=1, hours=2))
PEPPER = b"pepper of the tests"
POLICIES: Mapping[Channel, CoalescePolicy] = {
    Channel.EMAIL: CoalescePolicy(),
    Channel.SOCIAL: CoalescePolicy(),
    Channel.WEBHOOK: CoalescePolicy(window=0),
}


def key_of(name: str) -> int:
    """Return the address key of a subscriber added by `Pipeline.subscriber` without address."""
    return address_key(PEPPER, f"{name}@example.com")


class RecordingTaskQueue:
    """A task queue that records its tasks and sends nothing."""

    def __init__(self) -> None:
        self.plans: list[int] = []
        self.attempts: list[tuple[QueueName, int]] = []

    def plan(self, notification_id: int) -> None:
        self.plans.append(notification_id)

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        self.attempts += [(queue, batch_id) for batch_id in batch_ids]

    def depth(self, queue: QueueName) -> int:
        del queue
        return 0


@dataclass
class Pipeline:
    """The pipeline on one database; only the test advances `now`."""

    database: Database
    now: datetime = START
    tasks: Any = field(default_factory=RecordingTaskQueue)
    policies: Mapping[Channel, CoalescePolicy] = field(default_factory=lambda: POLICIES)
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)

    time: Callable[[], datetime] | None = None  # instead of `now`

    def __post_init__(self) -> None:
        clock = self.clock = self.time or (lambda: self.now)
        self.ingest = Ingest(self.database, self.policies, clock, self.tasks, self.translations)
        self.announce = Announce(self.database, self.policies, clock, self.tasks)
        self.plan = Plan(self.database, clock, self.tasks, breathe=lambda _seconds: None)
        self.regroup = Regroup(self.database, clock, self.tasks)
        self.sweep = Sweep(self.database, clock, self.tasks, self.announce, self.regroup)
        self.explain = Explain(self.database, clock, AddressHasher(self.database))
        self._events = 0

    def seconds(self) -> float:
        """Return the same instant in seconds."""
        return self.now.timestamp()

    def subscriber(
        self, name: str, preferences_: Preferences | None = None, *, email: str | None = None, **columns: Any
    ) -> int:
        """Add an active subscriber; returns its key."""
        address = email or f"{name}@example.com"
        with self.database.write() as connection:
            number = preferences.ensure(connection, preferences_ or Preferences())
            row = {
                "external_id": name,
                "kind": "merchant",
                "email": address,
                "address_key": address_key(PEPPER, address),
                "name": name,
                "locale": "en",
                "timezone": "Europe/Amsterdam",
                "state": "active",
                "preference_id": number,
                "legal_basis": "test",
                "created_at": self.now,
                "updated_at": self.now,
            }
            statement = t.subscriber.insert().values(row | columns).returning(t.subscriber.c.id)
            return int(connection.execute(statement).scalar_one())

    def post(self, status: Status, text: str | Mapping[str, str] | None = None, **changes: Any) -> Receipt:
        """Ingest an event of the incident `inc-1`, by default posted now."""
        self._events += 1
        number = self._events
        window = changes.get("window", PLANNED if status.is_maintenance else None)
        incident = Incident(
            id=changes.get("incident_id", "inc-1"),
            title={"en": changes.get("title", "Payments are slow")},
            impact=changes.get("impact", Impact.MAJOR),
            components=tuple(AffectedComponent(key=key) for key in changes.get("components", ("checkout",))),
            started_at=START,
            scheduled_for=window.start if window else None,
            scheduled_until=window.end if window else None,
        )
        event = Event(
            id=changes.get("event_id", f"evt-{number}"),
            incident=incident,
            update=Update(
                id=changes.get("update_id", f"upd-{number}"),
                status=status,
                body=text if isinstance(text, Mapping) else {"en": text or f"Update number {number}."},
                posted_at=changes.get("posted_at", self.now),
            ),
            notify=changes.get("notify", True),
            visible=changes.get("visible", True),
            automatic=changes.get("automatic", False),
            guarded=changes.get("guarded", False),
            after=changes.get("after"),
            read=changes.get("read"),
            author=changes.get("author", ""),
            origin=changes.get("origin", ""),
        )
        return self.ingest.take(event)

    def plan_all(self) -> None:
        """Plan every enqueued notification."""
        pending, self.tasks.plans = self.tasks.plans, []
        for number in pending:
            self.plan.run(number)

    def later(self, seconds: float) -> None:
        """Advance the time and sweep once."""
        self.now += timedelta(seconds=seconds)
        self.sweep.run()

    def settle_batches(self, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
        """Pretend that the provider accepted (or refused) every queued batch."""
        with self.database.write() as connection:
            connection.execute(
                update(t.batch)
                .where(t.batch.c.state == DeliveryState.QUEUED.value)
                .values(state=state.value, due_at=None)
            )

    def notices(self, channel: Channel = Channel.EMAIL) -> list[Any]:
        """Return the notifications of `inc-1` on a channel, oldest first."""
        with self.database.read() as connection:
            rows = notifications.of_incident(connection, "inc-1")
            return [row for row in rows if row.channel == channel.value]

    def delivery_states(self, notification_id: int) -> dict[str, str]:
        """Return the state of each recipient's delivery of a notification, by subscriber name."""
        with self.database.read() as connection:
            rows = deliveries.list_of(connection, notification_id, states=(), after_key=None, limit=1000)
        return {row.external_id: row.state for row in rows}
