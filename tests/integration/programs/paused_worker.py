"""A mail worker that somebody suspends. Arguments: database URL, where it waits (`before` its request leaves, `after`).

Reads `attempt NUMBER` line by line and answers `done CALLS`; where it waits it says `waiting` and reads a line first.
"""

import sys
from datetime import UTC, datetime

from notifier.services.operations.heartbeat import Heartbeat
from notifier.storage.database.engine import Database
from tests.support.email_harness import Provider, build_harness


def wait() -> None:
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    sys.stdin.readline()


class Watched(Heartbeat):
    """Waits once before it says that all is well."""

    waits = True

    def ensure(self) -> None:
        if self.waits:
            self.waits = False
            wait()
        super().ensure()


def main(url: str, where: str) -> None:
    database = Database(url)
    provider = Provider(name="sendgrid")
    life = Watched(database, lambda: datetime.now(UTC), "paused")
    life.waits = where == "before"
    if where == "after":
        provider.faults.append(lambda _request: wait())
    harness = build_harness(database, provider, clock=life.clock, owner="paused", life=life)
    life.start()
    for line in sys.stdin:
        harness.attempt.run(int(line.split()[1]))
        sys.stdout.write(f"done {provider.calls}\n")
        sys.stdout.flush()
    life.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
