"""SendGrid's own suppression lists: later mail to a listed address is `dropped`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")

# Mail to `blocks` is still tried; the other lists drop it for these reasons (Event Webhook
# reference, event `dropped`).
_DROP_REASON = {
    "bounces": "Bounced Address",
    "spam_reports": "Spam Reporting Address",
    "invalid_emails": "Invalid",
    "unsubscribes": "Unsubscribed Address",
}


@dataclass(slots=True)
class Suppressions:
    """The five lists, by lower-case address."""

    lists: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in LISTS})

    def add(self, name: str, address: str, *, created: float, **details: str) -> None:
        """Add an address to a list. `details` are the entry's `reason`, `status`, `ip`."""
        entry = {"created": int(created), "email": address, **details}
        self.lists[name].setdefault(address.lower(), entry)

    def remove(self, name: str, address: str) -> bool:
        """Remove an address from a list; return False if it was not listed."""
        return self.lists[name].pop(address.lower(), None) is not None

    def entries(self, name: str, *, start: int, end: int, limit: int, offset: int) -> list[dict[str, Any]]:
        """Return entries created from `start` to `end` (Unix seconds), newest first."""
        found = [entry for entry in self.lists[name].values() if start <= entry["created"] <= end]
        return found[::-1][offset : offset + limit]

    def drops(self, addresses: Iterable[str]) -> dict[str, str]:
        """Return those of the lower-case addresses that are dropped, with the reason."""
        active = [name for name in _DROP_REASON if self.lists[name]]
        if not active:
            return {}
        return {
            address: _DROP_REASON[name]
            for address in addresses
            for name in reversed(active)
            if address in self.lists[name]
        }
