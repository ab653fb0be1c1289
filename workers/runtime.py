"""What tasks need of the system. `notifier.bootstrap` builds it; a test may give anything that fits."""

from typing import Protocol


class Runtime(Protocol):
    """The use cases behind the tasks. Each is safe to call twice, from any number of workers at once.

    Raises:
        UnavailableError: the database is away; nothing happened.
        NotifierError: anything else that went wrong on purpose; the sweep comes back to what is still due.
    """

    def announce(self, incident_id: str) -> object:
        """Let every channel say what is due about an incident."""

    def plan(self, notification_id: int) -> object:
        """Plan a notification's audience."""

    def plan_low_priority(self, notification_id: int) -> object:
        """Plan it while nothing fresh waits."""

    def attempt(self, batch_id: int) -> object:
        """Attempt a batch once."""

    def letters(self) -> object:
        """Send the letters that are due."""

    def probe(self, endpoint_id: int) -> object:
        """Ask a disabled endpoint whether it works again."""

    def drain(self) -> None:
        """The process is to end: whoever waits for the database notes what it knows, and lets go. Never waits."""

    def close(self) -> None:
        """Let go of connections and loops; called once, after the last task."""
