"""The coalescing rules by example, each as a short time line. Times are seconds from the first update."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.domain.incidents.coalesce import decide, in_order, is_stale
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

START = datetime(2022, 6, 21, 6, 36, tzinfo=UTC)
POLICY = CoalescePolicy()
API = frozenset({"api"})
OPEN, WATCHED, OVER, POSTMORTEM = Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED, Status.POSTMORTEM


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def an_update(
    second: float,
    status: Status = Status.INVESTIGATING,
    *,
    impact: Impact = Impact.MAJOR,
    components: frozenset[str] = API,
    posted: float | None = None,
    automatic: bool = False,
) -> PendingUpdate:
    return PendingUpdate(
        id=f"{status}@{second}",
        order=int(second * 1000),
        status=status,
        impact=impact,
        components=components,
        ordered_at=at(second if posted is None else posted),
        received_at=at(second),
        automatic=automatic,
    )


def as_send(decision: Decision) -> Send:
    assert isinstance(decision, Send)
    return decision


def opened(policy: CoalescePolicy = POLICY, **facts: object) -> ChannelState:
    """A channel that announced an incident's first update at second 0."""
    first = an_update(0, **facts)  # type: ignore[arg-type]
    return as_send(decide(policy, ChannelState(), [first], at(policy.delay))).state


def closed(policy: CoalescePolicy = POLICY) -> ChannelState:
    return as_send(decide(policy, opened(), [an_update(100, OVER)], at(100))).state


def test_the_first_update_is_due_at_once() -> None:
    sent = as_send(decide(POLICY, ChannelState(), [an_update(0)], at(0)))
    assert (sent.opens, sent.closes, sent.urgency) == (True, False, "opened")
    assert (sent.state.episode, sent.state.sequence, sent.state.window) == (1, 1, 60)


def test_nothing_pending_is_nothing_to_decide() -> None:
    assert decide(POLICY, opened(), [], at(10)) == Nothing()


def test_an_update_inside_the_window_waits_for_its_end() -> None:
    assert decide(POLICY, opened(), [an_update(10)], at(10)) == Wait(until=at(60), reason="window", urgent_above=2)


def test_an_update_at_the_very_end_of_the_window_is_due() -> None:
    sent = as_send(decide(POLICY, opened(), [an_update(60)], at(60)))
    assert (sent.urgency, sent.state.window) == ("window_over", 60)


def test_what_the_window_held_is_one_notification_led_by_the_newest() -> None:
    pending = [an_update(40, WATCHED), an_update(10), an_update(25)]
    sent = as_send(decide(POLICY, opened(), pending, at(60)))
    assert [update.id for update in sent.updates] == ["investigating@10", "investigating@25", "monitoring@40"]
    assert (sent.state.status, sent.state.sequence, sent.urgency) == (WATCHED, 2, "window")


def test_a_notification_of_several_updates_doubles_the_window_up_to_its_bound() -> None:
    policy, state, windows = CoalescePolicy(max_window=200), opened(), []
    second = 0.0
    for _ in range(4):
        pending = [an_update(second + 1), an_update(second + 2)]
        second += state.window
        state = as_send(decide(policy, state, pending, at(second))).state
        windows.append(state.window)
    assert windows == [120, 200, 200, 200]


def test_a_notification_of_one_update_leaves_the_window() -> None:
    state = as_send(decide(POLICY, opened(), [an_update(1), an_update(2)], at(60))).state
    state = as_send(decide(POLICY, state, [an_update(70)], at(180))).state
    assert state.window == 120


def test_a_quiet_window_resets_it() -> None:
    grown = as_send(decide(POLICY, opened(), [an_update(1), an_update(2)], at(60))).state
    sent = as_send(decide(POLICY, grown, [an_update(181)], at(181)))
    assert (sent.urgency, sent.state.window) == ("window_over", 60)


@pytest.mark.parametrize("status", [OVER, Status.COMPLETED, Status.CANCELED, POSTMORTEM])
def test_what_flushes_goes_at_once_and_takes_the_pending_along(status: Status) -> None:
    sent = as_send(decide(POLICY, opened(), [an_update(10), an_update(20, status)], at(20)))
    assert [update.status for update in sent.updates] == [OPEN, status]
    assert sent.urgency == "flush_on"


def test_a_rise_of_impact_goes_at_once_and_only_the_rise() -> None:
    sent = as_send(decide(POLICY, opened(), [an_update(10, impact=Impact.CRITICAL)], at(10)))
    assert sent.urgency == "escalated"
    later = decide(POLICY, sent.state, [an_update(20, impact=Impact.CRITICAL)], at(20))
    assert isinstance(later, Wait)


def test_a_rise_is_measured_against_what_was_announced() -> None:
    """Down and up again inside one window is no rise for readers, who never heard of the fall."""
    pending = [an_update(10, impact=Impact.MINOR), an_update(20, impact=Impact.MAJOR)]
    assert isinstance(decide(POLICY, opened(), pending, at(20)), Wait)


