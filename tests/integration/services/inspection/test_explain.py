"""Why somebody was, or was not, told: every cause named, by its rule and in words that can be sent on to them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from notifier.domain.errors import NotFoundError, UnknownRecipientError
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, DeliveryState, Impact, Status, UpdateLevel
from notifier.services.inspection.explain import Explain
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation, provider_inbox
from notifier.storage.operations.provider_inbox import ReportedEvent
from notifier.storage.recipients import preferences, suppressions
from tests.support.email_harness import Provider, build_harness
from tests.support.pipeline_harness import PEPPER, START, Pipeline, key_of

NIGHT: dict[str, Any] = {"quiet_from": 22 * 60, "quiet_to": 7 * 60}


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database)


def tell(pipeline: Pipeline, status: Status = Status.INVESTIGATING, **incident: Any) -> None:
    pipeline.post(status, **incident)
    pipeline.plan_all()


def why(pipeline: Pipeline, who: str = "shop") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pipeline.explain.recipient("inc-1", who)["notifications"]
    return found


def verdicts(item: dict[str, Any]) -> dict[str, str]:
    return {rule["rule"]: rule["verdict"] for rule in item["rules"] if rule["verdict"] != "pass"}


# --- not told: the rule, and the sentence --------------------------------------------------------------------------


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
    tell(pipeline, **incident)
    (item,) = why(pipeline)
    assert item["told"] is False
    assert verdicts(item) == {rule: "stop"}
    assert item["words"] == f"Message 1 ({incident.get('status', 'investigating')}) was not sent to you: {words}."


def stopped(pipeline: Pipeline, reason: SuppressionReason) -> None:
    with pipeline.database.write() as connection:
        item = Suppression(channel=Channel.EMAIL, reason=reason, since=START - timedelta(days=1))
        suppressions.add(connection, key_of("shop"), item)


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
    tell(pipeline)
    (item,) = why(pipeline)
    assert verdicts(item) == {rule: "stop"}
    assert item["words"] == f"Message 1 (investigating) was not sent to you: {words}."


def test_who_has_no_address_is_told_so(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", address_key=None)
    with pipeline.database.write() as connection:
        connection.execute(update(t.subscriber).values(email=None))
    tell(pipeline)
    (item,) = why(pipeline)
    assert verdicts(item) == {"address": "stop"}


def test_who_subscribed_after_it_was_sent_is_told_so(pipeline: Pipeline) -> None:
    tell(pipeline)
    pipeline.now += timedelta(hours=1)
    pipeline.subscriber("shop")
    (item,) = why(pipeline)
    assert verdicts(item) == {"subscribed_in_time": "stop"}
    assert "you subscribed on 2026-03-02 11:00 (Europe/Amsterdam), after it had been sent" in item["words"]


def test_who_did_not_hear_the_beginning_learns_why_the_end_was_not_sent(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", Preferences(components=frozenset({"api"})))
    tell(pipeline)
    tell(pipeline, Status.RESOLVED, components=("checkout", "api"))
    last = why(pipeline)[-1]
    assert verdicts(last) == {"told_it_began": "stop"}
    assert "you were not notified of its start, so you were not notified of its end" in last["words"]


def test_who_wants_the_end_alone_learns_that_it_never_concerned_them(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", Preferences(components=frozenset({"api"}), updates=UpdateLevel.RESOLUTION))
    tell(pipeline)
    tell(pipeline, Status.RESOLVED)
    assert verdicts(why(pipeline)[-1]) == {"in_scope_while_it_ran": "stop"}


def test_preferences_changed_since_do_not_rewrite_what_happened(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", state="unsubscribed")
    tell(pipeline)
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


# --- told: what became of it, and the evidence ---------------------------------------------------------------------


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
    tell(pipeline)
    pipeline.settle_batches(state)
    (item,) = why(pipeline)
    assert item["words"] == f"Message 1 (investigating) {words}."
    assert verdicts(item) == {}


def test_a_message_that_was_replaced_says_by_which(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    tell(pipeline)
    tell(pipeline, Status.RESOLVED)
    first, last = why(pipeline)
    assert (first["replaced_by"], first["told"]) == (2, False)
    assert "was replaced before it was sent: message 2 says the same and more" in first["words"]
    assert "is waiting to be sent" in last["words"]


def test_attempts_and_what_the_provider_reported_are_the_evidence(database: Database) -> None:
    harness = build_harness(database, Provider(name="sendgrid"))
    harness.pipeline.subscriber("shop")
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    (notice,) = harness.pipeline.notices()
    bounce = ReportedEvent(
        id="ev-1",
        kind="bounce",
        body={"reason": "550 no such user", "at": "2026-03-02T09:00:07+00:00"},
        notification_id=notice.id,
        recipient_key=key_of("shop"),
    )
    with database.write() as connection:
        provider_inbox.add_many(connection, [bounce], harness.pipeline.now)
        connection.execute(update(t.delivery).values(state="bounced", updated_at=harness.pipeline.now))
    (item,) = why(harness.pipeline)
    assert [attempt["outcome"] for attempt in item["delivery"]["attempts"]] == ["accepted"]
    assert item["delivery"]["provider"] == "sendgrid"
    assert item["delivery"]["evidence"] == [
        {"kind": "bounce", "at": "2026-03-02T09:00:07+00:00", "facts": {"reason": "550 no such user"}}
    ]
    assert "it responded: 550 no such user" in item["words"]


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
    tell(pipeline)
    (item,) = why(pipeline)
    assert "in the name of another subscription with the same address" in item["words"]


def test_what_is_not_planned_yet_says_so(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    pipeline.post(Status.INVESTIGATING)
    (item,) = why(pipeline)
    assert item["words"] == (
        "Message 1 (investigating) is being prepared: it is meant for you and has no place in the queue yet."
    )


def test_coalescing_is_told_update_by_update(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    tell(pipeline)
    before = pipeline.now - timedelta(minutes=5)
    for status in (Status.IDENTIFIED, Status.MONITORING):
        tell(pipeline, status)
    pipeline.later(61)
    tell(pipeline, Status.IDENTIFIED)
    tell(pipeline, Status.INVESTIGATING, posted_at=before)
    tell(pipeline, Status.MONITORING, notify=False)
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


# --- endpoints, and who is unknown ---------------------------------------------------------------------------------


def an_endpoint(pipeline: Pipeline, **changes: Any) -> None:
    with pipeline.database.write() as connection:
        wanted = preferences.ensure(connection, Preferences(channels=frozenset({Channel.WEBHOOK})))
        row = {
            "public_id": "end_1",
            "url": "https://partner.example/hook",
            "description": "",
            "subscriber": "shop",
            "preference_id": wanted,
            "types": [],
            "format": "standard",
            "mode": "every",
            "headers": {},
            "secrets": [],
            "state": "active",
            "state_reason": "",
            "created_at": pipeline.now,
            "updated_at": pipeline.now,
        }
        connection.execute(t.endpoint.insert().values(row | changes))


@pytest.mark.parametrize(
    ("changes", "stops", "words"),
    [
        ({}, {}, "is waiting to be sent"),
        (
            {"state": "disabled", "state_reason": "gone"},
            {"state": "stop"},
            "was not sent to you: the endpoint is disabled gone",
        ),
    ],
)
def test_the_endpoints_of_a_partner_are_explained_too(
    pipeline: Pipeline, changes: dict[str, Any], stops: dict[str, str], words: str
) -> None:
    pipeline.subscriber("shop")
    an_endpoint(pipeline, **changes)
    tell(pipeline)
    by_mail, by_hook = why(pipeline)
    assert (by_mail["channel"], by_hook["channel"], by_hook["recipient"]) == ("email", "webhook", "end_1")
    assert verdicts(by_hook) == stops
    assert words in by_hook["words"]


def an_account(pipeline: Pipeline, name: str, *, active: bool = True) -> None:
    with pipeline.database.write() as connection:
        row = {"name": name, "platform": "x", "locale": "nl", "active": active}
        connection.execute(t.account.insert().values(row))


def test_an_endpoint_that_belongs_to_nobody_is_explained_by_its_own_id(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop")
    an_endpoint(pipeline, subscriber=None, state="disabled", state_reason="gone")
    tell(pipeline)
    actor = Actor("key:support", "192.0.2.7")
    with pipeline.database.write() as connection:
        record(connection, actor, "endpoint.enabled", Subject("endpoint", "end_1"), at=pipeline.now, detail={})
    found = pipeline.explain.recipient("inc-1", "end_1")
    (item,) = found["notifications"]
    assert (found["subscriber"], item["subscriber"], item["channel"]) == ("end_1", None, "webhook")
    assert verdicts(item) == {"state": "stop"}
    assert found["summary"] == "You were told 0 of 1 messages about this incident by webhook to end_1."
    assert [change["action"] for change in found["changes"]] == ["endpoint.enabled"]


def test_an_account_is_explained_by_its_name(pipeline: Pipeline) -> None:
    an_account(pipeline, "x-nl")
    an_account(pipeline, "x-old", active=False)
    tell(pipeline)
    pipeline.settle_batches(DeliveryState.ACCEPTED)
    (posted,), (not_posted,) = why(pipeline, "x-nl"), why(pipeline, "x-old")
    assert (posted["told"], posted["recipient"], verdicts(posted)) == (True, "x-nl", {})
    assert verdicts(not_posted) == {"account": "stop"}
    assert not_posted["words"] == ("Message 1 (investigating) was not posted: the account is no longer configured.")
    summaries = [pipeline.explain.recipient("inc-1", name)["summary"] for name in ("x-nl", "x-old")]
    assert summaries == [f"{n} posted {k} of 1 messages about this incident." for n, k in (("x-nl", 1), ("x-old", 0))]
    (update_of_old,) = pipeline.explain.recipient("inc-1", "x-old")["updates"]
    assert update_of_old["words"].endswith("This account has not posted it.")


def test_an_address_stands_for_everybody_who_has_it(pipeline: Pipeline) -> None:
    with pipeline.database.write() as connection:
        installation.put(connection, installation.PEPPER, PEPPER)
    pipeline.subscriber("first", email="owner@example.com")
    pipeline.subscriber("second", Preferences(min_impact=Impact.CRITICAL), email="owner@example.com")
    pipeline.subscriber("other")
    tell(pipeline)
    pipeline.settle_batches(DeliveryState.DELIVERED)
    found = pipeline.explain.recipient("inc-1", " owner@EXAMPLE.com ")
    assert [item["subscriber"] for item in found["notifications"]] == ["first", "second"]
    assert [verdicts(item) for item in found["notifications"]] == [{}, {"min_impact": "stop"}]
    assert "as first." in found["summary"]
    assert "as second." in found["summary"]
    assert not any("has not reached you" in item["words"] for item in found["updates"])


def test_whoever_was_told_nothing_reads_that_an_announced_update_has_not_reached_them(pipeline: Pipeline) -> None:
    pipeline.subscriber("shop", Preferences(min_impact=Impact.CRITICAL))
    pipeline.subscriber("told")
    tell(pipeline)
    pipeline.settle_batches(DeliveryState.DELIVERED)
    words = [pipeline.explain.recipient("inc-1", who)["updates"][0]["words"] for who in ("told", "shop")]
    said = "Update upd-1 (investigating): announced by e-mail in message 1: the incident began."
    assert words == [said, f"{said} It has not reached you."]


@pytest.mark.parametrize("asked", ["nobody", "nobody@example.com", "@", "end_2", "x-nl", ""])
def test_who_is_nobody_is_refused_by_field_and_not_repeated(pipeline: Pipeline, asked: str) -> None:
    pipeline.subscriber("shop")
    tell(pipeline)
    with pytest.raises(
        UnknownRecipientError, match=r"^subscriber: names nobody we know: give the external id"
    ) as refused:
        pipeline.explain.recipient("inc-1", asked)
    assert "nobody@" not in str(refused.value)


@pytest.mark.parametrize("ask", [lambda e: e("inc-9", "shop"), lambda e: e("inc-1", "nobody")])
def test_an_unknown_incident_or_subscriber_is_named(pipeline: Pipeline, ask: Callable[[Explain], object]) -> None:
    pipeline.subscriber("shop")
    tell(pipeline)
    with pytest.raises(NotFoundError):
        ask(pipeline.explain)
