import threading

from notifier.storage.database.engine import Database
from notifier.storage.operations import installation


def test_the_pepper_is_made_once_and_stays(database: Database) -> None:
    with database.write() as connection:
        first = installation.address_pepper(connection)
    with database.write() as connection:
        again = installation.address_pepper(connection)
    assert len(first) == 32
    assert again == first


def test_processes_that_start_together_agree_on_one_pepper(database: Database) -> None:
    found: list[bytes] = []
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(timeout=10)
        with database.write() as connection:
            found.append(installation.address_pepper(connection))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_two_installations_have_different_peppers(sqlite_database: Database, postgresql_database: Database) -> None:
    with sqlite_database.write() as here, postgresql_database.write() as there:
        assert installation.address_pepper(here) != installation.address_pepper(there)
