"""Reach of a draft: whom it would concern if it were published now, by channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notifier.domain.errors import NotFoundError
from notifier.domain.proposals.draft import Draft
from notifier.domain.recipients.audience import IncidentScope
from notifier.domain.recipients.reach import ChannelReach, reach_among
from notifier.domain.values import Channel, Impact, Status
from notifier.services.ports import Clock
from notifier.storage.database.engine import Database
from notifier.storage.notifications import reach
from notifier.storage.proposals import drafts


@dataclass(frozen=True)
class DraftReach:
    """Counts recipients; nobody's name is read."""

    database: Database
    clock: Clock

    def of(self, draft_id: str) -> Mapping[str, Any]:
        """Return the recipients of a draft over all channels, and of each.

        Raises:
            NotFoundError: There is no such draft.
        """
        with self.database.read() as connection:
            draft = drafts.find(connection, draft_id)
            if draft is None:
                raise NotFoundError("draft", draft_id)
            listeners = {channel: reach.groups(connection, channel) for channel in Channel}
        scope, closes, now = _scope(draft), _status(draft).is_over, self.clock()
        found = {
            channel: reach_among(groups, channel, scope, closes=closes, now=now)
            for channel, groups in listeners.items()
        }
        if not draft.notify:
            found = {channel: ChannelReach() for channel in found}
        return {
            "recipients": sum(each.recipients for each in found.values()),
            "channels": {channel.value: _as_json(found[channel]) for channel in Channel},
        }


def _status(draft: Draft) -> Status:
    """Return the status of a draft; before it has one, that of an incident's beginning."""
    return Status(draft.update.get("status") or Status.INVESTIGATING)


def _scope(draft: Draft) -> IncidentScope:
    named = draft.incident.get("components") or ()
    is_planned = _status(draft).is_maintenance
    return IncidentScope(
        impact=Impact.MAINTENANCE if is_planned else Impact(draft.incident.get("impact") or Impact.NONE),
        components=frozenset(item if isinstance(item, str) else item["key"] for item in named),
    )


def _as_json(found: ChannelReach) -> Mapping[str, Any]:
    locales = {locale: size for locale, size in sorted(found.locales.items()) if locale}
    return {
        "recipients": found.recipients,
        "locales": locales,
        "quiet_hours": found.quiet_hours,
        "suppressed": found.suppressed,
    }
