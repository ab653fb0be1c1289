"""Open drafts do not wait for ever: the team is reminded once, then they expire."""

from dataclasses import replace
from datetime import timedelta

from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.proposals.source_rules import DraftRules
from notifier.services.drafts.watch import WatchDrafts
from notifier.storage.database.engine import Database
from notifier.storage.proposals import drafts
from tests.integration.services.team.test_reminders import TeamDesk
from tests.integration.storage.proposals.test_drafts import draft

RULES = DraftRules(
    remind_after=timedelta(minutes=15), expire_after=timedelta(days=1), merge_within=timedelta(minutes=10)
)


def a_scheduler(desk: TeamDesk, rules: DraftRules = RULES) -> WatchDrafts:
    return WatchDrafts(desk.database, desk.clock, rules, desk.team, "https://status.example/console", "en")


def made(desk: TeamDesk, number: int = 1, **changes: object) -> None:
    now = desk.clock()
    with desk.database.write() as connection:
        drafts.add(connection, draft(number, created_at=now, updated_at=now, **changes))


def stored(desk: TeamDesk, draft_id: str = "drf_1") -> Draft | None:
    with desk.database.read() as connection:
        return drafts.find(connection, draft_id)


def test_the_team_is_reminded_once_of_a_draft_that_waits_however_many_schedulers_look(database: Database) -> None:
    desk = TeamDesk(database)
    made(desk)
    first, second = a_scheduler(desk), a_scheduler(desk)
    desk.clock.advance(minutes=14)
    assert (first.run(), second.run()) == (0, 0)
    desk.clock.advance(minutes=2)
    assert (first.run(), second.run()) == (1, 0)
    desk.clock.advance(hours=1)
    assert (first.run(), second.run()) == (0, 0)
    desk.posts.run()
    (body,) = desk.hook.bodies
    assert b'"draft_waiting"' in body
    assert b'"url":"https://status.example/console"' in body
    assert b'"id":"drf_1"' in body
    assert b"Slow" in body


def test_a_draft_nobody_publishes_expires_and_one_that_was_closed_stays_as_it_is(database: Database) -> None:
    desk = TeamDesk(database)
    made(desk)
    made(desk, 2, state=DraftState.PUBLISHED, closed_at=desk.clock())
    desk.clock.advance(days=2)
    assert a_scheduler(desk).run() == 1
    expired, published = stored(desk), stored(desk, "drf_2")
    assert expired is not None
    assert published is not None
    assert (expired.state, expired.reason) == (DraftState.EXPIRED, "nobody published it in time")
    assert published.state is DraftState.PUBLISHED


def test_without_limits_a_draft_waits_for_ever_and_nobody_is_reminded(database: Database) -> None:
    desk = TeamDesk(database)
    made(desk)
    desk.clock.advance(days=400)
    assert a_scheduler(desk, replace(RULES, remind_after=None, expire_after=None)).run() == 0


def test_closed_drafts_are_forgotten_after_their_days(database: Database) -> None:
    desk = TeamDesk(database)
    made(desk)
    made(desk, 2, state=DraftState.DISCARDED, closed_at=desk.clock())
    with database.write() as connection:
        assert drafts.forget(connection, desk.clock() + timedelta(days=1), 10) == 1
    assert stored(desk, "drf_2") is None
    assert stored(desk) is not None
