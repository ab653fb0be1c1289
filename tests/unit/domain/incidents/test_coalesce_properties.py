"""Every invariant of the coalescing rules, over random policies and histories."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.incidents.coalesce import decide, is_stale, joins
from notifier.domain.incidents.coalesce_values import Absorb, ChannelState, CoalescePolicy, PendingUpdate, Send, Wait
from tests.unit.domain.incidents.coalesce_rules import check_all
from tests.unit.domain.incidents.coalesce_worlds import Play, World, a_world, play, seconds


@settings(max_examples=1000)
@given(a_world())
def test_every_rule_holds_in_every_world(world: World) -> None:
    check_all(play(world))


@settings(max_examples=60)
@given(a_world(max_steps=40))
def test_every_rule_holds_over_long_histories(world: World) -> None:
    check_all(play(world))


@settings(max_examples=200)
@given(a_world())
def test_the_same_world_gives_the_same_play(world: World) -> None:
    assert play(world) == play(World(world.policy, tuple(world.arrivals)))


@settings(max_examples=200)
@given(a_world(), st.randoms(use_true_random=False))
def test_the_order_in_which_pending_updates_are_listed_does_not_matter(world: World, random: object) -> None:
    def shuffled(policy: CoalescePolicy, state: ChannelState, pending: list[PendingUpdate], now: object) -> object:
        mixed = list(pending)
        random.shuffle(mixed)  # type: ignore[attr-defined]
        return decide(policy, state, mixed, now)  # type: ignore[arg-type]

    assert play(world, shuffled) == play(world)  # type: ignore[arg-type]


def moments_of_waiting(world: World) -> list[tuple[ChannelState, list[PendingUpdate], Wait, int]]:
    """Return each moment at which a channel waits after an arrival: state, pending, the wait, and how many arrived."""
    moments: list[tuple[ChannelState, list[PendingUpdate], Wait, int]] = []

    def watched(policy: CoalescePolicy, state: ChannelState, pending: list[PendingUpdate], now: object) -> object:
        decision = decide(policy, state, pending, now)  # type: ignore[arg-type]
        if isinstance(decision, Wait):
            moments.append((state, list(pending), decision, max(update.order for update in pending) + 1))
        return decision

    play(world, watched)  # type: ignore[arg-type]
    return moments


@settings(max_examples=200)
@given(a_world(), a_world(max_steps=1), st.sampled_from([0.0, 1.0, 20.0, 59.0, 200.0]))
def test_noise_never_pushes_what_is_due_back(world: World, noise: World, gap: float) -> None:
    for state, pending, wait, arrived in moments_of_waiting(world):
        received = max(update.received_at for update in pending) + seconds(gap)
        newcomer = replace(noise.arrivals[0], id="noise", order=arrived, received_at=received, ordered_at=received)
        if received >= wait.until:
            continue
        decision = decide(world.policy, state, [*pending, newcomer], received)
        if isinstance(decision, Wait):
            assert decision.until <= wait.until
        else:
            assert isinstance(decision, Send | Absorb)


@settings(max_examples=200)
@given(a_world(), a_world(max_steps=1), st.sampled_from([0.0, 1.0, 20.0, 59.0]), st.sampled_from([0.0, 3.0, 45.0]))
def test_what_joins_a_wait_leaves_it_as_it_is(world: World, noise: World, gap: float, late: float) -> None:
    for state, pending, wait, arrived in moments_of_waiting(world):
        received = max(update.received_at for update in pending) + seconds(gap)
        posted = received - seconds(late)
        newcomer = replace(noise.arrivals[0], id="noise", order=arrived, received_at=received, ordered_at=posted)
        if not is_stale(state, posted) and joins(world.policy, state, wait, newcomer):
            assert decide(world.policy, state, [*pending, newcomer], received) == wait


@settings(max_examples=200)
@given(a_world())
def test_nothing_is_decided_before_a_wait_ends_and_something_is_when_it_does(world: World) -> None:
    for state, pending, wait, _ in moments_of_waiting(world):
        just_before = wait.until - seconds(0.001)
        assert decide(world.policy, state, pending, just_before) == wait
        assert isinstance(decide(world.policy, state, pending, wait.until), Send | Absorb)


@settings(max_examples=150)
@given(a_world(), st.sampled_from([1.0, 45.0, 3600.0]))
def test_a_sweep_that_comes_late_says_the_same_at_least(world: World, late: float) -> None:
    """A scheduler that was down for an hour tells everything in time order as soon as it is back."""
    for state, pending, wait, _ in moments_of_waiting(world):
        in_time, too_late = (decide(world.policy, state, pending, wait.until + seconds(delay)) for delay in (0.0, late))
        assert type(in_time) is type(too_late)
        if isinstance(in_time, Send) and isinstance(too_late, Send):
            assert too_late.updates[: len(in_time.updates)] == in_time.updates


@settings(max_examples=150)
@given(a_world())
def test_a_channel_that_says_each_update_by_itself_misses_none_and_keeps_order(world: World) -> None:
    """A webhook endpoint gets every update, one by one."""
    policy = replace(world.policy, window=0.0, delay=0.0, hold_resolved=0.0)
    result: Play = play(World(policy, world.arrivals))
    told = [update for announced in result.announced for update in announced.send.updates]
    ended = {update for absorbed in result.absorbed for update in absorbed.updates}
    assert [len(announced.send.updates) for announced in result.announced] == [1] * len(result.announced)
    assert told == [update for update in result.accepted if update not in ended]
    assert all(announced.at == announced.lead.received_at for announced in result.announced)
