"""The links a message carries; each is signed and says by itself whom and what it concerns."""

from dataclasses import dataclass
from typing import Protocol


class TokenSigner(Protocol):
    """Signs small facts into URL-safe tokens (`services/tokens.py`)."""

    def unsubscribe(self, subscriber_id: int, notification_id: int) -> str:
        """Return a token that unsubscribes, for ever valid."""

    def preferences(self, subscriber_id: int) -> str:
        """Return a token that opens the preferences page."""


@dataclass(frozen=True)
class Links:
    """Absolute URLs under NOTIFIER_PUBLIC_URL."""

    public_url: str
    tokens: TokenSigner

    def unsubscribe(self, subscriber_id: int, notification_id: int) -> str:
        """Where one click unsubscribes (RFC 8058)."""
        return f"{self.public_url}/unsubscribe/{self.tokens.unsubscribe(subscriber_id, notification_id)}"

    def preferences(self, subscriber_id: int) -> str:
        """Where a subscriber chooses what to hear."""
        return f"{self.public_url}/preferences/{self.tokens.preferences(subscriber_id)}"
