from dataclasses import replace
from datetime import UTC, datetime, timedelta

from notifier.domain.proposals.draft import Draft, DraftState
from notifier.storage.database.engine import Database
from notifier.storage.proposals import drafts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def draft(number: int = 1, **changes: object) -> Draft:
    made = Draft(
        id=f"drf_{number}",
        version=1,
        state=DraftState.OPEN,
        incident={"id": f"inc-{number}", "title": {"en": "Slow"}},
        update={"status": "investigating"},
        event_id=f"draft:drf_{number}",
        reason="made by hand",
        author="key:admin",
        created_at=NOW + timedelta(minutes=number),
        updated_at=NOW + timedelta(minutes=number),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_draft_comes_back_as_it_was_stored(database: Database) -> None:
    stored = draft(source="prometheus", signal_id="sig_1", after="upd-1", receipt={"outcome": "accepted"})
    with database.write() as connection:
        drafts.add(connection, stored)
        assert drafts.find(connection, "drf_1", lock=True) == stored
        assert drafts.find(connection, "drf_2") is None


def test_a_draft_is_replaced_only_by_who_saw_its_version(database: Database) -> None:
    with database.write() as connection:
        drafts.add(connection, draft())
        assert drafts.save(connection, draft(version=2, reason="mine"), seen_version=1)
        assert not drafts.save(connection, draft(version=2, reason="theirs"), seen_version=1)
        found = drafts.find(connection, "drf_1")
    assert found is not None
    assert (found.version, found.reason) == (2, "mine")


def test_drafts_are_paged_by_state_from_the_newest(database: Database) -> None:
    with database.write() as connection:
        for number in range(1, 5):
            drafts.add(connection, draft(number, state=DraftState.OPEN if number != 3 else DraftState.DISCARDED))
        first = drafts.page(connection, DraftState.OPEN, before=None, limit=2)
        rest = drafts.page(connection, DraftState.OPEN, before=(first[-1].created_at, first[-1].id), limit=2)
        old = drafts.opened_before(connection, NOW + timedelta(minutes=2), limit=10)
        about = drafts.of_incident(connection, "inc-3", DraftState.DISCARDED)
    assert [item.id for item in (*first, *rest)] == ["drf_4", "drf_2", "drf_1"]
    assert [item.id for item in old] == ["drf_1"]
    assert [item.id for item in about] == ["drf_3"]
