"""What drafts need from the door: reading the JSON of an event, whole or in parts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from notifier.domain.incidents.incident import Event
from notifier.domain.proposals.draft import Draft


class DraftParser(Protocol):
    """Reads the parts of a draft (`notifier.inbound.drafts`)."""

    def check_parts(self, incident: Mapping[str, Any], update: Mapping[str, Any]) -> None:
        """Refuse a part that no event could have; what is missing is fine.

        Raises:
            InvalidInputError: names every field at fault.
        """

    def event_of(self, draft: Draft, now: datetime) -> Event:
        """Return the event that a draft proposes, posted at `now` unless it says otherwise.

        Raises:
            InvalidInputError: names every field that is missing or at fault.
        """
