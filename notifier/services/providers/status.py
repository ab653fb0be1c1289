"""Status of mail providers and social accounts for the API, the console, doctor and metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from notifier.domain.providers.breaker import CLOSED, Breaker, LastError
from notifier.domain.values import Channel
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states

Names = Callable[[], Mapping[Channel, Mapping[str, str]]]
"""Returns each channel's configured providers: name and display name."""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """The status of one provider or account."""

    channel: Channel
    name: str
    label: str
    circuit: Breaker

    def as_json(self) -> dict[str, Any]:
        """Return the form of the API."""
        return {
            "name": self.name,
            "kind": self.channel.value,
            "label": self.label,
            "state": self.circuit.state.value,
            "since": instant_to_json(self.circuit.since),
            "last_error": _error(self.circuit.last_error),
            "next_probe_at": instant_to_json(self.circuit.next_probe_at),
        }


def _error(last: LastError | None) -> dict[str, Any] | None:
    if last is None:
        return None
    return {"reason": last.reason.value, "status": last.status, "detail": last.detail, "at": instant_to_json(last.at)}


@dataclass(frozen=True)
class Providers:
    """Reads the statuses of providers and accounts."""

    database: Database
    names: Names

    def statuses(self) -> list[ProviderStatus]:
        """Return all configured providers and accounts, in their order.

        Raises:
            UnavailableError: the database does not answer.
        """
        with self.database.read() as connection:
            return self.read(connection)

    def read(self, connection: Connection) -> list[ProviderStatus]:
        """Return the same as `statuses`, within a transaction."""
        known = provider_states.everybody(connection)
        return [
            ProviderStatus(channel, name, label, known.get((channel, name), CLOSED))
            for channel, names in self.names().items()
            for name, label in names.items()
        ]
