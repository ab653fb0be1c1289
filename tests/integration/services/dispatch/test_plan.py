"""Who is told what over the life of an incident."""

import pytest

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, DeliveryState, Impact, Outcome, Status, UpdateLevel
from notifier.storage.database.engine import Database
from tests.support.pipeline_harness import Pipeline


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database)


def test_the_first_update_is_announced_at_once_and_the_next_after_the_window(pipeline: Pipeline) -> None:
    assert pipeline.post(Status.INVESTIGATING).outcome is Outcome.ACCEPTED
    pipeline.post(Status.IDENTIFIED)
    assert [row.update_ids for row in pipeline.notices()] == [["upd-1"]]
    pipeline.later(60)
    assert [row.update_ids for row in pipeline.notices()] == [["upd-1"], ["upd-2"]]


def test_partners_get_every_update_as_its_own_notification(pipeline: Pipeline) -> None:
    for status in (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING):
        pipeline.post(status)
    assert [row.update_ids for row in pipeline.notices(Channel.WEBHOOK)] == [["upd-1"], ["upd-2"], ["upd-3"]]


def test_who_was_told_that_it_began_is_told_that_it_ended_though_impact_and_components_changed(
    pipeline: Pipeline,
) -> None:
    pipeline.subscriber("picky", Preferences(components=frozenset({"checkout"}), min_impact=Impact.MAJOR))
    pipeline.post(Status.INVESTIGATING, impact=Impact.MAJOR, components=("checkout",))
    pipeline.plan_all()
    pipeline.settle_batches()
    pipeline.post(Status.RESOLVED, impact=Impact.NONE, components=("api",))
    pipeline.plan_all()
    first, last = pipeline.notices()
    assert pipeline.delivery_states(first.id) == {"picky": "accepted"}
    assert pipeline.delivery_states(last.id) == {"picky": "queued"}


def test_who_was_not_told_that_it_began_is_not_told_that_it_ended(pipeline: Pipeline) -> None:
    pipeline.subscriber("elsewhere", Preferences(components=frozenset({"api"})))
    pipeline.post(Status.INVESTIGATING, components=("checkout",))
    pipeline.plan_all()
    pipeline.post(Status.RESOLVED, components=("checkout", "api"))
    pipeline.plan_all()
    assert [pipeline.delivery_states(row.id) for row in pipeline.notices()] == [{}, {}]


def test_who_wants_only_the_resolution_hears_the_end_of_what_concerned_them(pipeline: Pipeline) -> None:
    pipeline.subscriber("calm", Preferences(updates=UpdateLevel.RESOLUTION, components=frozenset({"checkout"})))
    pipeline.subscriber("foreign", Preferences(updates=UpdateLevel.RESOLUTION, components=frozenset({"pos"})))
    pipeline.post(Status.INVESTIGATING, components=("checkout",))
    pipeline.plan_all()
    pipeline.post(Status.RESOLVED, components=("api",))
    pipeline.plan_all()
    assert [pipeline.delivery_states(row.id) for row in pipeline.notices()] == [{}, {"calm": "queued"}]


def test_milestones_are_the_first_notification_the_resolution_and_the_postmortem(pipeline: Pipeline) -> None:
    pipeline.subscriber("brief", Preferences(updates=UpdateLevel.MILESTONES))
    for status in (Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED, Status.POSTMORTEM):
        pipeline.post(status)
        pipeline.later(61)
        pipeline.plan_all()
        pipeline.settle_batches()
    assert [bool(pipeline.delivery_states(row.id)) for row in pipeline.notices()] == [True, False, True, True]


def test_one_address_of_two_subscribers_gets_one_mail(pipeline: Pipeline) -> None:
    pipeline.subscriber("first", email="Owner@Example.com")
    pipeline.subscriber("second", email="owner@example.com")
    pipeline.post(Status.INVESTIGATING)
    pipeline.plan_all()
    assert pipeline.delivery_states(pipeline.notices()[0].id) == {"first": "queued"}


def test_what_was_not_sent_is_superseded_and_the_newer_message_tells_it(pipeline: Pipeline) -> None:
    pipeline.subscriber("waiting")
    for number, status in enumerate((Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED)):
        pipeline.now = pipeline.now.replace(minute=number * 5)
        pipeline.post(status)
        pipeline.later(0)
        pipeline.plan_all()
    states = [pipeline.delivery_states(row.id)["waiting"] for row in pipeline.notices()]
    assert states == ["superseded", "superseded", "superseded", "queued"]
    with pipeline.database.read() as connection:
        from_the_start = connection.exec_driver_sql("SELECT since FROM batch WHERE state = 'queued'").scalars().all()
    assert set(from_the_start) == {0}


def test_someone_whose_message_failed_for_good_is_not_told_the_end(pipeline: Pipeline) -> None:
    pipeline.subscriber("broken")
    pipeline.post(Status.INVESTIGATING)
    pipeline.plan_all()
    pipeline.settle_batches(DeliveryState.FAILED)
    pipeline.post(Status.RESOLVED)
    pipeline.plan_all()
    assert pipeline.delivery_states(pipeline.notices()[1].id) == {}


def test_who_comes_into_scope_later_is_told_from_the_beginning(pipeline: Pipeline) -> None:
    pipeline.subscriber("api-user", Preferences(components=frozenset({"api"})))
    pipeline.post(Status.INVESTIGATING, components=("checkout",))
    pipeline.plan_all()
    pipeline.settle_batches()
    pipeline.later(70)
    pipeline.post(Status.IDENTIFIED, components=("checkout", "api"))
    pipeline.plan_all()
    second = pipeline.notices()[1]
    assert pipeline.delivery_states(second.id) == {"api-user": "queued"}
    assert [item["id"] for item in second.content["updates"]] == ["upd-1", "upd-2"]


def test_trouble_after_the_end_is_a_new_beginning(pipeline: Pipeline) -> None:
    pipeline.subscriber("merchant")
    for status in (Status.INVESTIGATING, Status.RESOLVED, Status.INVESTIGATING):
        pipeline.post(status)
        pipeline.plan_all()
        pipeline.settle_batches()
        pipeline.later(61)
    rounds = [row.round for row in pipeline.notices()]
    assert rounds == [1, 1, 2]
    assert pipeline.delivery_states(pipeline.notices()[2].id) == {"merchant": "accepted"}


@pytest.mark.parametrize("again", ["same id", "same content"])
def test_handing_in_the_same_news_twice_changes_nothing(pipeline: Pipeline, again: str) -> None:
    pipeline.post(Status.INVESTIGATING, "It is slow.", event_id="evt-a", update_id="upd-a")
    event_id = "evt-a" if again == "same id" else "evt-b"
    receipt = pipeline.post(Status.INVESTIGATING, "It is slow.", event_id=event_id, update_id="upd-b")
    assert receipt.outcome is Outcome.DUPLICATE
    assert len(pipeline.notices()) == 1


def test_an_update_older_than_what_was_said_is_stale(pipeline: Pipeline) -> None:
    before = pipeline.now
    pipeline.later(300)
    pipeline.post(Status.MONITORING)
    assert pipeline.post(Status.IDENTIFIED, posted_at=before).outcome is Outcome.STALE
    pipeline.later(600)
    assert [row.update_ids for row in pipeline.notices()] == [["upd-1"]]


def test_an_event_without_notify_is_recorded_and_told_to_nobody(pipeline: Pipeline) -> None:
    assert pipeline.post(Status.INVESTIGATING, notify=False).outcome is Outcome.RECORDED
    assert pipeline.notices() == []
