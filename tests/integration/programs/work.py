"""A worker with a runtime that writes down what it is asked. Arguments: data folder, diary, lanes."""

import sys
import time
from pathlib import Path

from notifier.domain.errors import ConflictError, UnavailableError
from notifier.observability import configure_logging
from notifier.settings import load_settings
from workers.main import parse_queues, run_worker

CONFLICT, BUG, SLOW, AWAY_ONCE, AWAY = 101, 102, 103, 104, 105


class Diary:
    """Appends a line per call; some ids fail in a way of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.away_once = False

    def write(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(line + "\n")

    def announce(self, incident_id: str) -> None:
        self.write(f"announce {incident_id}")

    def plan(self, notification_id: int) -> None:
        self.write(f"plan {notification_id}")

    def plan_low_priority(self, notification_id: int) -> None:
        self.write(f"plan unhurried {notification_id}")

    def attempt(self, batch_id: int) -> None:
        self.write(f"attempt {batch_id}")
        if batch_id == CONFLICT:
            raise ConflictError("it contradicts")
        if batch_id == BUG:
            raise KeyError("a bug")
        if batch_id == SLOW:
            time.sleep(1.5)
            self.write("slow one done")
        if batch_id == AWAY or (batch_id == AWAY_ONCE and not self.away_once):
            self.away_once = True
            raise UnavailableError("the database is away")

    def send_transactional_mail(self) -> None:
        self.write("letters")

    def probe(self, endpoint_id: int) -> None:
        self.write(f"probe {endpoint_id}")

    def drain(self) -> None:
        """There is nothing to note."""

    def close(self) -> None:
        self.write("closed")


if __name__ == "__main__":
    data_dir, diary, queues = sys.argv[1:]
    configure_logging("info", "json")
    settings = load_settings({"NOTIFIER_DATA_DIR": data_dir})
    sys.exit(run_worker(settings, Diary(Path(diary)), parse_queues(queues)))
