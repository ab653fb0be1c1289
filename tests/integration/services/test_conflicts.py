"""Nobody contradicts a colleague unread (`after`), and everything stored says who handed it in."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from notifier.domain.errors import InvalidInputError, OutdatedError
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import Outcome, Status
from notifier.services.dispatch.replay import Replay, ReplayOrder
from notifier.services.events.approvals import Release
from notifier.services.events.blast_guard import BlastGuard
from notifier.services.events.ingest import Receipt
from notifier.services.security.audit import Actor
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline
from notifier.storage.notifications import approvals
from notifier.storage.operations import audit
from tests.support.pipeline_harness import Pipeline

ANN, BEN = {"author": "key:key_1 (ann)", "origin": "192.0.2.1"}, {"author": "key:key_2 (ben)", "origin": "192.0.2.2"}


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database)


def counts(pipeline: Pipeline) -> list[int]:
    """Rows of everything that an event leaves behind."""
    tables = (t.incident, t.incident_update, t.event, t.audit_entry, t.notification)
    with pipeline.database.read() as connection:
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def published(pipeline: Pipeline) -> Sequence[Any]:
    """The audit trail's entries about events, oldest first."""
    with pipeline.database.read() as connection:
        return audit.page(connection, limit=100, object_kind="event")[::-1]


def test_an_event_whose_author_missed_a_later_update_is_refused_and_leaves_nothing(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, **ANN)
    pipeline.now += timedelta(seconds=30)
    pipeline.post(Status.RESOLVED, **ANN)
    before = counts(pipeline)
    with pytest.raises(OutdatedError) as refused:
        pipeline.post(Status.IDENTIFIED, after="upd-1", event_id="late", update_id="late", **BEN)
    assert refused.value.newest == {
        "id": "upd-2",
        "status": "resolved",
        "posted_at": "2026-03-02T09:00:30Z",
        "author": ANN["author"],
    }
    assert counts(pipeline) == before
    # The same event on top of what is there now: its id was not used up.
    assert pipeline.post(Status.IDENTIFIED, after="upd-2", event_id="late", **BEN).outcome is Outcome.ACCEPTED


def test_what_is_latest_is_what_readers_see_last_whatever_came_in_last(pipeline: Pipeline) -> None:
    pipeline.now += timedelta(hours=1)
    pipeline.post(Status.IDENTIFIED, update_id="newest")
    pipeline.post(Status.INVESTIGATING, update_id="late", posted_at=pipeline.now - timedelta(minutes=30))
    with pytest.raises(OutdatedError):
        pipeline.post(Status.MONITORING, after="late")
    assert pipeline.post(Status.MONITORING, after="newest").outcome is Outcome.ACCEPTED


def test_updates_of_the_same_instant_are_ordered_by_arrival_and_silent_ones_count(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, update_id="first")
    pipeline.post(Status.IDENTIFIED, update_id="silent", notify=False)
    with pytest.raises(OutdatedError) as refused:
        pipeline.post(Status.MONITORING, after="first")
    assert refused.value.newest["id"] == "silent"


@pytest.mark.parametrize("incident", ["inc-1", "inc-unknown"])
def test_an_unknown_update_is_the_fault_of_after(pipeline: Pipeline, incident: str) -> None:
    pipeline.post(Status.INVESTIGATING)
    before = counts(pipeline)
    with pytest.raises(InvalidInputError) as refused:
        pipeline.post(Status.RESOLVED, after="upd-of-nobody", incident_id=incident)
    assert [error.field for error in refused.value.errors] == ["after"]
    assert counts(pipeline) == before


def test_a_repeat_is_a_duplicate_however_outdated_it_is_by_now(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, "One.", event_id="first", update_id="u-1")
    first, again = (
        pipeline.post(Status.IDENTIFIED, "Two.", event_id="second", update_id="u-2", after="u-1") for _ in range(2)
    )
    assert (first.outcome, again.outcome) == (Outcome.ACCEPTED, Outcome.DUPLICATE)
    assert not again.reused


def test_a_known_event_id_with_another_content_says_that_nothing_was_changed(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, "One.", event_id="e", update_id="u")
    other = pipeline.post(Status.INVESTIGATING, "Another one.", event_id="e", update_id="u")
    assert (other.outcome, other.reused) == (Outcome.DUPLICATE, True)
    assert other.reason == ("event e was already published with different content; nothing was changed; use a new id")
    pipeline.now += timedelta(hours=1)  # only the time is another: the same form was sent twice
    same = pipeline.post(Status.INVESTIGATING, "One.", event_id="e", update_id="u")
    assert (same.outcome, same.reused) == (Outcome.DUPLICATE, False)
    with pipeline.database.write() as connection:  # as a version before stored it
        connection.execute(t.event.update().values(digest=None))
    assert not pipeline.post(Status.INVESTIGATING, "Another one.", event_id="e", update_id="u").reused


