"""Incidents, their updates, and the events that bring them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from notifier.domain.values import ComponentStatus, Impact, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedComponent:
    """A component as an event names it; `status` is None when the producer gave the plain key."""

    key: str
    status: ComponentStatus | None = None


class Window(NamedTuple):
    """When planned work is to be done, in aware UTC. `end` is None where a source named none."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A disruption or a maintenance window as one event describes it. Times are aware UTC.

    `moved_from`: the window that the timeline held before, where this update moved it.
    `components_known` False: its source named none of our components, so nothing is claimed about any; it still
    concerns everybody.
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

    @property
    def component_keys(self) -> frozenset[str]:
        """Keys of the affected components; empty concerns everybody."""
        return frozenset(component.key for component in self.components)

    @property
    def is_maintenance(self) -> bool:
        """Planned work rather than trouble; by construction what the status of its latest update says."""
        return self.impact is Impact.MAINTENANCE

    @property
    def window(self) -> Window | None:
        """When planned work is to be done; None for a disruption, and where nobody said."""
        if not self.is_maintenance or self.scheduled_for is None:
            return None
        return Window(self.scheduled_for, self.scheduled_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One dated entry of a timeline. `body` is Markdown per locale.

    `posted_at` is shown with it. `created_at` is when its source created it, where the source tells the two apart (a
    Statuspage's update may be dated back), and then decides the order. `next_update_at` promises the next one.
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
    """What a producer hands in: an incident snapshot with one update. `id` is the idempotency key.

    `after`: the id of the update that its author believed to be the latest. `read`: the mark of the incident as its
    author had read it, edits included (`timeline.mark`); None: no claim. `author` and `origin`: who handed it in, and
    from where, as in the audit trail.
    """

    id: str
    incident: Incident
    update: Update
    notify: bool = True
    visible: bool = True  # False: on no public page or feed either
    after: str | None = None
    read: str | None = None
    author: str = ""
    origin: str = ""
    source: str = "api"
    automatic: bool = False  # from a monitor rather than a person: flaps are absorbed
    announce_edits: bool = False  # new words under a known update id are told too
    guarded: bool = False  # handed in without the right to announce
    extra: Mapping[str, str] = field(default_factory=dict)
