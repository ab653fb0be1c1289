"""Links in messages: each is signed and identifies its subscriber and purpose."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class TokenSigner(Protocol):
    """Signs claims into URL-safe tokens (`services/security/signed_tokens.py`)."""

    def unsubscriber(self, notification_id: int) -> Callable[[int, int], str]:
        """Return a function from subscriber and address hash to a permanent unsubscribe token."""

    def preference_opener(self) -> Callable[[int, int], str]:
        """Return a function from subscriber and address hash to a preferences-page token."""


@dataclass(frozen=True)
class Links:
    """Absolute URLs under NOTIFIER_PUBLIC_URL."""

    public_url: str
    tokens: TokenSigner

    def personal(self, notification_id: int) -> Callable[[int, int], tuple[str, str]]:
        """Return a function from subscriber and address hash to the two links of one mail.

        The first unsubscribes with one click (RFC 8058), the second opens the preferences page.
        """
        unsubscribe, choose = f"{self.public_url}/unsubscribe/", f"{self.public_url}/preferences/"
        unsubscriber, opener = self.tokens.unsubscriber(notification_id), self.tokens.preference_opener()

        def linked(subscriber_id: int, address_key: int) -> tuple[str, str]:
            return unsubscribe + unsubscriber(subscriber_id, address_key), choose + opener(subscriber_id, address_key)

        return linked
