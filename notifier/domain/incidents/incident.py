"""Incidents, their updates, and the events that bring them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from notifier.domain.values import ComponentStatus, Impact, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedComponent:
    """A component as an event names it; `status` is None when the producer gave the plain key."""

    key: str
    status: ComponentStatus | None = None


class Window(NamedTuple):
    """When planned work takes place, in aware UTC. `end` is None if the source gave none."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """What planned work does by itself; None: as `[maintenance]` says. `repeat`: an RFC 5545 rule."""

    remind: tuple[timedelta, ...] | None = None
    start: bool | None = None
    complete: bool | None = None
    repeat: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A disruption or a maintenance window as one event describes it. Times are aware UTC.

    `moved_from`: the previous window, if this update moved it. `components_known` False: the source
    named none of our components, so nothing is claimed about any; it still concerns everyone.
    """

    id: str
    title: Mapping[str, str]
    impact: Impact
    components: tuple[AffectedComponent, ...] = ()
    started_at: datetime | None = None
    scheduled_for: datetime | None = None
    scheduled_until: datetime | None = None
    links: tuple[str, ...] = ()
    moved_from: Window | None = None
    components_known: bool = True
    automation: Automation | None = None  # None: as before

    @property
    def component_keys(self) -> frozenset[str]:
        """Keys of the affected components; empty means everyone is concerned."""
        return frozenset(component.key for component in self.components)

    @property
    def is_maintenance(self) -> bool:
        """Whether it is planned work; always agrees with the status of the latest update."""
        return self.impact is Impact.MAINTENANCE

    @property
    def window(self) -> Window | None:
        """When planned work takes place; None for a disruption or if unknown."""
        if not self.is_maintenance or self.scheduled_for is None:
            return None
        return Window(self.scheduled_for, self.scheduled_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One dated entry of a timeline. `body` is Markdown per locale.

    `posted_at` is displayed. `created_at` is when the source created it, if the source
    distinguishes the two (Statuspage updates can be backdated); if set, it decides the order.
    `next_update_at` promises the next update.
    """

    id: str
    status: Status
    body: Mapping[str, str]
    posted_at: datetime
    created_at: datetime | None = None
    next_update_at: datetime | None = None

    @property
    def ordered_at(self) -> datetime:
        """Its place in time among the updates of its incident."""
        return self.created_at or self.posted_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a producer submits: an incident snapshot with one update. `id` is the idempotency key.

    `after`: the id of the update that the author believed to be the latest. `read`: fingerprint of
    the incident as the author had read it, edits included (`timeline.version`); None: no claim.
    `author` and `origin`: who submitted it, and from where, as in the audit trail.
    """

    id: str
    incident: Incident
    update: Update
    notify: bool = True
    visible: bool = True  # False: also hidden from public pages and feeds
    after: str | None = None
    read: str | None = None
    author: str = ""
    origin: str = ""
    source: str = "api"
    automatic: bool = False  # from a monitor: flaps are absorbed
    announce_edits: bool = False  # also announce new text under a known update id
    reminder: bool = False  # announces planned work once more
    guarded: bool = False  # submitted without the right to announce
    extra: Mapping[str, str] = field(default_factory=dict)
