"""Unsubscribe: what the link in every mail does."""

from dataclasses import dataclass

from notifier.domain.errors import NotFoundError
from notifier.services.audit import Actor
from notifier.services.lifecycle import Lifecycle
from notifier.storage import subscribers
from notifier.storage.engine import Database


@dataclass(frozen=True)
class Unsubscribe:
    """Stops all mail to the address of the subscriber a token names. May be repeated."""

    database: Database
    lifecycle: Lifecycle

    def locale_of(self, subscriber_id: int) -> str:
        """Return the language to answer in.

        Raises:
            NotFoundError: the subscriber was erased.
        """
        with self.database.read() as connection:
            stored = subscribers.get_by_id(connection, subscriber_id)
        if stored is None:
            raise NotFoundError("subscriber", str(subscriber_id))
        return stored.subscriber.locale

    def __call__(self, subscriber_id: int, actor: Actor) -> None:
        """Unsubscribe.

        Raises:
            NotFoundError: the subscriber was erased.
        """
        self.lifecycle.unsubscribe(subscriber_id, actor)
