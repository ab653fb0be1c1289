from pathlib import Path

from notifier.services.operations.worker_locks import WorkerLocks, this_host
from notifier.storage.database.engine import Database
from tests.integration.services.operations.test_dead_workers import a_batch_of_a_dead_worker, beat
from tests.support.email_harness import states


def test_a_process_of_this_machine_is_missed_at_once(database: Database, tmp_path: Path) -> None:
    harness, watch = a_batch_of_a_dead_worker(database)
    locks = WorkerLocks(tmp_path / "workers")
    alive, elsewhere = f"{this_host()}-7-aaaaaa", "another-host-7-aaaaaa"
    locks.acquire(alive)
    for name in (f"{this_host()}-9-bbbbbb", elsewhere):
        (tmp_path / "workers" / f"{name}.lock").touch()
    with database.write() as connection:
        connection.exec_driver_sql(f"UPDATE batch SET lease_owner = '{this_host()}-9-bbbbbb'")  # noqa: S608
    beat(database, harness, elsewhere)  # its heartbeat decides, not a lock on a disk that is shared
    watch.looks.locks = locks
    assert watch.looks.run() == 1
    assert states(harness) == {"queued"}
    left = sorted(path.name for path in (tmp_path / "workers").glob("*.lock"))
    assert left == sorted([f"{alive}.lock", f"{elsewhere}.lock"])
    locks.close(alive)
