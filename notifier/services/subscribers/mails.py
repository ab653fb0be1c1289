"""Write transactional mail to subscribers. Links are signed on sending and never stored."""

from dataclasses import dataclass

from notifier.domain.messages.transactional_mail import TransactionalKind, TransactionalMail
from notifier.domain.recipients.subscriber import StoredSubscriber
from notifier.domain.values import SubscriberState
from notifier.rendering.mail.account_mail import (
    AccountMessage,
    AddressChangeConfirm,
    SubscriptionConfirm,
    SubscriptionKnown,
)
from notifier.services.mail.transactional import Addressed
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.signed_tokens import Purpose, Tokens
from notifier.services.subscribers.sign_up import NEW_ADDRESS
from notifier.storage.database import Connection
from notifier.storage.recipients import subscribers


@dataclass(frozen=True)
class SubscriberMails:
    """Writes mail from the current state; nothing is sent if it has become pointless."""

    addresses: AddressHasher
    tokens: Tokens
    public_url: str

    def write(self, connection: Connection, mail: TransactionalMail) -> Addressed | None:
        """Return the mail to send; None if it has become pointless."""
        stored = subscribers.get_by_id(connection, mail.subject_id)
        email = self._address(stored, mail) if stored is not None else None
        message = self._message(mail)
        if stored is None or email is None or message is None:
            return None
        subscriber = stored.subscriber
        return Addressed(
            message=message,
            email=email,
            name=subscriber.name,
            locale=subscriber.locale,
            timezone=subscriber.timezone,
        )

    def _address(self, stored: StoredSubscriber, mail: TransactionalMail) -> str | None:
        """Return the address, if it is still the one that the mail was written for."""
        is_active = stored.subscriber.state is SubscriberState.ACTIVE
        if mail.kind is TransactionalKind.ADDRESS_CHANGE_CONFIRM:
            asked = (stored.consent or {}).get(NEW_ADDRESS)
            email = asked if isinstance(asked, str) else None
        else:
            wanted = is_active is (mail.kind is TransactionalKind.SUBSCRIPTION_KNOWN)
            email = stored.subscriber.email if wanted else None
        return email if email is not None and self.addresses.of(email) == mail.address_key else None

    def _message(self, mail: TransactionalMail) -> AccountMessage | None:
        expires_at = mail.expires_at
        match mail.kind:
            case TransactionalKind.SUBSCRIPTION_CONFIRM:
                token = self.tokens.sign(Purpose.CONFIRM, mail.subject_id, expires_at=expires_at)
                return SubscriptionConfirm(confirm_url=f"{self.public_url}/confirm/{token}", expires_at=expires_at)
            case TransactionalKind.SUBSCRIPTION_KNOWN:
                token = self.tokens.preferences(mail.subject_id, mail.address_key)
                return SubscriptionKnown(preferences_url=f"{self.public_url}/preferences/{token}")
            case TransactionalKind.ADDRESS_CHANGE_CONFIRM:
                key = mail.address_key
                token = self.tokens.sign(Purpose.ADDRESS_CHANGE, mail.subject_id, key, expires_at=expires_at)
                return AddressChangeConfirm(confirm_url=f"{self.public_url}/address/{token}", expires_at=expires_at)
            case (
                TransactionalKind.ENDPOINT_WARNING
                | TransactionalKind.ENDPOINT_DISABLED
                | TransactionalKind.TEAM_REMINDER
                | TransactionalKind.TEAM_WEBHOOK
            ):
                return None  # `services/endpoints/mails.py` and `services/team/` write those
