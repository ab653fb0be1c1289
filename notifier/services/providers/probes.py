"""Enqueue due probes of failing providers, every second."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from notifier.domain.values import Channel
from notifier.services.providers.circuits import Circuits
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_states


@dataclass(frozen=True)
class CallProbes:
    """A chore of the sweep. Safe in several schedulers: a circuit lets one probe through."""

    database: Database
    circuits: Mapping[Channel, Circuits]
    # Configured providers and accounts, by channel; removed ones are not probed.
    names: Callable[[], Mapping[Channel, Collection[str]]]
    name: str = "probes"

    def run(self) -> int:
        """Enqueue the probes that are due; returns how many."""
        with self.database.read() as connection:
            states = provider_states.everybody(connection)
        failing = {key: breaker for key, breaker in states.items() if breaker.is_open}
        if not failing:
            return 0
        ours = self.names()
        return sum(
            self.circuits[channel].call_probe(name, breaker)
            for (channel, name), breaker in failing.items()
            if channel in self.circuits and name in ours.get(channel, ())
        )
