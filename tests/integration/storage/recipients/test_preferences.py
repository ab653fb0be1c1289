from sqlalchemy import func, select

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, Impact, UpdateLevel
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import preferences

PICKY = Preferences(
    channels=frozenset({Channel.WEBHOOK, Channel.EMAIL}),
    components=frozenset({"storefront", "api"}),
    min_impact=Impact.MAJOR,
    updates=UpdateLevel.MILESTONES,
    maintenance=False,
)


def test_the_canonical_text_of_the_defaults_is_what_the_contract_calls_the_defaults() -> None:
    expected = '{"channels":["email"],"components":[],"maintenance":true,"min_impact":"none","updates":"all"}'
    assert preferences.canonical(Preferences()) == expected


def test_what_was_written_reads_back_the_same() -> None:
    assert preferences.parse(preferences.canonical(PICKY)) == PICKY


def test_equal_sets_share_one_row_across_transactions(database: Database) -> None:
    with database.write() as connection:
        first = preferences.ensure(connection, PICKY)
    with database.write() as connection:
        assert preferences.ensure(connection, PICKY) == first
        assert preferences.ensure(connection, Preferences()) != first
        assert connection.execute(select(func.count()).select_from(t.preference)).scalar_one() == 2


def test_a_set_whose_transaction_was_rolled_back_is_stored_anew(database: Database) -> None:
    with database.engine.connect() as connection:
        preferences.ensure(connection, PICKY)
        connection.rollback()
    with database.write() as connection:
        number = preferences.ensure(connection, PICKY)
    with database.read() as connection:
        found = connection.execute(select(t.preference.c.canonical).where(t.preference.c.id == number)).scalar_one()
    assert found == preferences.canonical(PICKY)


def test_thousands_of_sets_are_stored_at_once_and_none_twice(database: Database) -> None:
    many = [Preferences(components=frozenset({f"part-{number}"})) for number in range(1_700)]
    with database.write() as connection:
        known = preferences.ensure_many(connection, many[:900])
        everything = preferences.ensure_many(connection, many)
        assert connection.execute(select(func.count()).select_from(t.preference)).scalar_one() == len(many)
    assert everything.items() >= known.items()
    assert len(set(everything.values())) == len(many)
