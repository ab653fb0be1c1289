from notifier.storage.database.engine import Database
from tests.integration.services.mail.test_transactional import Office


def test_letters_are_forgotten_after_a_day(database: Database) -> None:
    office = Office(database)
    office.sign_up()
    office.send.run()
    office.clock.advance(hours=25)
    office.due.run()
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM letter").scalar_one() == 0
