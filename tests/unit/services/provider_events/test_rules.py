from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.values import DeliveryState
from notifier.services.provider_events.rules import is_replaced_by

REPORTED = (DeliveryState.ACCEPTED, DeliveryState.SUPPRESSED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)


def settle(start: DeliveryState, reports: tuple[DeliveryState, ...]) -> DeliveryState:
    for reported in reports:
        start = reported if is_replaced_by(start, reported) else start
    return start


@given(st.sampled_from(sorted(DeliveryState)), st.lists(st.sampled_from(REPORTED), max_size=5))
def test_the_order_of_reports_does_not_matter(start: DeliveryState, reports: list[DeliveryState]) -> None:
    assert len({settle(start, order) for order in set(permutations(reports))}) == 1


@given(st.sampled_from(sorted(DeliveryState)), st.sampled_from(REPORTED))
def test_a_report_that_comes_twice_changes_nothing(start: DeliveryState, reported: DeliveryState) -> None:
    assert settle(start, (reported, reported)) == settle(start, (reported,))


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.CANCELED, DeliveryState.SUPERSEDED])
def test_what_we_gave_up_may_have_arrived_all_the_same(state: DeliveryState) -> None:
    assert settle(state, (DeliveryState.DELIVERED,)) is DeliveryState.DELIVERED
    assert settle(state, (DeliveryState.ACCEPTED,)) is state
