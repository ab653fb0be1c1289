"""A group of a monitor's alerts, and the update that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.values import Impact, Status

UPDATE_PREFIX = "alerts-"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTexts:
    """Title and bodies per locale: while it fires, once it is quiet, once it counts as resolved."""

    title: Mapping[str, str]
    firing: Mapping[str, str]
    calm: Mapping[str, str]
    over: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWording:
    """How readers are told of a group.

    `locale` is that of the alerts' own texts. `when_calm` is the status once every alert is
    resolved.
    """

    texts: AlertTexts
    locale: str
    when_calm: Status = Status.MONITORING


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """One request of an Alertmanager. `group` identifies the group, `change` its exact state."""

    source: str
    group: str
    change: str
    is_firing: bool
    began_at: datetime
    impact: Impact
    components: tuple[str, ...]
    title: str | None = None  # the alerts' own texts, if they may be published
    body: str | None = None

    @property
    def event_id(self) -> str:
        """The same for every repeat, from any member of a cluster."""
        return f"alertmanager:{self.source}:{self.change}"

    @property
    def incidents_prefix(self) -> str:
        """The common prefix of the ids of this group's incidents."""
        return f"{self.source}.{self.group}-"

    @property
    def new_incident_id(self) -> str:
        """The id of an incident that this request opens.

        A group that fires again weeks later opens another one.
        """
        return f"{self.incidents_prefix}{self.began_at:%Y%m%dT%H%M%S}"


def alert_event(
    group: AlertGroup,
    wording: AlertWording,
    *,
    incident_id: str,
    now: datetime,
    status: Status | None = None,
    notify: bool = True,
) -> Event:
    """Return the update of a request. `status` overrides the usual one; `now` is its posting time."""
    chosen = status or (Status.INVESTIGATING if group.is_firing else wording.when_calm)
    title = {wording.locale: group.title} if group.title else wording.texts.title
    neutral = wording.texts.over if chosen.closes else (wording.texts.firing if group.is_firing else wording.texts.calm)
    return Event(
        id=group.event_id,
        incident=Incident(
            id=incident_id,
            title=title,
            impact=group.impact,
            components=tuple(AffectedComponent(key=key) for key in group.components),
            components_known=bool(group.components),
            started_at=group.began_at,
        ),
        update=Update(
            id=f"{UPDATE_PREFIX}{group.change}",
            status=chosen,
            body={wording.locale: group.body} if group.body and group.is_firing else neutral,
            posted_at=now,
        ),
        notify=notify,
        source=f"alertmanager:{group.source}",
        automatic=True,
    )
