"""News on news: what has not left makes way, per recipient, and the newer message says what it would have said."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from notifier.channels.base import TooLargeError
from notifier.domain.errors import DeliveryError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, DeliveryState, Impact, QueueName, Reason, Status
from notifier.services.dispatch.lease import LEASE
from notifier.services.dispatch.replay import Replay, ReplayOrder
from notifier.services.security.audit import Actor
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import batches
from notifier.storage.recipients import preferences
from tests.support.email_harness import Provider, build_harness, subscribe
from tests.support.pipeline_harness import START, Pipeline

STUCK = TransientDeliveryError(Reason.RATE_LIMITED, retry_after=timedelta(seconds=20))
MERCHANT = "shop-0@example.com"


def updates_in(text: str) -> list[int]:
    return [number for number in range(1, 10) if f"Update number {number}." in text]


def test_what_a_stuck_provider_held_over_an_end_and_a_new_beginning_is_told_once_and_whole(database: Database) -> None:
    provider = Provider(down=STUCK)
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    for status in (Status.INVESTIGATING, Status.RESOLVED, Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
        harness.later(300)
    provider.down = None
    harness.later(1200)
    (mail,) = provider.mails_to(MERCHANT)
    assert updates_in(mail) == [1, 2, 3, 4, 5]


def test_whom_an_end_did_not_reach_before_it_began_anew_is_told_both(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    provider.down = STUCK
    for status in (Status.RESOLVED, Status.INVESTIGATING):
        harness.pipeline.post(status)
        harness.work()
        harness.later(30)
    provider.down = None
    harness.later(300)
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1], [2, 3]]


def test_who_was_told_that_it_began_hears_the_end_though_it_began_anew_elsewhere_meanwhile(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    harness.pipeline.subscriber("shop-0", Preferences(components=frozenset({"checkout"})))
    harness.pipeline.post(Status.INVESTIGATING, components=("checkout",))
    harness.work()
    provider.down = STUCK
    harness.pipeline.post(Status.RESOLVED, components=("checkout",))
    harness.work()
    harness.pipeline.post(Status.INVESTIGATING, components=("api",))
    harness.work()
    provider.down = None
    harness.later(1200)
    harness.pipeline.post(Status.RESOLVED, components=("api",))
    harness.work()
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1], [2, 3, 4]]


def test_whose_message_made_way_gets_the_newer_one_though_it_no_longer_concerns_them(database: Database) -> None:
    provider = Provider(down=STUCK)
    harness = build_harness(database, provider)
    harness.pipeline.subscriber("shop-0", Preferences(min_impact=Impact.MAJOR))
    harness.pipeline.post(Status.INVESTIGATING, impact=Impact.MAJOR)
    harness.work()
    harness.later(61)
    harness.pipeline.post(Status.IDENTIFIED, impact=Impact.MINOR)
    harness.work()
    provider.down = None
    harness.later(1200)
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1, 2]]


def test_a_batch_whose_worker_died_makes_way_for_what_was_decided_meanwhile(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    with database.write() as connection:
        for queue, batch_id in harness.pipeline.tasks.attempts:
            if queue is QueueName.EMAIL:
                assert batches.claim(connection, batch_id, owner="dead", now=harness.pipeline.now, lease=LEASE)
    harness.pipeline.tasks.attempts.clear()
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    for _ in range(4):
        harness.later(LEASE.total_seconds())
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1, 2]]


@pytest.mark.parametrize(
    "fault",
    [
        TransientDeliveryError(Reason.SERVER_ERROR, status=500),
        OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "time-out"),
        TooLargeError("too large", status=413),
    ],
)
def test_what_fails_on_the_wire_makes_way_for_what_was_decided_meanwhile(
    database: Database, fault: DeliveryError
) -> None:
    def meanwhile(_request: MailRequest) -> DeliveryError:
        harness.pipeline.post(Status.RESOLVED)
        harness.pipeline.plan_all()
        return fault

    provider = Provider(faults=[meanwhile])
    harness = build_harness(database, provider)
    everybody = subscribe(harness, 4)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    for _ in range(3):
        harness.later(600)
    assert provider.addresses == everybody
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1, 2]]


def test_one_recipient_who_was_put_off_gets_the_newer_mail_and_the_others_only_its_news(database: Database) -> None:
    def put_off(address: str) -> DeliveryError | None:
        if address != MERCHANT:
            return None
        return TransientDeliveryError(Reason.SERVER_ERROR, "451 greylisted", status=451)

    provider = Provider(apart=[put_off])
    harness = build_harness(database, provider)
    subscribe(harness, 3)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.work()
    harness.pipeline.post(Status.RESOLVED)
    harness.work()
    for _ in range(3):
        harness.later(600)
    mails = {address: provider.mails_to(address) for address in set(provider.addresses)}
    assert [updates_in(mail) for mail in mails[MERCHANT]] == [[1], [1, 2]]  # the first is the one that was put off
    assert [updates_in(mail) for mail in mails["shop-1@example.com"]] == [[1], [2]]


@pytest.mark.parametrize("seen", ["before the newer one is planned", "after the newer one was planned"])
def test_a_batch_that_deciding_could_not_see_yet_makes_way_all_the_same(database: Database, seen: str) -> None:
    """On PostgreSQL planning an older notification and deciding a newer one may not see each other's rows."""
    provider = Provider()
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    harness.pipeline.post(Status.INVESTIGATING)
    harness.pipeline.plan_all()
    harness.pipeline.post(Status.RESOLVED)
    if seen.startswith("after"):
        harness.pipeline.plan_all()
    first = harness.pipeline.notices()[0].id
    with database.write() as connection:
        connection.execute(
            update(t.batch).where(t.batch.c.notification_id == first).values(state="queued", due_at=START)
        )
    harness.work()
    harness.later(60)
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1, 2]]
    assert harness.pipeline.delivery_states(first) == {"shop-0": "superseded"}


