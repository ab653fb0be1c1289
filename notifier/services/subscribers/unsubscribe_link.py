"""Unsubscribe by the link in every mail."""

from dataclasses import dataclass

from notifier.domain.errors import NotFoundError
from notifier.domain.messages.brand import localized
from notifier.domain.values import SubscriberState
from notifier.services.security.audit import Actor
from notifier.services.security.signed_tokens import Claim
from notifier.services.subscribers.manage import KIND
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.services.subscribers.sign_up import MOVED
from notifier.storage.database.engine import Database
from notifier.storage.notifications import notifications
from notifier.storage.operations import audit
from notifier.storage.recipients import subscribers

_LOOKED_AT = 200  # newest audit entries of one subscriber to search
_ELSEWHERE = -1  # matches no address: the mail went to an address that the subscriber has left


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOwner:
    """The owner of a link: locale, and whether they get mail or have unsubscribed."""

    locale: str
    is_subscribed: bool
    is_unsubscribed: bool
    address_key: int | None


@dataclass(frozen=True)
class Unsubscribe:
    """Stops all mail to the address of a token's subscriber, or mail about one incident."""

    database: Database
    lifecycle: Lifecycle

    def owner_of(self, subscriber_id: int) -> LinkOwner:
        """Return the owner of a link.

        Raises:
            NotFoundError: the subscriber has been erased.
        """
        with self.database.read() as connection:
            stored = subscribers.get_by_id(connection, subscriber_id)
        if stored is None:
            raise NotFoundError("subscriber", str(subscriber_id))
        state = stored.subscriber.state
        return LinkOwner(
            locale=stored.subscriber.locale,
            is_subscribed=state is SubscriberState.ACTIVE,
            is_unsubscribed=state is SubscriberState.UNSUBSCRIBED,
            address_key=stored.address_key,
        )

    def incident_title(self, notification_id: int, locale: str) -> str | None:
        """Return the title of a notification's incident; None if the notification is gone."""
        with self.database.read() as connection:
            stored = notifications.get(connection, notification_id)
        if stored is None:
            return None
        title = stored.notice.incident.title
        return localized(title, locale, next(iter(title), locale)) if title else stored.notice.incident.id

    def address_of(self, claim: Claim) -> int | None:
        """Return the hash of the address that the mail with this link went to; None if unknown.

        Older links do not include it. For those, search the audit trail for a change of address
        since the mail was sent; without one, the link applies to the current address.
        """
        if claim.address_key is not None:
            return claim.address_key
        with self.database.read() as connection:
            owner_of = subscribers.get_by_id(connection, claim.subject)
            mail = notifications.get(connection, claim.detail)
            if owner_of is None or mail is None:
                return None
            name = owner_of.subscriber.external_id
            trail = audit.page(connection, limit=_LOOKED_AT, object_kind=KIND, object_ids=[name])
        since = mail.notice.created_at
        moved = any(entry.at >= since and (entry.action == MOVED or "email" in entry.detail) for entry in trail)
        return _ELSEWHERE if moved else None

    def from_all(self, claim: Claim, actor: Actor) -> int | None:
        """Unsubscribe the address that the link was sent to; returns its hash.

        Raises:
            NotFoundError: the subscriber has been erased.
        """
        address_key = self.address_of(claim)
        self.lifecycle.unsubscribe(claim.subject, actor, address_key=address_key)
        return address_key

    def from_incident(self, claim: Claim, actor: Actor) -> None:
        """Stop mail about a notification's incident.

        Raises:
            NotFoundError: the subscriber or the notification is gone.
        """
        with self.database.read() as connection:
            stored = notifications.get(connection, claim.detail)
        if stored is None:
            raise NotFoundError("notification", str(claim.detail))
        incident_id, address_key = stored.notice.incident.id, self.address_of(claim)
        self.lifecycle.unsubscribe(claim.subject, actor, incident_id=incident_id, address_key=address_key)
