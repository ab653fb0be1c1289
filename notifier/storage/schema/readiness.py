"""Whether a database takes events now: its schema fits, and it accepts a write."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.errors import UnavailableError
from notifier.storage.database.engine import Database
from notifier.storage.operations import installation
from notifier.storage.schema.version import Fitness


@dataclass(frozen=True)
class DatabaseCheck:
    """Checks a database with a write: a read-only replica or a full disk still answers reads."""

    database: Database
    fitness: Fitness
    clock: Callable[[], datetime]

    def trouble(self) -> str | None:
        """Return why the database stores no events now, in one sentence; None if it does."""
        try:
            fault = self.fitness.fault()
            if fault is None:
                with self.database.write() as connection:
                    installation.prove_writable(connection, self.clock())
        except UnavailableError as error:
            return str(error)
        return fault
