"""The interface that tasks need. `notifier.bootstrap` builds it; tests may pass a fake."""

from typing import Protocol


class Runtime(Protocol):
    """The use cases behind the tasks. Each is safe to call twice, from any number of workers at once.

    Raises:
        UnavailableError: the database is down; nothing happened.
        NotifierError: any other expected error; the sweep retries what is still due.
    """

    def announce(self, incident_id: str) -> object:
        """Announce an incident's due updates on every channel."""

    def plan(self, notification_id: int) -> object:
        """Plan a notification's audience."""

    def plan_low_priority(self, notification_id: int) -> object:
        """Plan it while no first attempts wait."""

    def attempt(self, batch_id: int) -> object:
        """Attempt a batch once."""

    def send_transactional_mail(self) -> object:
        """Send the transactional mail that is due."""

    def probe(self, endpoint_id: int) -> object:
        """Probe a disabled endpoint."""

    def drain(self) -> None:
        """Prepare shutdown: tasks waiting for the database record what they can, then stop.

        Non-blocking.
        """

    def close(self) -> None:
        """Close connections and loops; called once, after the last task."""
