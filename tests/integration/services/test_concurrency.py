"""The whole system with many threads at once: producers, planners, mail workers, a sweeper, each with connections.

What must hold does not depend on who comes first. Time flows only as work is done, so nothing here waits or sleeps.
"""

import queue
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from threading import Event as Signal
from threading import Lock
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from notifier.channels.base import MailReceipt
from notifier.domain.errors import TransientDeliveryError
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Channel, DeliveryState, Impact, Outcome, QueueName, Reason, Status
from notifier.services.events.ingest import Receipt
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline
from notifier.storage.notifications import notifications
from tests.support.email_harness import EmailHarness, Provider, build_harness
from tests.support.pipeline_harness import POLICIES, START

PRODUCERS, WORKERS, PEOPLE = 3, 3, 5
_numbers = count(1)  # no incident comes twice, so that examples may share a database


@dataclass
class Time:
    """A clock for all threads: every look at it takes a hundredth of a second."""

    now: datetime = START
    _lock: Lock = field(default_factory=Lock)

    def __call__(self) -> datetime:
        return self.pass_(0.01)

    def pass_(self, seconds: float) -> datetime:
        with self._lock:
            self.now += timedelta(seconds=seconds)
            return self.now


class SharedTaskQueue:
    """A queue of work as the broker would hold it."""

    def __init__(self) -> None:
        # No SimpleQueue: where two wait for one item with a time-out, the one that comes late may wait for ever.
        self.work: queue.Queue[tuple[str, int]] = queue.Queue()

    def plan(self, notification_id: int) -> None:
        self.work.put(("plan", notification_id))

    def attempt(self, queue: QueueName, batch_ids: Sequence[int]) -> None:
        del queue
        for batch_id in batch_ids:
            self.work.put(("attempt", batch_id))

    def depth(self, queue: QueueName) -> int:
        del queue
        return 0


class SharedProvider(Provider):
    """Every third request is put off, as by a provider that limits the rate."""

    def __init__(self) -> None:
        super().__init__()
        self._lock, self._number = Lock(), count(1)

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        with self._lock:
            if next(self._number) % 3 == 0:
                raise TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=5))
            return super().send(request, deadline=deadline)


@dataclass
class System:
    """Some processes' worth of houses on one database."""

    harnesses: list[EmailHarness]
    time: Time
    tasks: SharedTaskQueue
    provider: SharedProvider

    def live(self, events: Sequence[Event]) -> list[Receipt]:
        """Hand every event in twice, by different producers at once, while workers and sweepers do theirs."""
        over = Signal()

        def produce(place: int) -> list[Receipt]:
            mine = [event for number, event in enumerate(events) if (number + place) % PRODUCERS != 0]
            return [self.harnesses[place].pipeline.ingest.take(event) for event in mine]

        with ThreadPoolExecutor(PRODUCERS + WORKERS + 1) as pool:
            producers = [pool.submit(produce, place) for place in range(PRODUCERS)]
            others = [pool.submit(self._until, over, self._work, place) for place in range(WORKERS)]
            others.append(pool.submit(self._until, over, self._sweep, 0))
            try:
                receipts = [receipt for producer in producers for receipt in producer.result()]
            finally:
                over.set()
            for other in others:
                other.result()
        self._settle()
        return receipts

    @staticmethod
    def _until(over: Signal, step: Callable[[int], bool], place: int) -> None:
        while not over.is_set():
            step(place)

    def _work(self, place: int) -> bool:
        try:
            kind, number = self.tasks.work.get(timeout=0.01)
        except queue.Empty:
            return False
        harness = self.harnesses[place]
        if kind == "plan":
            harness.pipeline.plan.run(number)
        elif self._is_mail(number):
            harness.attempt.run(number)
        return True

    def _is_mail(self, batch_id: int) -> bool:
        with self.harnesses[0].pipeline.database.read() as connection:
            return connection.execute(select(t.batch.c.channel).where(t.batch.c.id == batch_id)).scalar() == "email"

    def _sweep(self, _place: int) -> bool:
        self.harnesses[0].pipeline.sweep.run()
        return True

    def _settle(self) -> None:
        """Let time pass until nothing more is to be done."""
        for _ in range(100):
            while self._work(0):
                continue
            self.time.pass_(30)
            self.harnesses[0].pipeline.sweep.run()
            if self.tasks.work.empty() and self._is_at_rest():
                return
        raise AssertionError("it never comes to rest")

    def _is_at_rest(self) -> bool:
        open_ = [DeliveryState.QUEUED.value, DeliveryState.SENDING.value]
        with self.harnesses[0].pipeline.database.read() as connection:
            mails = select(t.batch.c.id).where(t.batch.c.channel == "email", t.batch.c.state.in_(open_))
            waits = select(t.channel_state.c.channel).where(t.channel_state.c.due_at.is_not(None))
            return not connection.execute(mails).all() and not connection.execute(waits).all()


