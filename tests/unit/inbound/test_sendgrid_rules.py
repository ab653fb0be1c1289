from datetime import UTC, datetime

import pytest

from notifier.domain.providers.mail_event import AccountReport, MailEvent, MailEventKind
from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.domain.values import Reason
from notifier.inbound.sendgrid_rules import account_report, blames_sender, state_of, suppression_for

AT = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)


def an_event(kind: MailEventKind, **facts: str) -> MailEvent:
    return MailEvent(id="e1", kind=kind, at=AT, facts=facts)


@pytest.mark.parametrize("kind", sorted(MailEventKind))
def test_every_kind_has_a_rule(kind: MailEventKind) -> None:
    reported, suppression = state_of(an_event(kind)), suppression_for(an_event(kind))
    if kind in (MailEventKind.DEFERRED, MailEventKind.GROUP_RESUBSCRIBE, MailEventKind.ACCOUNT_STATUS):
        assert reported is None
        assert suppression is None
    if kind in (MailEventKind.BLOCKED, MailEventKind.PROCESSED, MailEventKind.DELIVERED):
        assert reported is not None
        assert suppression is None


def test_a_suppression_bears_the_events_day_and_words() -> None:
    found = suppression_for(
        an_event(MailEventKind.BOUNCE, bounce_classification="Invalid Address", reason="550 unknown", status="5.1.1")
    )
    assert found is not None
    assert (found.since, found.reason) == (AT, SuppressionReason.BOUNCED)
    assert found.detail == "Invalid Address; 550 unknown; 5.1.1"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (an_event(MailEventKind.BOUNCE, bounce_classification="Invalid Address"), Reason.BAD_ADDRESS),
        (an_event(MailEventKind.BOUNCE, status="5.1.1"), Reason.BAD_ADDRESS),
        (an_event(MailEventKind.BOUNCE, bounce_classification="Reputation"), Reason.REJECTED),
        (an_event(MailEventKind.BLOCKED, status="5.1.1"), Reason.REJECTED),
        (an_event(MailEventKind.DROPPED, reason="Unsubscribed Address"), Reason.UNSUBSCRIBED),
        (an_event(MailEventKind.DROPPED, reason="Invalid"), Reason.BAD_ADDRESS),
        (an_event(MailEventKind.DROPPED, reason="Spam Content"), Reason.REJECTED),
        (an_event(MailEventKind.DELIVERED), None),
    ],
)
def test_the_reason_is_of_the_closed_set(event: MailEvent, reason: Reason | None) -> None:
    reported = state_of(event)
    assert reported is not None
    assert reported.reason is reason


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
    facts = {"bounce_classification": label}
    assert blames_sender(MailEventKind.BOUNCE, facts) is blamed
    assert not blames_sender(MailEventKind.BLOCKED, facts)


@pytest.mark.parametrize(
    ("event", "report"),
    [
        (an_event(MailEventKind.ACCOUNT_STATUS, type="reactivate"), AccountReport(None, "account status: reactivate")),
        (an_event(MailEventKind.ACCOUNT_STATUS, type="suspend"), AccountReport(Reason.AUTH, "account status: suspend")),
        (
            an_event(MailEventKind.DROPPED, reason="over Package Quota"),
            AccountReport(Reason.REJECTED, "over Package Quota"),
        ),
        (an_event(MailEventKind.DROPPED, reason="Invalid"), None),
    ],
)
def test_some_events_are_about_our_account(event: MailEvent, report: AccountReport | None) -> None:
    assert account_report(event) == report
