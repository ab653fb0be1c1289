"""What became of a message, in sentences."""

from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.domain.values import DeliveryState, Status
from notifier.storage.database.engine import Database
from tests.integration.services.inspection.explained import post_update, verdicts, why
from tests.support.email_harness import Provider, build_harness
from tests.support.pipeline_harness import Pipeline

NIGHT: dict[str, Any] = {"quiet_from": 22 * 60, "quiet_to": 7 * 60}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DeliveryState.QUEUED, "is waiting to be sent"),
        (DeliveryState.SENDING, "is being sent to the mail provider now"),
        (DeliveryState.ACCEPTED, "was accepted by the mail provider"),
        (DeliveryState.DELIVERED, "was delivered to your mail server"),
        (DeliveryState.FAILED, "could not be sent, and we stopped trying"),
        (DeliveryState.BOUNCED, "was sent, but your mail server rejected it"),
        (DeliveryState.SUPPRESSED, "was not sent, because mail to your address was stopped before"),
        (DeliveryState.CANCELED, "was canceled"),
    ],
)
def test_what_became_of_a_delivery_is_said_in_words(pipeline: Pipeline, state: DeliveryState, words: str) -> None:
    pipeline.subscriber("shop")
    post_update(pipeline)
    pipeline.settle_batches(state)
    (item,) = why(pipeline)
    assert item["words"] == f"Message 1 (investigating) {words}."
    assert verdicts(item) == {}


def test_a_message_that_was_replaced_says_by_which(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    post_update(pipeline)
    post_update(pipeline, Status.RESOLVED)
    first, last = why(pipeline)
    assert (first["replaced_by"], first["told"]) == (2, False)
    assert "was replaced before it was sent: message 2 says the same and more" in first["words"]
    assert "is waiting to be sent" in last["words"]


def test_what_waits_for_the_morning_says_so_and_later_that_it_did(database: Database) -> None:
    harness = build_harness(database, Provider())
    harness.pipeline.now = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    harness.pipeline.subscriber("shop", **NIGHT)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    (item,) = why(harness.pipeline)
    assert verdicts(item) == {"quiet_hours": "wait"}
    assert "waits for the end of your quiet hours, at 2026-03-03 07:00 (Europe/Amsterdam)" in item["words"]
    harness.later(7 * 3600)
    (item,) = why(harness.pipeline)
    assert item["told"] is True
    assert "It waited: it arrived during your quiet hours, which ended at 2026-03-03 07:00" in item["words"]


def test_what_exceeds_the_hour_says_so(database: Database) -> None:
    harness = build_harness(database, Provider())
    harness.pipeline.subscriber("shop", max_per_hour=2)
    for status in (Status.INVESTIGATING, Status.IDENTIFIED):
        harness.pipeline.post(status)
        harness.work()
        harness.later(600)
    first, second = why(harness.pipeline)
    assert verdicts(first) == {}
    assert verdicts(second) == {"hourly_limit": "wait"}
    assert "waits until 2026-03-02 11:00 (Europe/Amsterdam), because of the hourly limit" in second["words"]


def test_a_mail_in_the_name_of_another_subscription_says_so(pipeline: Pipeline) -> None:
    pipeline.subscriber("first", email="shop@example.com")
    pipeline.subscriber("shop")
    post_update(pipeline)
    (item,) = why(pipeline)
    assert "in the name of another subscription with the same address" in item["words"]


def test_what_is_not_planned_yet_says_so(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    pipeline.post(Status.INVESTIGATING)
    (item,) = why(pipeline)
    assert item["words"] == (
        "Message 1 (investigating) is being prepared: it is meant for you and has no place in the queue yet."
    )