@contextmanager
def a_system(database: Database) -> Iterator[System]:
    time, tasks, provider = Time(), SharedTaskQueue(), SharedProvider()
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        harnesses = []
        for _ in range(max(PRODUCERS, WORKERS)):
            own = Database(url)
            stack.callback(own.close)
            harnesses.append(build_harness(own, provider, clock=time, tasks=tasks))
        yield System(harnesses, time, tasks, provider)


@dataclass(frozen=True)
class Step:
    status: Status
    impact: Impact
    automatic: bool
    late: int  # seconds before the one before it


STEPS = st.lists(
    st.builds(
        Step,
        status=st.sampled_from(
            [Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED, Status.POSTMORTEM]
        ),
        impact=st.sampled_from([Impact.MINOR, Impact.MINOR, Impact.CRITICAL]),
        automatic=st.sampled_from([False, False, True]),
        late=st.sampled_from([0, 0, 0, 2]),
    ),
    min_size=1,
    max_size=8,
)


def events_of(incident_id: str, steps: Sequence[Step]) -> list[Event]:
    return [
        Event(
            id=f"{incident_id}-e{number}",
            incident=Incident(
                id=incident_id,
                title={"en": "Trouble"},
                impact=step.impact,
                components=(AffectedComponent(key="api"),),
                started_at=START,
            ),
            update=Update(
                id=f"{incident_id}-u{number}",
                status=step.status,
                body={"en": f"News <{number}>."},
                posted_at=START + timedelta(seconds=number - step.late),
            ),
            automatic=step.automatic,
        )
        for number, step in enumerate(steps)
    ]


def rows(database: Database, table: Any, incident_id: str) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(table).where(table.c.incident_id == incident_id)))


def check_ledger(database: Database, incident_id: str) -> None:
    """Nothing lost, nothing twice, in order, without gaps; one notification a window."""
    updates = {row.id: row for row in rows(database, t.incident_update, incident_id)}
    said = rows(database, t.announcement, incident_id)
    accepted = {row.id for row in updates.values() if row.outcome == Outcome.ACCEPTED}
    for channel in Channel:
        with database.read() as connection:
            found = [row for row in notifications.of_incident(connection, incident_id) if row.channel == channel]
        found.sort(key=lambda row: row.sequence)
        assert [row.sequence for row in found] == list(range(1, len(found) + 1))
        told = [update_id for row in found for update_id in row.update_ids]
        order = [(updates[update_id].posted_at, updates[update_id].number) for update_id in told]
        assert order == sorted(order)
        absorbed = {row.update_id for row in said if row.channel == channel and row.sequence is None}
        assert Counter(told) == Counter(row.update_id for row in said if row.channel == channel and row.sequence)
        assert accepted <= set(told) | absorbed
        newest = max(updates.values(), key=lambda row: (row.posted_at, row.number))
        assert newest.id in {*absorbed, *(told[-1:])} or newest.outcome != Outcome.ACCEPTED
        for before, row in pairwise(found):
            assert row.created_at >= before.created_at
            if row.urgency.startswith("window"):
                assert row.created_at - before.created_at >= timedelta(seconds=POLICIES[channel].window)


