from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.subscriber import SuppressionReason
from notifier.domain.values import DeliveryState, Reason
from notifier.inbound.sendgrid import Kind, MailEvent
from notifier.services.provider_events.rules import blames_sender, is_replaced_by, suppression_for, verdict_on

AT = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
REPORTED = (DeliveryState.ACCEPTED, DeliveryState.SUPPRESSED, DeliveryState.DELIVERED, DeliveryState.BOUNCED)


def an_event(kind: Kind, **facts: str) -> MailEvent:
    return MailEvent(id="e1", kind=kind, at=AT, facts=facts)


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


@pytest.mark.parametrize("kind", sorted(Kind))
def test_every_kind_has_a_rule(kind: Kind) -> None:
    verdict, suppression = verdict_on(an_event(kind)), suppression_for(an_event(kind))
    if kind in (Kind.DEFERRED, Kind.GROUP_RESUBSCRIBE, Kind.ACCOUNT_STATUS):
        assert verdict is None
        assert suppression is None
    if kind in (Kind.BLOCKED, Kind.PROCESSED, Kind.DELIVERED):
        assert verdict is not None
        assert suppression is None


def test_a_suppression_bears_the_events_day_and_words() -> None:
    found = suppression_for(
        an_event(Kind.BOUNCE, bounce_classification="Invalid Address", reason="550 unknown", status="5.1.1")
    )
    assert found is not None
    assert (found.since, found.reason) == (AT, SuppressionReason.BOUNCED)
    assert found.detail == "Invalid Address; 550 unknown; 5.1.1"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (an_event(Kind.BOUNCE, bounce_classification="Invalid Address"), Reason.BAD_ADDRESS),
        (an_event(Kind.BOUNCE, status="5.1.1"), Reason.BAD_ADDRESS),
        (an_event(Kind.BOUNCE, bounce_classification="Reputation"), Reason.REJECTED),
        (an_event(Kind.BLOCKED, status="5.1.1"), Reason.REJECTED),
        (an_event(Kind.DROPPED, reason="Unsubscribed Address"), Reason.UNSUBSCRIBED),
        (an_event(Kind.DROPPED, reason="Invalid"), Reason.BAD_ADDRESS),
        (an_event(Kind.DROPPED, reason="Spam Content"), Reason.REJECTED),
        (an_event(Kind.DELIVERED), None),
    ],
)
def test_the_reason_is_of_the_closed_set(event: MailEvent, reason: Reason | None) -> None:
    verdict = verdict_on(event)
    assert verdict is not None
    assert verdict.reason is reason


@pytest.mark.parametrize(
    ("label", "blamed"),
    [
        ("Reputation", True),
        ("Content", True),
        ("Frequency/Volume", True),
        ("Frequency or Volume Too High", True),
        ("Invalid Address", False),
        ("Mailbox Unavailable", False),
        ("", False),
    ],
)
def test_some_bounces_are_about_us(label: str, *, blamed: bool) -> None:
    assert blames_sender(an_event(Kind.BOUNCE, bounce_classification=label)) is blamed
    assert not blames_sender(an_event(Kind.BLOCKED, bounce_classification=label))
