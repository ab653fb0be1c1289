"""Random histories for one channel, and a driver that plays them through `decide`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import strategies as st

from notifier.domain.incidents import coalesce
from notifier.domain.incidents.coalesce_values import (
    Absorb,
    ChannelState,
    CoalescePolicy,
    Decision,
    Nothing,
    PendingUpdate,
    Send,
    Wait,
)
from notifier.domain.values import Impact, Status

START = datetime(2024, 3, 31, 0, 30, tzinfo=UTC)
DEFAULT_FLUSH = frozenset({Status.RESOLVED, Status.COMPLETED, Status.POSTMORTEM})

Decide = Callable[[CoalescePolicy, ChannelState, Sequence[PendingUpdate], datetime], Decision]


@dataclass(frozen=True)
class World:
    """A policy and what arrives, in order of arrival."""

    policy: CoalescePolicy
    arrivals: tuple[PendingUpdate, ...]


class Violation(AssertionError):  # noqa: N818 - it is what a check found, and reads as such
    """A rule that did not hold, by name."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule


@dataclass
class Announced:
    at: datetime
    send: Send
    arrived: int  # how many arrivals the channel knew of

    @property
    def lead(self) -> PendingUpdate:
        return self.send.updates[-1]


@dataclass
class Play:
    """What became of a world."""

    policy: CoalescePolicy
    accepted: list[PendingUpdate] = field(default_factory=list)
    announced: list[Announced] = field(default_factory=list)
    absorbed: list[Absorb] = field(default_factory=list)
    left: list[PendingUpdate] = field(default_factory=list)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@dataclass(frozen=True)
class Step:
    """One arrival: how long after the one before, how late after its posting, and what it says."""

    gap: float
    late: float
    status: Status
    impact: Impact
    components: frozenset[str]
    automatic: bool


# What there is to choose from; what stands there twice comes twice as often. Each policy, and each step, is one choice
# of all there are: choosing part by part took four times what playing a world takes.
_POLICIES = [
    CoalescePolicy(delay=delay, window=window, max_window=most, flush_on=flush, hold_resolved=hold)
    for delay, window, most, flush, hold in product(
        (0.0, 0.0, 30.0),
        (60.0, 60.0, 0.0),
        (60.0, 200.0, 600.0),
        (DEFAULT_FLUSH, DEFAULT_FLUSH, frozenset()),
        (60.0, 20.0, 0.0),
    )
]
_STEPS = [
    Step(*parts)
    for parts in product(
        (0, 1, 5, 19, 20, 25, 30, 40, 59, 60, 61, 130, 700),
        (0, 0, 0, 2, 45),
        (
            Status.INVESTIGATING,
            Status.INVESTIGATING,
            Status.MONITORING,
            Status.RESOLVED,
            Status.RESOLVED,
            Status.POSTMORTEM,
        ),
        (Impact.MINOR, Impact.MINOR, Impact.MINOR, Impact.CRITICAL),
        (frozenset({"api"}), frozenset({"api"}), frozenset({"api", "pos"}), frozenset[str]()),
        (False, True),
    )
]


def a_policy() -> st.SearchStrategy[CoalescePolicy]:
    return st.sampled_from(_POLICIES)


def a_step() -> st.SearchStrategy[Step]:
    return st.sampled_from(_STEPS)


def a_world(max_steps: int = 10) -> st.SearchStrategy[World]:
    return st.builds(make_world, a_policy(), st.lists(a_step(), min_size=1, max_size=max_steps))


def make_world(policy: CoalescePolicy, steps: Sequence[Step]) -> World:
    arrivals, now = [], START
    for order, step in enumerate(steps):
        now += seconds(step.gap)
        arrivals.append(
            PendingUpdate(
                id=f"u{order}",
                order=order,
                status=step.status,
                impact=step.impact,
                components=step.components,
                ordered_at=now - seconds(step.late),
                received_at=now,
                automatic=step.automatic,
            )
        )
    return World(policy, tuple(arrivals))


def key(update: PendingUpdate) -> tuple[datetime, int]:
    return update.ordered_at, update.order


def play(world: World, decide: Decide | None = None) -> Play:
    """Let a channel live through a world: decide at each arrival, and whenever a wait ends in between."""
    channel = ChannelLine(Play(world.policy), decide or coalesce.decide)
    for update in world.arrivals:
        channel.pass_time(before=update.received_at)
        if coalesce.is_stale(channel.state, update.ordered_at):
            continue
        channel.play.accepted.append(update)
        channel.pending.append(update)
        channel.speak(update.received_at)
    channel.pass_time(before=None)
    channel.play.left = channel.pending
    return channel.play


@dataclass
class ChannelLine:
    play: Play
    decide: Decide
    state: ChannelState = field(default_factory=ChannelState)
    pending: list[PendingUpdate] = field(default_factory=list)
    wait: Wait | None = None

    def pass_time(self, before: datetime | None) -> None:
        for _ in range(100):
            if self.wait is None or (before is not None and self.wait.until >= before):
                return
            self.speak(self.wait.until)
        raise Violation("settles", "waits without end")

    def speak(self, now: datetime) -> None:
        for _ in range(100):
            decision = self.decide(self.play.policy, self.state, self.pending, now)
            if isinstance(decision, Wait):
                if decision.until <= now:
                    raise Violation("settles", "waits for the past")
                self.wait = decision
                return
            if isinstance(decision, Nothing):
                self.wait = None
                return
            self.record(decision, now)
        raise Violation("settles", "decides without end")

    def record(self, decision: Send | Absorb, now: datetime) -> None:
        if not decision.updates:
            raise Violation("settles", "decides about nothing")
        self.state = decision.state
        if isinstance(decision, Send):
            self.play.announced.append(Announced(now, decision, len(self.play.accepted)))
        else:
            self.play.absorbed.append(decision)
        self.pending = [update for update in self.pending if update not in decision.updates]
