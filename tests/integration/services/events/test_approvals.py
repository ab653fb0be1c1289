import pytest
from sqlalchemy import update

from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import Channel, Impact, Outcome, Status
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.integration.services.events.test_held_content import CAREFUL, ME, Desk


def test_what_is_held_is_shown_by_its_release_and_never_when_it_is_called_off(database: Database) -> None:
    desk = Desk(database, CAREFUL)
    assert desk.pipeline.post(Status.INVESTIGATING, "From a script.", guarded=True).held
    desk.pipeline.post(Status.IDENTIFIED, "A second.", guarded=True, notify=False)
    desk.harness.later(120)
    assert (desk.public(), desk.provider.addresses) == ([], [])
    assert desk.flags() == [(True, True, True), (False, True, True)]
    waiting = desk.history.held()[0]
    assert (waiting["body"], waiting["status"]) == ({"en": "From a script."}, "investigating")
    desk.release.release(waiting["id"], ME)
    desk.harness.work()
    assert desk.public() == ["From a script."]
    assert len(desk.provider.addresses) == 2
    desk.release.release(desk.held()[0], ME)
    desk.harness.later(120)
    assert desk.public() == ["From a script.", "A second."]
    assert len(desk.provider.addresses) == 2
    desk.pipeline.post(Status.MONITORING, "A third.", guarded=True)
    for channel in Channel:
        for public_id in desk.held(channel):
            assert desk.release.cancel(public_id, ME)["state"] == "canceled"
    desk.harness.later(120)
    assert "A third." not in desk.public()
    assert len(desk.provider.addresses) == 2
    assert desk.history.incident("inc-1")["status"] == "identified"


def test_what_the_version_before_held_is_released_with_all_it_was_to_tell(database: Database) -> None:
    desk = Desk(database, BlastGuardPolicy())
    desk.pipeline.post(Status.INVESTIGATING, "Told.")
    desk.harness.work()
    desk.pipeline.post(Status.IDENTIFIED, "Held one.")
    desk.pipeline.post(Status.MONITORING, "Held two.")
    desk.pipeline.later(61)
    with database.write() as connection:  # that version held whole messages, and the channel counted them as told
        connection.execute(update(t.notification).where(t.notification.c.state == "planning").values(state="held"))
    desk.pipeline.tasks.plans.clear()
    assert desk.release.release(desk.held()[0], ME)["state"] == "planning"
    desk.harness.work()
    last = desk.provider.mails_to("smith@example.com")[-1]
    assert "Held one." in last
    assert "Held two." in last
    for public_id in desk.held(Channel.WEBHOOK):
        desk.release.cancel(public_id, ME)
    desk.harness.later(120)
    assert len(desk.provider.addresses) == 4


@pytest.mark.parametrize("word", ["release", "cancel"])
def test_a_held_edit_changes_nothing_before_it_is_released(database: Database, word: str) -> None:
    desk = Desk(database, CAREFUL)
    desk.pipeline.post(Status.INVESTIGATING, "Told.", update_id="u", impact=Impact.MINOR)
    desk.harness.later(120)
    edit = desk.pipeline.post(Status.IDENTIFIED, "Edited.", update_id="u", impact=Impact.CRITICAL, guarded=True)
    assert (edit.outcome, edit.held) == (Outcome.ACCEPTED, True)
    desk.harness.later(120)
    assert desk.public() == ["Told."]
    assert desk.history.incident("inc-1")["impact"] == "minor"
    assert len(desk.provider.addresses) == 2
    if word == "release":
        desk.release.release(desk.held()[0], ME)
    else:
        for channel in Channel:
            desk.release.cancel(desk.held(channel)[0], ME)
    desk.harness.later(1)
    released = word == "release"
    assert desk.public() == (["Edited."] if released else ["Told."])
    assert desk.history.incident("inc-1")["impact"] == ("critical" if released else "minor")
    assert len(desk.provider.addresses) == (4 if released else 2)
    assert desk.flags() == [(True, True, False)]


def test_an_edit_of_a_held_update_is_released_under_a_name_of_its_own(database: Database) -> None:
    desk = Desk(database, CAREFUL)
    desk.pipeline.post(Status.INVESTIGATING, "First words.", update_id="u", guarded=True)
    (first,) = desk.held()
    desk.pipeline.post(Status.INVESTIGATING, "Other words.", update_id="u", guarded=True)
    (second,) = desk.held()
    assert first != second  # who releases `first` has not read the other words
    desk.release.release(second, ME)
    desk.harness.work()
    assert desk.public() == ["Other words."]
