"""The rule that kept a message away is named, in words its recipient can read."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.domain.values import Impact, Status, UpdateLevel
from notifier.storage import tables as t
from notifier.storage.recipients import suppressions
from tests.integration.services.inspection.explained import post_update, stopped, verdicts, why
from tests.support.pipeline_harness import START, Pipeline, key_of


@pytest.mark.parametrize(
    ("wanted", "incident", "rule", "words"),
    [
        (Preferences(channels=frozenset()), {}, "channel", "you did not choose e-mail"),
        (
            Preferences(components=frozenset({"api"})),
            {},
            "components",
            "it affected checkout, and you asked for api only",
        ),
        (
            Preferences(min_impact=Impact.CRITICAL),
            {},
            "min_impact",
            "its impact was major, and you asked for critical",
        ),
        (
            Preferences(maintenance=False),
            {"status": Status.SCHEDULED},
            "maintenance",
            "it is planned maintenance, which you chose not to receive",
        ),
        (Preferences(updates=UpdateLevel.RESOLUTION), {}, "updates", "you asked for only the end"),
    ],
)
def test_the_preference_that_kept_a_message_away_is_named(
    pipeline: Pipeline, wanted: Preferences, incident: dict[str, Any], rule: str, words: str
) -> None:
    pipeline.subscriber("shop", wanted)
    post_update(pipeline, **incident)
    (item,) = why(pipeline)
    assert item["told"] is False
    assert verdicts(item) == {rule: "stop"}
    assert item["words"] == f"Message 1 ({incident.get('status', 'investigating')}) was not sent to you: {words}."


def opted_out(pipeline: Pipeline) -> None:
    with pipeline.database.write() as connection:
        suppressions.opt_out(connection, "inc-1", key_of("shop"), START)


def nothing(pipeline: Pipeline) -> None:
    del pipeline


@pytest.mark.parametrize(
    ("columns", "before", "rule", "words"),
    [
        ({"state": "pending"}, nothing, "state", "you had not confirmed your subscription"),
        ({"state": "unsubscribed"}, nothing, "state", "you had unsubscribed"),
        ({"state": "suppressed"}, nothing, "state", "your address does not accept our mail"),
        (
            {},
            lambda pipeline: stopped(pipeline, SuppressionReason.BOUNCED),
            "suppression",
            "your mail server permanently rejected our mail on 2026-03-01 10:00 (Europe/Amsterdam)",
        ),
        (
            {},
            lambda pipeline: stopped(pipeline, SuppressionReason.COMPLAINED),
            "suppression",
            "a mail of ours was marked as spam on 2026-03-01 10:00 (Europe/Amsterdam)",
        ),
        (
            {},
            opted_out,
            "opt_out",
            "you unsubscribed from this incident on 2026-03-02 10:00 (Europe/Amsterdam)",
        ),
    ],
)
def test_what_stands_before_every_preference_is_named(
    pipeline: Pipeline, columns: dict[str, Any], before: Callable[[Pipeline], None], rule: str, words: str
) -> None:
    pipeline.subscriber("shop", **columns)
    before(pipeline)
    post_update(pipeline)
    (item,) = why(pipeline)
    assert verdicts(item) == {rule: "stop"}
    assert item["words"] == f"Message 1 (investigating) was not sent to you: {words}."


def test_who_has_no_address_is_told_so(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", address_key=None)
    with pipeline.database.write() as connection:
        connection.execute(update(t.subscriber).values(email=None))
    post_update(pipeline)
    (item,) = why(pipeline)
    assert verdicts(item) == {"address": "stop"}


def test_who_subscribed_after_it_was_sent_is_told_so(pipeline: Pipeline) -> None:
    post_update(pipeline)
    pipeline.now += timedelta(hours=1)
    pipeline.subscriber("shop")
    (item,) = why(pipeline)
    assert verdicts(item) == {"subscribed_in_time": "stop"}
    assert "you subscribed on 2026-03-02 11:00 (Europe/Amsterdam), after it had been sent" in item["words"]


def test_who_did_not_hear_the_beginning_learns_why_the_end_was_not_sent(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", Preferences(components=frozenset({"api"})))
    post_update(pipeline)
    post_update(pipeline, Status.RESOLVED, components=("checkout", "api"))
    last = why(pipeline)[-1]
    assert verdicts(last) == {"told_it_began": "stop"}
    assert "you were not notified of its start, so you were not notified of its end" in last["words"]


def test_who_wants_the_end_alone_learns_that_it_never_concerned_them(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", Preferences(components=frozenset({"api"}), updates=UpdateLevel.RESOLUTION))
    post_update(pipeline)
    post_update(pipeline, Status.RESOLVED)
    assert verdicts(why(pipeline)[-1]) == {"in_scope_while_it_ran": "stop"}
