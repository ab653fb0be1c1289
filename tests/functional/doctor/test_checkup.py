"""`notifier doctor` on letters: those that nobody sends are noticed."""

from datetime import timedelta
from pathlib import Path

from notifier.doctor.checkup import check_up
from notifier.domain.messages.transactional_mail import NewTransactionalMail, TransactionalKind
from notifier.storage.database.engine import Database
from notifier.storage.recipients import transactional_mail
from tests.functional.api.api_client import container_on


def test_letters_that_nobody_sends_are_noticed(sqlite_database: Database, tmp_path: Path) -> None:
    container = container_on(sqlite_database, tmp_path)
    now = container.clock()
    mail = NewTransactionalMail(
        kind=TransactionalKind.SUBSCRIPTION_CONFIRM, subject_id=1, address_key=1, expires_at=now + timedelta(hours=48)
    )
    with sqlite_database.write() as connection:
        transactional_mail.add(connection, mail, now - timedelta(minutes=3))
    (stuck,) = [found for found in check_up(container) if found.name == "stuck"]
    assert (stuck.state, "mail" in stuck.message) == ("bad", True)
    with sqlite_database.write() as connection:
        (taken,) = transactional_mail.claim(connection, owner="worker", now=now, lease=timedelta(minutes=1), limit=1)
        transactional_mail.finish(connection, taken, "worker")
    assert [found for found in check_up(container) if found.name == "stuck"] == []
    container.close()
