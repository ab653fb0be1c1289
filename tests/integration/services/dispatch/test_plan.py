"""Who is told what over the life of an incident."""

import pytest

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, DeliveryState, Impact, Outcome, Status, UpdateLevel
from notifier.storage.database.engine import Database
from tests.spine import Spine


@pytest.fixture
def spine(database: Database) -> Spine:
    return Spine(database)


def test_the_first_update_is_announced_at_once_and_the_next_after_the_window(spine: Spine) -> None:
    assert spine.post(Status.INVESTIGATING).outcome is Outcome.ACCEPTED
    spine.post(Status.IDENTIFIED)
    assert [row.update_ids for row in spine.notices()] == [["upd-1"]]
    spine.later(60)
    assert [row.update_ids for row in spine.notices()] == [["upd-1"], ["upd-2"]]


def test_partners_get_every_update_as_its_own_notification(spine: Spine) -> None:
    for status in (Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING):
        spine.post(status)
    assert [row.update_ids for row in spine.notices(Channel.WEBHOOK)] == [["upd-1"], ["upd-2"], ["upd-3"]]


def test_who_was_told_that_it_began_is_told_that_it_ended_though_impact_and_components_changed(spine: Spine) -> None:
    spine.subscriber("picky", Preferences(components=frozenset({"checkout"}), min_impact=Impact.MAJOR))
    spine.post(Status.INVESTIGATING, impact=Impact.MAJOR, components=("checkout",))
    spine.plan_all()
    spine.settle_batches()
    spine.post(Status.RESOLVED, impact=Impact.NONE, components=("api",))
    spine.plan_all()
    first, last = spine.notices()
    assert spine.told(first.id) == {"picky": "accepted"}
    assert spine.told(last.id) == {"picky": "queued"}


def test_who_was_not_told_that_it_began_is_not_told_that_it_ended(spine: Spine) -> None:
    spine.subscriber("elsewhere", Preferences(components=frozenset({"api"})))
    spine.post(Status.INVESTIGATING, components=("checkout",))
    spine.plan_all()
    spine.post(Status.RESOLVED, components=("checkout", "api"))
    spine.plan_all()
    assert [spine.told(row.id) for row in spine.notices()] == [{}, {}]


def test_who_wants_only_the_resolution_hears_the_end_of_what_concerned_them(spine: Spine) -> None:
    spine.subscriber("calm", Preferences(updates=UpdateLevel.RESOLUTION, components=frozenset({"checkout"})))
    spine.subscriber("foreign", Preferences(updates=UpdateLevel.RESOLUTION, components=frozenset({"pos"})))
    spine.post(Status.INVESTIGATING, components=("checkout",))
    spine.plan_all()
    spine.post(Status.RESOLVED, components=("api",))
    spine.plan_all()
    assert [spine.told(row.id) for row in spine.notices()] == [{}, {"calm": "queued"}]


def test_milestones_are_the_first_notification_the_resolution_and_the_postmortem(spine: Spine) -> None:
    spine.subscriber("brief", Preferences(updates=UpdateLevel.MILESTONES))
    for status in (Status.INVESTIGATING, Status.MONITORING, Status.RESOLVED, Status.POSTMORTEM):
        spine.post(status)
        spine.later(61)
        spine.plan_all()
        spine.settle_batches()
    assert [bool(spine.told(row.id)) for row in spine.notices()] == [True, False, True, True]


def test_one_address_of_two_subscribers_gets_one_mail(spine: Spine) -> None:
    spine.subscriber("first", email="Owner@Example.com")
    spine.subscriber("second", email="owner@example.com")
    spine.post(Status.INVESTIGATING)
    spine.plan_all()
    assert spine.told(spine.notices()[0].id) == {"first": "queued"}


def test_what_was_not_sent_is_superseded_and_the_newer_message_tells_it(spine: Spine) -> None:
    spine.subscriber("waiting")
    for number, status in enumerate((Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED)):
        spine.now = spine.now.replace(minute=number * 5)
        spine.post(status)
        spine.later(0)
        spine.plan_all()
    states = [spine.told(row.id)["waiting"] for row in spine.notices()]
    assert states == ["superseded", "superseded", "superseded", "queued"]
    with spine.database.read() as connection:
        from_the_start = connection.exec_driver_sql("SELECT since FROM batch WHERE state = 'queued'").scalars().all()
    assert set(from_the_start) == {0}


def test_someone_whose_message_failed_for_good_is_not_told_the_end(spine: Spine) -> None:
    spine.subscriber("broken")
    spine.post(Status.INVESTIGATING)
    spine.plan_all()
    spine.settle_batches(DeliveryState.FAILED)
    spine.post(Status.RESOLVED)
    spine.plan_all()
    assert spine.told(spine.notices()[1].id) == {}


def test_who_comes_into_scope_later_is_told_from_the_beginning(spine: Spine) -> None:
    spine.subscriber("api-user", Preferences(components=frozenset({"api"})))
    spine.post(Status.INVESTIGATING, components=("checkout",))
    spine.plan_all()
    spine.settle_batches()
    spine.later(70)
    spine.post(Status.IDENTIFIED, components=("checkout", "api"))
    spine.plan_all()
    second = spine.notices()[1]
    assert spine.told(second.id) == {"api-user": "queued"}
    assert [item["id"] for item in second.content["updates"]] == ["upd-1", "upd-2"]


def test_trouble_after_the_end_is_a_new_beginning(spine: Spine) -> None:
    spine.subscriber("merchant")
    for status in (Status.INVESTIGATING, Status.RESOLVED, Status.INVESTIGATING):
        spine.post(status)
        spine.plan_all()
        spine.settle_batches()
        spine.later(61)
    rounds = [row.round for row in spine.notices()]
    assert rounds == [1, 1, 2]
    assert spine.told(spine.notices()[2].id) == {"merchant": "accepted"}


@pytest.mark.parametrize("again", ["same id", "same content"])
def test_handing_in_the_same_news_twice_changes_nothing(spine: Spine, again: str) -> None:
    spine.post(Status.INVESTIGATING, "It is slow.", event_id="evt-a", update_id="upd-a")
    event_id = "evt-a" if again == "same id" else "evt-b"
    receipt = spine.post(Status.INVESTIGATING, "It is slow.", event_id=event_id, update_id="upd-b")
    assert receipt.outcome is Outcome.DUPLICATE
    assert len(spine.notices()) == 1


def test_an_update_older_than_what_was_said_is_stale(spine: Spine) -> None:
    before = spine.now
    spine.later(300)
    spine.post(Status.MONITORING)
    assert spine.post(Status.IDENTIFIED, posted_at=before).outcome is Outcome.STALE
    spine.later(600)
    assert [row.update_ids for row in spine.notices()] == [["upd-1"]]


def test_an_event_without_notify_is_recorded_and_told_to_nobody(spine: Spine) -> None:
    assert spine.post(Status.INVESTIGATING, notify=False).outcome is Outcome.RECORDED
    assert spine.notices() == []