def test_what_somebody_asks_to_send_again_is_sent_though_there_is_newer_news(database: Database) -> None:
    provider = Provider()
    harness = build_harness(database, provider)
    subscribe(harness, 1)
    for status in (Status.INVESTIGATING, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
    first = harness.pipeline.notices()[0].public_id
    replay = Replay(database, harness.pipeline.clock, harness.pipeline.regroup)
    order = ReplayOrder(notification_id=first, states=(DeliveryState.ACCEPTED,))
    assert replay.run(order, Actor("cli:me", "here"), may_announce=True) == 1
    harness.work()
    assert [updates_in(mail) for mail in provider.mails_to(MERCHANT)] == [[1], [2], [1]]


def test_an_endpoint_that_waits_for_an_earlier_update_is_not_told_it_again_in_the_next(database: Database) -> None:
    pipeline = Pipeline(database)
    with database.write() as connection:
        wanted = preferences.ensure(connection, Preferences(channels=frozenset({Channel.WEBHOOK})))
        connection.execute(t.endpoint.insert().values(**_ENDPOINT, preference_id=wanted))
    for status in (Status.INVESTIGATING, Status.IDENTIFIED):
        pipeline.post(status)
    pipeline.plan_all()
    with database.read() as connection:
        statement = select(t.delivery.c.since).order_by(t.delivery.c.notification_id)
        assert connection.execute(statement).scalars().all() == [0, 1]


_ENDPOINT = {
    "public_id": "end_1",
    "url": "https://partner.example",
    "description": "",
    "types": [],
    "format": "standard",
    "mode": "every",
    "headers": {},
    "secrets": [],
    "state": "active",
    "state_reason": "",
    "created_at": START,
    "updated_at": START,
}


def test_what_is_held_is_told_though_a_flap_after_it_is_absorbed(database: Database) -> None:
    """The flap moves what counts as stale; what was waiting before it is not late."""
    pipeline = Pipeline(database)
    pipeline.post(Status.INVESTIGATING)
    for status, automatic in ((Status.MONITORING, False), (Status.RESOLVED, True), (Status.MONITORING, True)):
        pipeline.later(2)
        pipeline.post(status, automatic=automatic)
    pipeline.later(60)
    assert [row.update_ids for row in pipeline.notices()] == [["upd-1"], ["upd-2"]]