def test_of_two_colleagues_who_answer_the_same_update_at_once_one_is_told_of_the_other(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, update_id="first")
    both, answers = threading.Barrier(2), list[Receipt | OutdatedError]()

    def send(name: str, status: Status) -> None:
        both.wait(10)
        try:
            answers.append(pipeline.post(status, name, event_id=name, update_id=name, after="first", author=name))
        except OutdatedError as error:
            answers.append(error)

    threads = [
        threading.Thread(target=send, args=pair) for pair in (("ann", Status.RESOLVED), ("ben", Status.MONITORING))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    (refused,) = [answer for answer in answers if isinstance(answer, OutdatedError)]
    (taken,) = [answer for answer in answers if isinstance(answer, Receipt)]
    assert refused.newest["id"] == refused.newest["author"] == taken.event_id
    with pipeline.database.read() as connection:
        assert [entry.update_id for entry in timeline.entries(connection, "inc-1")] == ["first", taken.event_id]


def test_who_published_is_stored_with_the_event_its_update_and_the_audit_trail(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, "One.", **ANN)
    pipeline.post(Status.INVESTIGATING, "One, spelled well.", update_id="upd-1", **BEN)
    pipeline.post(Status.RESOLVED, notify=False)
    with pipeline.database.read() as connection:
        events = [(row.author, row.origin) for row in connection.execute(select(t.event).order_by(t.event.c.id))]
        updates = [row.author for row in timeline.full_updates(connection, "inc-1")]
    assert events == [tuple(ANN.values()), tuple(BEN.values()), (None, None)]
    assert updates == [BEN["author"], None]
    entries = published(pipeline)
    assert [(row.actor, row.origin) for row in entries] == [
        tuple(ANN.values()),
        tuple(BEN.values()),
        ("system", "scheduler"),
    ]
    assert [(row.action, row.object_id, row.detail["outcome"]) for row in entries] == [
        ("event.published", "evt-1", "accepted"),
        ("event.published", "evt-2", "recorded"),
        ("event.published", "evt-3", "recorded"),
    ]
    assert entries[0].detail == {
        "incident_id": "inc-1",
        "update_id": "upd-1",
        "outcome": "accepted",
        "source": "api",
    }


def test_a_duplicate_leaves_no_audit_entry(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, "One.", event_id="e", update_id="u", **ANN)
    pipeline.post(Status.INVESTIGATING, "One.", event_id="e", update_id="u", **BEN)
    pipeline.post(Status.INVESTIGATING, "One.", event_id="another", update_id="another", **BEN)
    assert [row.actor for row in published(pipeline)] == [ANN["author"]]


def mark_of(pipeline: Pipeline) -> str:
    with pipeline.database.read() as connection:
        return timeline.version(connection, "inc-1")


def test_an_edit_under_the_same_id_is_a_conflict_for_who_had_read_the_words_before(pipeline: Pipeline) -> None:
    pipeline.post(Status.INVESTIGATING, "Before.", update_id="u", **ANN)
    read = mark_of(pipeline)
    pipeline.post(Status.INVESTIGATING, "After.", update_id="u", **ANN)
    before = counts(pipeline)
    with pytest.raises(OutdatedError):
        pipeline.post(Status.RESOLVED, after="u", read=read, event_id="late", **BEN)
    assert counts(pipeline) == before
    # By the API's rule alone, `u` is still the latest.
    assert pipeline.post(Status.IDENTIFIED, after="u", event_id="api", **BEN).outcome is Outcome.ACCEPTED
    assert pipeline.post(Status.RESOLVED, read=mark_of(pipeline), event_id="late", **BEN).outcome is Outcome.ACCEPTED


def test_a_decision_is_compared_in_its_own_transaction_with_what_its_maker_had_read(pipeline: Pipeline) -> None:
    pipeline.ingest = replace(pipeline.ingest, guard=BlastGuard(BlastGuardPolicy(needs_announce=True)))
    pipeline.post(Status.INVESTIGATING, "Told.", update_id="told")
    pipeline.post(Status.IDENTIFIED, "Held.", guarded=True)
    release = Release(pipeline.database, pipeline.policies, pipeline.clock, pipeline.tasks)
    replay = Replay(pipeline.database, pipeline.clock, pipeline.regroup)
    with pipeline.database.read() as connection:
        waiting = approvals.of_incident(connection, "inc-1")[0].public_id
    told = ReplayOrder(notification_id=pipeline.notices()[0].public_id)
    me, read = Actor("tests", "here"), mark_of(pipeline)
    pipeline.post(Status.INVESTIGATING, "Told otherwise.", update_id="told")
    before = counts(pipeline)
    for decide in (release.release, release.cancel):
        with pytest.raises(OutdatedError):
            decide(waiting, me, read=read)
    with pytest.raises(OutdatedError):
        replay.run(told, me, may_announce=True, read=read)
    assert counts(pipeline) == before
    assert replay.run(told, me, may_announce=True, read=mark_of(pipeline)) == 0
    assert release.release(waiting, me, read=mark_of(pipeline))["state"] == "planning"
