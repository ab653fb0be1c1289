"""Why somebody was, or was not, told: every cause named, by its rule and in words that can be sent on to them."""

from datetime import timedelta

from sqlalchemy import update

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import DeliveryState, Impact, Status
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage import tables as t
from tests.integration.services.inspection.explained import post_update
from tests.support.pipeline_harness import Pipeline


def test_preferences_changed_since_do_not_rewrite_what_happened(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", state="unsubscribed")
    post_update(pipeline)
    with pipeline.database.write() as connection:
        connection.execute(update(t.subscriber).values(state="active"))
        actor = Actor("key:support", "192.0.2.7")
        record(connection, actor, "subscriber.changed", Subject("subscriber", "shop"), at=pipeline.now, detail={})
    found = pipeline.explain.recipient("inc-1", "shop")
    (item,) = found["notifications"]
    assert "changed since" in item["words"]
    assert [(change["actor"], change["action"]) for change in found["changes"]] == [
        ("key:support", "subscriber.changed")
    ]


def test_coalescing_is_told_update_by_update(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    post_update(pipeline)
    before = pipeline.now - timedelta(minutes=5)
    for status in (Status.IDENTIFIED, Status.MONITORING):
        post_update(pipeline, status)
    pipeline.later(61)
    post_update(pipeline, Status.IDENTIFIED)
    post_update(pipeline, Status.INVESTIGATING, posted_at=before)
    post_update(pipeline, Status.MONITORING, notify=False)
    found = pipeline.explain.recipient("inc-1", "shop")
    said = {item["id"]: (item["sequence"], item["words"]) for item in found["updates"]}
    assert said["upd-1"][0] == 1
    assert said["upd-2"][0] == 2
    assert said["upd-2"][1].startswith(
        "Update upd-2 (identified): announced by e-mail in message 2, together with upd-3:"
    )
    assert said["upd-4"][0] is None
    assert "waits until 2026-03-02 10:03 (Europe/Amsterdam) to be sent by e-mail" in said["upd-4"][1]
    assert "not sent separately by e-mail: " in said["upd-5"][1]
    assert "not sent separately by e-mail: " in said["upd-6"][1]
    assert "It contains 2 updates: upd-2, upd-3." in found["notifications"][1]["words"]


def test_whoever_was_told_nothing_reads_that_an_announced_update_has_not_reached_them(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", Preferences(min_impact=Impact.CRITICAL))
    pipeline.subscriber("told")
    post_update(pipeline)
    pipeline.settle_batches(DeliveryState.DELIVERED)
    words = [pipeline.explain.recipient("inc-1", who)["updates"][0]["words"] for who in ("told", "shop")]
    said = "Update upd-1 (investigating): announced by e-mail in message 1: the incident began."
    assert words == [said, f"{said} It has not reached you."]
