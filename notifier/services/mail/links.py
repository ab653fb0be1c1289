"""The links a message carries; each is signed and says by itself whom and what it concerns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class TokenSigner(Protocol):
    """Signs small facts into URL-safe tokens (`services/security/signed_tokens.py`)."""

    def unsubscriber(self, notification_id: int) -> Callable[[int, int], str]:
        """Return what makes, per subscriber and hash of their address, a token that unsubscribes it, for ever valid."""

    def preference_opener(self) -> Callable[[int, int], str]:
        """Return what makes, per subscriber and hash of their address, a token that opens the preferences page."""


@dataclass(frozen=True)
class Links:
    """Absolute URLs under NOTIFIER_PUBLIC_URL."""

    public_url: str
    tokens: TokenSigner

    def personal(self, notification_id: int) -> Callable[[int, int], tuple[str, str]]:
        """Return what gives, per subscriber and hash of their address, the links of one mail.

        Where one click unsubscribes (RFC 8058), and where they choose.
        """
        unsubscribe, choose = f"{self.public_url}/unsubscribe/", f"{self.public_url}/preferences/"
        unsubscriber, opener = self.tokens.unsubscriber(notification_id), self.tokens.preference_opener()

        def linked(subscriber_id: int, address_key: int) -> tuple[str, str]:
            return unsubscribe + unsubscriber(subscriber_id, address_key), choose + opener(subscriber_id, address_key)

        return linked
