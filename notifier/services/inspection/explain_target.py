"""Resolve the recipient named in an `explain` request: mailboxes, endpoints, accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.endpoint import StoredEndpoint
from notifier.domain.recipients.subscriber import StoredSubscriber
from notifier.domain.values import Channel
from notifier.inbound.mail_address import mail_address
from notifier.services.endpoints import manage as endpoint_service
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Subject
from notifier.services.subscribers import manage as subscriber_service
from notifier.storage.database import Connection
from notifier.storage.database.types import AnyRow
from notifier.storage.deliveries import explain_queries
from notifier.storage.recipients import endpoints, subscribers


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A subscriber's mailbox (`who`), an endpoint, or an account. `key` None: no deliveries.

    `zone` is the time zone of displayed times; `subject` is its name in the audit trail.
    """

    channel: Channel
    name: str
    by: str
    key: int | None
    preferences: Preferences
    zone: str
    locale: str = ""
    subject: Subject | None = None
    who: StoredSubscriber | None = None
    endpoint: StoredEndpoint | None = None
    is_configured: bool = True

    @classmethod
    def mail(cls, who: StoredSubscriber) -> "Recipient":
        """Return a subscriber's mailbox."""
        subscriber = who.subscriber
        return cls(
            channel=Channel.EMAIL,
            name=subscriber.email or "no address",
            by="by e-mail",
            key=who.address_key,
            preferences=subscriber.preferences,
            zone=subscriber.timezone,
            locale=subscriber.locale,
            subject=Subject(subscriber_service.KIND, subscriber.external_id),
            who=who,
        )

    @classmethod
    def hook(cls, endpoint: StoredEndpoint, zone: str) -> "Recipient":
        """Return an endpoint, with or without an owner."""
        return cls(
            channel=Channel.WEBHOOK,
            name=endpoint.public_id,
            by=f"by webhook to {endpoint.public_id}",
            key=endpoint.id,
            preferences=endpoint.endpoint.preferences,
            zone=zone,
            subject=Subject(endpoint_service.KIND, endpoint.public_id),
            endpoint=endpoint,
        )

    @classmethod
    def account(cls, row: AnyRow, zone: str) -> "Recipient":
        """Return one of our social media accounts, which have no preferences."""
        return cls(
            channel=Channel.SOCIAL,
            name=row.name,
            by=f"by a post of {row.name}",
            key=row.id,
            preferences=Preferences(channels=frozenset({Channel.SOCIAL})),
            zone=zone,
            locale=row.locale,
            is_configured=row.active,
        )

    @property
    def external_id(self) -> str | None:
        """The external id of its subscriber, if any."""
        if self.endpoint is not None:
            return self.endpoint.endpoint.subscriber
        return self.who.subscriber.external_id if self.who else None


def address_key_of(asked: str, addresses: AddressHasher) -> int | None:
    """Return an email address's key; None if it is not an address. Opens its own transaction."""
    if "@" not in asked:
        return None
    try:
        return addresses.of(mail_address(asked))
    except ValueError:
        return None


def recipients_of(connection: Connection, asked: str, address_key: int | None, zone: str) -> Sequence[Recipient]:
    """Return the recipients of the first match: external id, endpoint id, account name, address.

    A subscriber has a mailbox and endpoints; an address stands for all its subscribers. `zone` is
    for recipients without one. Empty if nothing matches.
    """
    who = subscribers.get(connection, asked)
    if who is not None:
        return _of_subscriber(connection, who)
    endpoint = endpoints.get(connection, asked)
    if endpoint is not None:
        owner = subscribers.get(connection, endpoint.endpoint.subscriber or "")
        return [Recipient.hook(endpoint, owner.subscriber.timezone if owner else zone)]
    account = explain_queries.account(connection, asked)
    if account is not None:
        return [Recipient.account(account, zone)]
    shared = [] if address_key is None else subscribers.of_address(connection, address_key)
    return [recipient for who in shared for recipient in _of_subscriber(connection, who)]


def _of_subscriber(connection: Connection, who: StoredSubscriber) -> list[Recipient]:
    subscriber = who.subscriber
    hooks = explain_queries.endpoints_of(connection, subscriber.external_id)
    return [Recipient.mail(who), *(Recipient.hook(endpoint, subscriber.timezone) for endpoint in hooks)]
