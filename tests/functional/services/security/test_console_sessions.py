from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from notifier.bootstrap.api_container import ApiContainer
from notifier.services.security.api_keys import ApiKeys
from notifier.storage import tables as t


class Sessions:
    """Sessions of an installation by a clock of their own."""

    def __init__(self, container: ApiContainer) -> None:
        self.now = container.clock()
        self.kept = replace(container.console_sessions, clock=lambda: self.now)
        self.shown = self.kept.begin(container.settings.admin_token().get_secret_value(), "here")

    def last_after(self, **time: float) -> bool:
        self.now += timedelta(**time)
        return self.kept.of(self.shown) is not None


def test_a_session_ends_when_nobody_works_in_it_for_an_hour(container: ApiContainer) -> None:
    sessions = Sessions(container)
    assert [sessions.last_after(minutes=59) for _ in range(3)] == [True] * 3
    assert not sessions.last_after(minutes=60)


def test_a_session_ends_after_twelve_hours_and_is_forgotten(container: ApiContainer) -> None:
    sessions = Sessions(container)
    assert [sessions.last_after(minutes=50) for _ in range(14)] == [True] * 14
    assert not sessions.last_after(minutes=21)
    assert replace(container.prune, clock=lambda: sessions.now).all()["console_sessions"] == 1


def test_another_admin_token_ends_the_sessions_of_the_one_before(container: ApiContainer) -> None:
    sessions = Sessions(container)
    other = ApiKeys(container.database, container.clock, "another-token-" + "0" * 32)
    assert replace(sessions.kept, keys=other).of(sessions.shown) is None
    assert sessions.kept.of(sessions.shown) is not None


def test_the_ledger_holds_nothing_that_opens_the_console(container: ApiContainer) -> None:
    sessions = Sessions(container)
    with container.database.read() as connection:
        (row,) = connection.execute(select(t.console_session)).all()
    assert not {sessions.shown, container.settings.admin_token().get_secret_value()} & set(map(str, row))
    assert sessions.kept.of(row.digest) is None
