"""Self-service preferences: changes by the link in a mail."""

from dataclasses import dataclass

from notifier.domain.errors import NotFoundError
from notifier.domain.recipients.changes import SubscriberChanges
from notifier.domain.recipients.subscriber import StoredSubscriber, SuppressionReason
from notifier.domain.values import SubscriberState
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor
from notifier.services.security.signed_tokens import ExpiredTokenError, Purpose, Tokens
from notifier.services.subscribers.manage import Subscribers
from notifier.storage.database.engine import Database
from notifier.storage.recipients import subscribers as rows
from notifier.storage.recipients import suppressions


@dataclass(frozen=True)
class SelfService:
    """Shows and changes the preferences of the subscriber identified by a token."""

    database: Database
    subscribers: Subscribers
    tokens: Tokens
    clock: Clock

    def opened(self, token: str) -> StoredSubscriber:
        """Return the subscriber of a link.

        Raises:
            TokenError: the token is invalid or expired, or the subscriber's address has changed.
            NotFoundError: the subscriber has been erased.
        """
        claim = self.tokens.read(Purpose.PREFERENCES, token, self.clock())
        stored = self.show(claim.subject)
        if claim.detail != (stored.address_key or 0):
            raise ExpiredTokenError("this link went to another address")
        return stored

    def path(self, stored: StoredSubscriber) -> str:
        """Return the path of a subscriber's page, with a new token."""
        return f"/preferences/{self.tokens.preferences(stored.id, stored.address_key or 0)}"

    def show(self, subscriber_id: int) -> StoredSubscriber:
        """Return the subscriber.

        Raises:
            NotFoundError: the subscriber has been erased.
        """
        with self.database.read() as connection:
            stored = rows.get_by_id(connection, subscriber_id)
        if stored is None:
            raise NotFoundError("subscriber", str(subscriber_id))
        return stored

    def stopped_by(self, stored: StoredSubscriber) -> SuppressionReason | None:
        """Return why a subscriber gets no mail; None if they do, or the reason is unknown."""
        with self.database.read() as connection:
            reason = suppressions.mail_reason(connection, stored.address_key)
        is_unsubscribed = stored.subscriber.state is SubscriberState.UNSUBSCRIBED
        if is_unsubscribed and (reason is None or reason.may_reader_lift):
            return SuppressionReason.UNSUBSCRIBED
        return reason

    def change(self, subscriber_id: int, changes: SubscriberChanges, actor: Actor) -> StoredSubscriber:
        """Change the given fields; audited like any other change.

        Raises:
            NotFoundError: the subscriber has been erased.
            InvalidInputError: lists every invalid field.
        """
        return self.subscribers.patch_numbered(subscriber_id, changes, actor)