def check_mails(system: System, incident_id: str, updates: int) -> None:
    """Everybody is told every announced update once, in order, from where they could be told that it began."""
    database = system.harnesses[0].pipeline.database
    with database.read() as connection:
        found = [row for row in notifications.of_incident(connection, incident_id) if row.channel == Channel.EMAIL]
    announced = [number for row in found for number in _numbers_of(row)]
    start = next((place for place, row in enumerate(found) if row.content["opens"] and _is_trouble(row)), len(found))
    heard = [number for row in found[start:] for number in _numbers_of(row)]
    numbers = {row.public_id for row in found}
    for person in range(PEOPLE):
        told: list[int] = []
        for request in system.provider.requests:
            if request.notification_id in numbers and f"shop-{person}@example.com" in _addresses(request):
                said = [number for number in range(updates) if f"News <{number}>." in request.content.text]
                told += [number for number in announced if number in said]
        assert told == heard, (announced, [row.content["opens"] for row in found])


def _addresses(request: MailRequest) -> set[str]:
    return {recipient.address for recipient in request.recipients}


def _numbers_of(row: Any) -> list[int]:
    return [int(update_id.rpartition("u")[2]) for update_id in row.update_ids]


def _is_trouble(row: Any) -> bool:
    status = next(Status(item["status"]) for item in row.content["updates"] if item["id"] == row.update_ids[0])
    return not status.closes and status is not Status.POSTMORTEM


@pytest.mark.slow
def test_many_producers_and_workers_at_once_keep_every_promise(database: Database) -> None:
    with a_system(database) as system:
        for person in range(PEOPLE):
            system.harnesses[0].pipeline.subscriber(f"shop-{person}")

        @settings(
            max_examples=3,
            phases=[Phase.generate],  # what depends on who comes first cannot be made smaller
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(STEPS, min_size=2, max_size=3))
        def live(scripts: list[list[Step]]) -> None:
            histories = {f"inc-{next(_numbers)}": steps for steps in scripts}
            events = [event for name, steps in histories.items() for event in events_of(name, steps)]
            receipts = system.live(events)
            fresh = Counter(receipt.event_id for receipt in receipts if receipt.outcome is not Outcome.DUPLICATE)
            assert set(fresh) <= {event.id for event in events}
            assert set(fresh.values()) <= {1}
            before = [rows(database, table, name) for name in histories for table in (t.notification, t.announcement)]
            for event in (*events, *(replace(event, id=f"{event.id}-again") for event in events)):
                assert system.harnesses[0].pipeline.ingest.take(event).outcome is Outcome.DUPLICATE
            after = [rows(database, table, name) for name in histories for table in (t.notification, t.announcement)]
            assert before == after
            for name, steps in histories.items():
                check_ledger(database, name)
                check_mails(system, name, len(steps))

        live()


@pytest.mark.postgres
def test_events_of_one_incident_wait_for_each_other_and_those_of_others_do_not(postgresql_database: Database) -> None:
    with a_system(postgresql_database) as system, ThreadPoolExecutor(2) as pool:
        held, free = (
            events_of(name, [Step(Status.INVESTIGATING, Impact.MINOR, automatic=False, late=0)] * 2)
            for name in ("held", "free")
        )
        system.harnesses[0].pipeline.ingest.take(held[0])
        with postgresql_database.write() as connection:
            assert timeline.lock_known_incident(connection, "held")
            waiting = pool.submit(system.harnesses[0].pipeline.ingest.take, held[1])
            passing = pool.submit(system.harnesses[1].pipeline.ingest.take, free[0])
            assert passing.result(timeout=30).outcome is Outcome.ACCEPTED
            assert not waiting.done()
        assert waiting.result(timeout=30).outcome is Outcome.ACCEPTED
