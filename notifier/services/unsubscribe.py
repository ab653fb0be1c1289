"""Unsubscribe: what the link in every mail does."""

from dataclasses import dataclass

from notifier.domain.errors import NotFoundError
from notifier.domain.house import localized
from notifier.domain.values import SubscriberState
from notifier.services.audit import Actor
from notifier.services.lifecycle import Lifecycle
from notifier.storage import notifications, subscribers
from notifier.storage.engine import Database


@dataclass(frozen=True, slots=True)
class Person:
    """Who bears a link: the language to answer in, and whether anything is sent to them."""

    locale: str
    is_told: bool


@dataclass(frozen=True)
class Unsubscribe:
    """Stops all mail to the address of the subscriber a token names, or that about one incident. May be repeated."""

    database: Database
    lifecycle: Lifecycle

    def person(self, subscriber_id: int) -> Person:
        """Return who bears a link.

        Raises:
            NotFoundError: the subscriber was erased.
        """
        with self.database.read() as connection:
            stored = subscribers.get_by_id(connection, subscriber_id)
        if stored is None:
            raise NotFoundError("subscriber", str(subscriber_id))
        return Person(stored.subscriber.locale, stored.subscriber.state is SubscriberState.ACTIVE)

    def incident_title(self, notification_id: int, locale: str) -> str | None:
        """Return the title of the incident that a notification was about; None where it is gone, or was never one."""
        with self.database.read() as connection:
            stored = notifications.get(connection, notification_id)
        if stored is None:
            return None
        title = stored.notice.incident.title
        return localized(title, locale, next(iter(title), locale)) if title else stored.notice.incident.id

    def __call__(self, subscriber_id: int, actor: Actor) -> None:
        """Unsubscribe.

        Raises:
            NotFoundError: the subscriber was erased.
        """
        self.lifecycle.unsubscribe(subscriber_id, actor)

    def from_incident(self, subscriber_id: int, notification_id: int, actor: Actor) -> None:
        """Send no more about the incident of a notification.

        Raises:
            NotFoundError: the subscriber was erased, or the notification is gone.
        """
        with self.database.read() as connection:
            stored = notifications.get(connection, notification_id)
        if stored is None:
            raise NotFoundError("notification", str(notification_id))
        self.lifecycle.unsubscribe(subscriber_id, actor, incident_id=stored.notice.incident.id)
