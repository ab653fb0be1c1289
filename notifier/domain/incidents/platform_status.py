"""How the platform stands now, told from the incidents that run: per component, and as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.incidents.incident import Incident
from notifier.domain.incidents.notice import NoticeUpdate
from notifier.domain.values import ComponentStatus, Impact, Status

# What an incident means for its components where nobody said.
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
    """An incident as everybody may see it: its public updates, oldest first, not empty."""

    incident: Incident
    updates: Sequence[NoticeUpdate]

    @property
    def status(self) -> Status:
        """What was said last."""
        return self.updates[-1].status

    @property
    def posted_at(self) -> datetime:
        """When something was said last, as it is shown."""
        return self.updates[-1].posted_at

    @property
    def ordered_at(self) -> datetime:
        """Its place in time among other incidents: that of its last word."""
        return self.updates[-1].ordered_at

    @property
    def is_over(self) -> bool:
        """Whether it belongs to the past."""
        return self.status.is_over

    @property
    def is_planned(self) -> bool:
        """Whether it is yet to begin."""
        return self.status is Status.SCHEDULED

    @property
    def is_running(self) -> bool:
        """Whether it concerns somebody now."""
        return not self.is_over and not self.is_planned


def health(timelines: Iterable[PublicTimeline], components: Sequence[str]) -> Mapping[str, ComponentStatus]:
    """Return the worst that any running incident says of each component; one that names none means all of them.

    One whose source named none of ours says nothing of any.
    """
    worst = dict.fromkeys(components, ComponentStatus.OPERATIONAL)
    for timeline in timelines:
        if not timeline.is_running:
            continue
        incident = timeline.incident
        said = {part.key: part.status or _MEANT[incident.impact] for part in incident.components}
        for key in said or (components if incident.components_known else ()):
            if key in worst:
                worst[key] = max(worst[key], said.get(key, _MEANT[incident.impact]), key=_WORSE.index)
    return worst
