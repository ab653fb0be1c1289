"""Quiet hours and the hourly limit on real rows: what waits, what passes, and what is left to say when it is over."""

from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Impact, Status
from notifier.services.subscribers.release_deferred import release_deferred
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import deliveries
from tests.support.email_harness import EmailHarness, Provider, build_harness
from tests.support.pipeline_harness import key_of

NIGHT: dict[str, Any] = {"quiet_from": 22 * 60, "quiet_to": 7 * 60}
MIDNIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # in Amsterdam; quiet until 06:00 UTC
HOURS = 3_600.0


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def harness(database: Database, provider: Provider) -> EmailHarness:
    harness = build_harness(database, provider)
    harness.pipeline.now = MIDNIGHT
    return harness


def post_update(harness: EmailHarness, status: Status = Status.INVESTIGATING, **changes: Any) -> None:
    harness.pipeline.post(status, **changes)
    harness.work()


def waiting(harness: EmailHarness, name: str = "shop") -> list[tuple[str, str | None, datetime | None]]:
    """Return state, reason and due time of somebody's delivery, per notification."""
    found = []
    for notice in harness.pipeline.notices():
        with harness.pipeline.database.read() as connection:
            row = deliveries.get(connection, notice.id, key_of(name))
        if row is not None:
            found.append((row.state, row.reason, row.due_at))
    return found


def test_what_comes_at_night_waits_for_the_morning_of_the_reader(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", **NIGHT)
    harness.pipeline.subscriber("far", **NIGHT, timezone="America/Los_Angeles")
    harness.pipeline.subscriber("awake")
    post_update(harness)
    assert provider.addresses == ["awake@example.com", "far@example.com"]
    assert waiting(harness) == [("queued", "quiet_hours", datetime(2026, 3, 3, 6, 0, tzinfo=UTC))]
    harness.later(7 * HOURS - 1)
    assert "shop@example.com" not in provider.addresses
    harness.later(1)
    assert provider.addresses == ["awake@example.com", "far@example.com", "shop@example.com"]


def test_of_what_was_held_only_the_newest_is_sent_and_it_tells_all(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", **NIGHT)
    for status in (Status.INVESTIGATING, Status.IDENTIFIED, Status.RESOLVED):
        post_update(harness, status)
        harness.later(0.5 * HOURS)
    assert provider.requests == []
    harness.later(7 * HOURS)
    (request,) = provider.requests
    assert all(f"Update number {number}." in request.content.text for number in (1, 2, 3))
    assert [state for state, *_ in waiting(harness)] == ["superseded", "superseded", "accepted"]


def test_critical_passes_and_so_does_the_end_of_what_was_critical(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", **NIGHT)
    post_update(harness, impact=Impact.MAJOR)
    assert provider.requests == []
    post_update(harness, Status.IDENTIFIED, impact=Impact.CRITICAL)
    harness.later(0.5 * HOURS)
    post_update(harness, Status.RESOLVED, impact=Impact.NONE)
    assert [bool(request.recipients) for request in provider.requests] == [True, True]


def test_who_was_told_in_the_evening_hears_the_end_in_the_morning(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.now = datetime(2026, 3, 2, 20, 50, tzinfo=UTC)
    harness.pipeline.subscriber("shop", **NIGHT)
    post_update(harness)
    harness.later(0.5 * HOURS)
    post_update(harness, Status.RESOLVED)
    assert len(provider.requests) == 1
    harness.later(9 * HOURS)
    assert len(provider.requests) == 2
    assert "Update number 1." not in provider.requests[-1].content.text


def test_a_retry_that_would_come_at_night_waits_too(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.now = datetime(2026, 3, 2, 20, 59, 59, tzinfo=UTC)
    harness.pipeline.subscriber("shop", **NIGHT)
    harness.pipeline.subscriber("awake")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    harness.pipeline.now = MIDNIGHT
    harness.work()
    assert provider.addresses == ["awake@example.com"]
    assert waiting(harness)[0][:2] == ("queued", "quiet_hours")
    harness.later(7 * HOURS)
    assert provider.addresses == ["awake@example.com", "shop@example.com"]


def test_the_strictest_of_several_subscribers_guards_their_mailbox(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("loud", email="owner@example.com")
    harness.pipeline.subscriber("quiet", Preferences(components=frozenset({"pos"})), email="owner@example.com", **NIGHT)
    post_update(harness)
    assert provider.requests == []
    harness.later(7 * HOURS)
    assert provider.addresses == ["owner@example.com"]


def test_who_takes_their_quiet_hours_back_is_told_at_once(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", **NIGHT)
    harness.pipeline.subscriber("other", **NIGHT)
    post_update(harness)
    with harness.pipeline.database.write() as connection:
        connection.exec_driver_sql("UPDATE subscriber SET quiet_from = NULL, quiet_to = NULL WHERE name = 'shop'")
        assert release_deferred(connection, key_of("shop"), harness.pipeline.now) == 1
    harness.later(1)
    assert provider.addresses == ["shop@example.com"]
    harness.later(7 * HOURS)
    assert provider.addresses == ["other@example.com", "shop@example.com"]


def test_an_hour_brings_what_its_limit_allows_and_always_the_resolution(
    harness: EmailHarness, provider: Provider
) -> None:
    harness.pipeline.subscriber("shop", max_per_hour=2)
    post_update(harness)
    for status in (Status.IDENTIFIED, Status.MONITORING):
        harness.later(600)
        post_update(harness, status)
    assert len(provider.requests) == 1
    assert waiting(harness)[-1] == ("queued", "hourly_limit", datetime(2026, 3, 3, 0, 0, tzinfo=UTC))
    harness.later(600)
    post_update(harness, Status.RESOLVED)
    assert len(provider.requests) == 2
    assert all(f"Update number {number}." in provider.requests[-1].content.text for number in (2, 3, 4))
    assert [state for state, *_ in waiting(harness)] == ["accepted", "superseded", "superseded", "accepted"]


def test_what_waited_for_the_hour_is_sent_when_it_is_over(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", max_per_hour=1)
    post_update(harness)
    harness.later(600)
    post_update(harness, Status.IDENTIFIED)
    harness.later(2_999)
    assert len(provider.requests) == 1
    harness.later(1)
    assert len(provider.requests) == 2


def test_incidents_share_the_hour_of_one_mailbox(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", max_per_hour=2)
    harness.pipeline.subscriber("second shop", email="shop@example.com")
    for number in (1, 2, 3):
        post_update(harness, incident_id=f"inc-{number}", update_id=f"upd-{number}")
    assert len(provider.requests) == 1
    harness.later(HOURS)
    assert len(provider.requests) == 2


def test_what_never_arrived_uses_up_nothing(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", max_per_hour=1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    harness.work()
    with harness.pipeline.database.write() as connection:
        connection.exec_driver_sql("UPDATE batch SET state = 'failed' WHERE channel = 'email'")
    post_update(harness, incident_id="inc-2", update_id="upd-x")
    assert len(provider.requests) == 2


def test_a_morning_that_would_exceed_the_limit_is_spread(harness: EmailHarness, provider: Provider) -> None:
    harness.pipeline.subscriber("shop", **NIGHT, max_per_hour=2)
    for number in (1, 2):
        post_update(harness, incident_id=f"inc-{number}", update_id=f"upd-{number}")
    harness.later(7 * HOURS)
    assert len(provider.requests) == 1
    harness.later(HOURS)
    assert len(provider.requests) == 2