@pytest.mark.parametrize("more", [API | {"pos"}, frozenset[str]()], ids=["one component more", "the whole platform"])
def test_more_components_wait_for_the_base_window_only(more: frozenset[str]) -> None:
    grown = as_send(decide(POLICY, opened(), [an_update(1), an_update(2)], at(60))).state
    same = decide(POLICY, grown, [an_update(70)], at(70))
    wider = decide(POLICY, grown, [an_update(70, components=more)], at(70))
    assert isinstance(same, Wait)
    assert same.until == at(180)
    assert isinstance(wider, Wait)
    assert (wider.until, wider.reason) == (at(120), "scope_grew")


def test_noise_does_not_push_the_end_of_the_window_back() -> None:
    pending = [an_update(second) for second in range(1, 60, 5)]
    decision = decide(POLICY, opened(), pending, at(59))
    assert isinstance(decision, Wait)
    assert decision.until == at(60)


# --- beginnings ----------------------------------------------------------------------------------------------------


def test_a_delay_gathers_the_first_updates_into_the_first_notification() -> None:
    policy = CoalescePolicy(delay=30)
    assert decide(policy, ChannelState(), [an_update(0)], at(0)) == Wait(until=at(30), reason="opened", urgent_above=2)
    sent = as_send(decide(policy, ChannelState(), [an_update(0), an_update(20)], at(30)))
    assert (len(sent.updates), sent.opens, sent.state.window) == (2, True, 120)


def test_an_incident_that_closes_inside_the_delay_is_told_to_nobody() -> None:
    pending = [an_update(0), an_update(10, WATCHED), an_update(29, OVER)]
    decision = decide(CoalescePolicy(delay=30), ChannelState(), pending, at(29))
    assert isinstance(decision, Absorb)
    assert decision.updates == tuple(pending)
    assert decision.state.episode == 0


def test_an_opening_that_its_own_absorbed_end_has_overtaken_is_stale() -> None:
    policy = CoalescePolicy(delay=30)
    absorbed = decide(policy, ChannelState(), [an_update(0), an_update(9, OVER)], at(9))
    assert isinstance(absorbed, Absorb)
    assert is_stale(absorbed.state, at(8))
    assert not is_stale(absorbed.state, at(9))


def test_an_escalation_inside_the_delay_goes_at_once() -> None:
    pending = [an_update(0, impact=Impact.MINOR), an_update(5, impact=Impact.CRITICAL)]
    sent = as_send(decide(CoalescePolicy(delay=30), ChannelState(), pending, at(5)))
    assert (sent.urgency, sent.opens, len(sent.updates)) == ("escalated", True, 2)


def test_trouble_after_the_end_is_a_new_beginning_even_inside_the_window() -> None:
    sent = as_send(decide(POLICY, closed(), [an_update(110)], at(110)))
    assert (sent.opens, sent.state.episode, sent.state.sequence, sent.state.window) == (True, 2, 3, 60)


@pytest.mark.parametrize("status", [OVER, Status.COMPLETED, Status.CANCELED, POSTMORTEM])
def test_an_end_or_a_postmortem_after_the_end_is_no_beginning(status: Status) -> None:
    sent = as_send(decide(POLICY, closed(), [an_update(300, status)], at(300)))
    assert (sent.opens, sent.state.episode, sent.state.closed) == (False, 1, True)


def test_what_is_left_of_the_old_round_is_told_before_a_new_beginning() -> None:
    policy = CoalescePolicy(flush_on=frozenset({OVER}))
    pending = [an_update(110, POSTMORTEM), an_update(120)]
    first = as_send(decide(policy, closed(), pending, at(120)))
    assert (first.updates, first.opens, first.state.episode) == ((pending[0],), False, 1)
    second = as_send(decide(policy, first.state, pending[1:], at(120)))
    assert (second.updates, second.opens, second.state.episode) == ((pending[1],), True, 2)


def test_a_maintenance_is_told_at_each_stage() -> None:
    state = ChannelState()
    seen = []
    for second, status in [
        (0, Status.SCHEDULED),
        (9000, Status.IN_PROGRESS),
        (9900, Status.VERIFYING),
        (9910, Status.COMPLETED),
    ]:
        sent = as_send(decide(POLICY, state, [an_update(second, status, impact=Impact.MAINTENANCE)], at(second)))
        state = sent.state
        seen.append((status, sent.opens, sent.closes))
    assert seen == [
        (Status.SCHEDULED, True, False),
        (Status.IN_PROGRESS, False, False),
        (Status.VERIFYING, False, False),
        (Status.COMPLETED, False, True),
    ]


# --- monitors ------------------------------------------------------------------------------------------------------


def test_a_monitors_end_is_held_and_then_told() -> None:
    end = an_update(200, OVER, automatic=True)
    assert decide(POLICY, opened(), [end], at(200)) == Wait(
        until=at(260), reason="flush_on", holding=True, urgent_above=2
    )
    assert as_send(decide(POLICY, opened(), [end], at(260))).closes


