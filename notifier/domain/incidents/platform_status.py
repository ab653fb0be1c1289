"""Current platform status, per component and overall, derived from running incidents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.values import ComponentStatus, Impact, Status

# The status an incident implies for components whose own status is not given.
_MEANT = {
    Impact.NONE: ComponentStatus.OPERATIONAL,
    Impact.MINOR: ComponentStatus.DEGRADED_PERFORMANCE,
    Impact.MAJOR: ComponentStatus.PARTIAL_OUTAGE,
    Impact.CRITICAL: ComponentStatus.MAJOR_OUTAGE,
    Impact.MAINTENANCE: ComponentStatus.UNDER_MAINTENANCE,
}
_WORSE = (
    ComponentStatus.OPERATIONAL,
    ComponentStatus.UNDER_MAINTENANCE,
    ComponentStatus.DEGRADED_PERFORMANCE,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.MAJOR_OUTAGE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTimeline:
    """An incident as the public sees it: its public updates, oldest first, not empty."""

    incident: Incident
    updates: Sequence[NoticeUpdate]

    @property
    def status(self) -> Status:
        """The latest status."""
        return self.updates[-1].status

    @property
    def posted_at(self) -> datetime:
        """Display time of the latest update."""
        return self.updates[-1].posted_at

    @property
    def ordered_at(self) -> datetime:
        """The time by which incidents are ordered: that of the latest update."""
        return self.updates[-1].ordered_at

    @property
    def is_over(self) -> bool:
        """Whether it is over."""
        return self.status.is_over

    @property
    def is_planned(self) -> bool:
        """Whether it has not begun yet."""
        return self.status is Status.SCHEDULED

    @property
    def is_running(self) -> bool:
        """Whether it is in progress."""
        return not self.is_over and not self.is_planned


def health(timelines: Iterable[PublicTimeline], components: Sequence[str]) -> Mapping[str, ComponentStatus]:
    """Return each component's worst status over all running incidents.

    An incident that names no component affects all of them, unless its source named only components
    we do not know: then it affects none.
    """
    worst = dict.fromkeys(components, ComponentStatus.OPERATIONAL)
    for timeline in timelines:
        if not timeline.is_running:
            continue
        incident = timeline.incident
        statuses = {part.key: part.status or _MEANT[incident.impact] for part in incident.components}
        for key in statuses or (components if incident.components_known else ()):
            if key in worst:
                worst[key] = max(worst[key], statuses.get(key, _MEANT[incident.impact]), key=_WORSE.index)
    return worst
