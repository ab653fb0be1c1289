"""A webhook of another system as it came in: what a parser of a kind reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifier.domain.proposals.signal import Report
from notifier.domain.proposals.source_rules import SourceRules
from notifier.inbound.integrations import ComponentNames


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRequest:
    """One request. Names of `headers` are in lower case; `query` is without the API key."""

    body: bytes
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRules:
    """How to read the requests of one source. `locale`: the language of its texts."""

    source: SourceRules
    components: ComponentNames
    locale: str

    def component(self, *names: str | None) -> str | None:
        """Return our key for the first name that the source's own mapping, or we, know; None: none is ours."""
        mapped = (self.source.components.get(name) for name in names if name)
        return next((key for key in mapped if key), None) or self.components.known(*names)

    def why_ignored(self, labels: Mapping[str, str]) -> str | None:
        """Return why something with these labels is only recorded: a matcher of the source fits; None: it counts."""
        found = {name: value.strip().casefold() for name, value in labels.items()}
        for matcher in self.source.ignore:
            if all(found.get(name) == value.strip().casefold() for name, value in matcher.items()):
                named = ", ".join(f'{name}="{value}"' for name, value in matcher.items())
                return f"only recorded: the source ignores {named}"
        return None


Parser = Callable[[InboundRequest, ReadingRules], Sequence[Report]]
"""Reads one request: a report for each thing it tells of, none where it tells of nothing.

Raises:
    InvalidInputError: names the fields at fault.
"""
