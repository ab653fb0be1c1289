from notifier.storage.database.engine import Database
from tests.integration.services.mail.test_transactional import Office


def test_a_lost_nudge_is_repeated_by_the_sweep_until_the_letter_is_gone(database: Database) -> None:
    office = Office(database)
    office.sign_up()
    assert office.due.run() == 1
    assert office.post.asked == 2
    office.send.run()
    assert (office.due.run(), office.post.asked) == (0, 2)
