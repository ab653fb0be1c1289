"""SendGrid's own suppression lists: they turn later mail to an address into `dropped`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")

# Blocks are tried again; the other lists drop, with these reasons (Event Webhook reference, event `dropped`).
_DROP_REASON = {
    "bounces": "Bounced Address",
    "spam_reports": "Spam Reporting Address",
    "invalid_emails": "Invalid",
    "unsubscribes": "Unsubscribed Address",
}


@dataclass(slots=True)
class Suppressions:
    """The five lists; addresses are kept in lower case."""

    lists: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in LISTS})

    def add(self, name: str, address: str, *, created: float, **details: str) -> None:
        """Put an address on a list. `details` are the entry's `reason`, `status`, `ip`."""
        entry = {"created": int(created), "email": address, **details}
        self.lists[name].setdefault(address.lower(), entry)

    def remove(self, name: str, address: str) -> bool:
        """Take an address off a list; False when it was not on it."""
        return self.lists[name].pop(address.lower(), None) is not None

    def entries(self, name: str, *, start: int, end: int, limit: int, offset: int) -> list[dict[str, Any]]:
        """Return entries made from `start` to `end` (Unix seconds), newest first."""
        found = [entry for entry in self.lists[name].values() if start <= entry["created"] <= end]
        return found[::-1][offset : offset + limit]

    def drops(self, addresses: Iterable[str]) -> dict[str, str]:
        """Return which of these lower-case addresses are dropped, each with the reason."""
        active = [name for name in _DROP_REASON if self.lists[name]]
        if not active:
            return {}
        return {
            address: _DROP_REASON[name]
            for address in addresses
            for name in reversed(active)
            if address in self.lists[name]
        }