def test_a_persons_end_is_not_held() -> None:
    assert as_send(decide(POLICY, opened(), [an_update(1, OVER)], at(1))).closes


def test_a_monitors_end_that_is_taken_back_is_told_to_nobody() -> None:
    flap = [an_update(200, OVER, automatic=True), an_update(215, automatic=True)]
    decision = decide(POLICY, opened(), flap, at(215))
    assert isinstance(decision, Absorb)
    assert decision.updates == tuple(flap)


def test_what_takes_a_monitors_end_back_is_told_if_it_is_worse() -> None:
    end, worse = an_update(200, OVER, automatic=True), an_update(215, impact=Impact.CRITICAL, automatic=True)
    decision = decide(POLICY, opened(), [end, worse], at(215))
    assert isinstance(decision, Absorb)
    assert decision.updates == (end,)
    assert as_send(decide(POLICY, decision.state, [worse], at(215))).urgency == "escalated"


def test_what_a_person_says_is_never_absorbed_with_a_monitors_end() -> None:
    end, person = an_update(200, OVER, automatic=True), an_update(215)
    decision = decide(POLICY, opened(), [end, person], at(215))
    assert isinstance(decision, Absorb)
    assert decision.updates == (end,)


def test_a_person_who_confirms_the_end_releases_it() -> None:
    sent = as_send(decide(POLICY, opened(), [an_update(200, OVER, automatic=True), an_update(210, OVER)], at(210)))
    assert (len(sent.updates), sent.closes) == (2, True)


def test_the_first_of_several_ends_counts_for_the_hold() -> None:
    ends = [an_update(second, OVER, automatic=True) for second in (200, 230, 250)]
    decision = decide(POLICY, opened(), ends, at(250))
    assert isinstance(decision, Wait)
    assert decision.until == at(260)


@pytest.mark.parametrize("state", [ChannelState(), closed()], ids=["never opened", "closed"])
def test_a_monitors_end_of_what_is_not_open_is_told_to_nobody(state: ChannelState) -> None:
    decision = decide(POLICY, state, [an_update(200, OVER, automatic=True)], at(200))
    assert isinstance(decision, Absorb)
    assert decision.reason == "a monitor's resolution of what is not open"


def test_what_came_before_a_held_end_does_not_wait_for_it() -> None:
    pending = [an_update(10, WATCHED), an_update(50, OVER, automatic=True)]
    sent = as_send(decide(POLICY, opened(), pending, at(60)))
    assert sent.updates == (pending[0],)


# --- machines, order, policies that change --------------------------------------------------------------------------


def test_without_a_window_every_update_goes_by_itself_oldest_first() -> None:
    policy = CoalescePolicy(window=0)
    state, pending, told = opened(policy), [an_update(20, OVER), an_update(10, WATCHED)], []
    while pending:
        sent = as_send(decide(policy, state, pending, at(20)))
        assert len(sent.updates) == 1
        told += [update.id for update in sent.updates]
        state, pending = sent.state, [update for update in pending if update not in sent.updates]
    assert told == ["monitoring@10", "resolved@20"]


def test_order_is_that_of_posting_and_at_equal_times_that_of_arrival() -> None:
    overtaken, first, second = an_update(30, posted=5), an_update(10, posted=7), an_update(20, posted=7)
    assert in_order([second, first, overtaken]) == (overtaken, first, second)


def test_an_update_older_than_what_was_said_is_stale_and_one_of_the_same_time_is_not() -> None:
    state = opened()
    assert is_stale(state, at(-0.001))
    assert not is_stale(state, at(0))
    assert not is_stale(ChannelState(), at(-1000))


def test_a_window_that_has_grown_is_cut_to_what_the_policy_allows_now() -> None:
    grown = as_send(decide(POLICY, opened(), [an_update(1), an_update(2)], at(60))).state
    assert grown.window == 120
    now_stricter = decide(CoalescePolicy(max_window=90), grown, [an_update(70)], at(70))
    assert isinstance(now_stricter, Wait)
    assert now_stricter.until == at(150)
    assert as_send(decide(CoalescePolicy(window=0), grown, [an_update(70)], at(70))).state.window == 0


def test_a_flush_behind_others_is_not_held_up_without_a_window() -> None:
    """A policy that became `window = 0` finds an old window running: the flush still goes now, in its turn."""
    sent = as_send(decide(CoalescePolicy(window=0), opened(), [an_update(10), an_update(11, OVER)], at(11)))
    assert [update.status for update in sent.updates] == [OPEN]


def test_a_late_older_update_does_not_push_the_delay_back() -> None:
    """It sorts first, but it is the first to have arrived that the delay runs from."""
    pending = [an_update(0), an_update(25, posted=-3)]
    decision = decide(CoalescePolicy(delay=30), ChannelState(), pending, at(25))
    assert isinstance(decision, Wait)
    assert decision.until == at(30)
