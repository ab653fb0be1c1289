"""Complete an event from the earlier updates of its incident.

The status decides whether it is planned work. When an incident ends, its components are
operational again. A window that differs from the previous one was moved. Ingest stores an event as
`complete` returns it, and preview and simulate run the same code, so mails, posts, pages, webhooks
and the API all show what is stored.
"""

from collections.abc import Iterator, Reversible
from dataclasses import dataclass, replace
from datetime import datetime

from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Window
from notifier.domain.values import ComponentStatus, Impact, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An update already in the timeline, with the incident as it described it."""

    update_id: str
    status: Status
    ordered_at: datetime  # as `Update.ordered_at`
    incident: Incident

    @classmethod
    def of(cls, event: Event) -> "Earlier":
        """Return an event's update as the timeline stores it."""
        update = event.update
        return cls(update_id=update.id, status=update.status, ordered_at=update.ordered_at, incident=event.incident)


def needs_earlier(status: Status) -> bool:
    """Whether `complete` needs the earlier updates for this status."""
    return status.is_maintenance or status.is_over


def complete(event: Event, earlier: Reversible[Earlier] = ()) -> Event:
    """Return the event completed from its status and the earlier updates.

    Args:
        event: As its producer submitted it.
        earlier: The public part of the incident's timeline, in order of posting; it may contain
            another version of this update.
    """
    status = event.update.status
    incident = _classified(event, earlier)
    if incident.is_maintenance:
        incident = _scheduled(replace(event, incident=incident), earlier)
    if status.is_over:
        parts, known = _components_at_the_end(event, earlier), _components_were_known(event, earlier)
        incident = replace(incident, components=parts, components_known=known)
    return replace(event, incident=incident)


def lacks_window(event: Event) -> bool:
    """Whether an event announces planned work without a window. Its end needs none."""
    status, incident = event.update.status, event.incident
    return status.is_maintenance and not status.closes and None in (incident.scheduled_for, incident.scheduled_until)


def _newest_first(event: Event, earlier: Reversible[Earlier]) -> Iterator[Earlier]:
    """Iterate backwards over earlier updates, including another version of the event's own."""
    update = event.update
    return (
        entry for entry in reversed(earlier) if entry.ordered_at <= update.ordered_at or entry.update_id == update.id
    )


def _classified(event: Event, earlier: Reversible[Earlier]) -> Incident:
    """Make the impact agree with the status.

    A postmortem takes its kind from the updates before.
    """
    incident, status = event.incident, event.update.status
    if status.is_maintenance:
        return replace(incident, impact=Impact.MAINTENANCE)
    known = _newest_first(event, earlier)
    before = next((entry.incident for entry in known if entry.status is not Status.POSTMORTEM), None)
    if status is Status.POSTMORTEM and (incident if before is None else before).is_maintenance:
        return replace(incident, impact=Impact.MAINTENANCE)
    if incident.is_maintenance:  # some pages mark a disruption as maintenance; its impact is unknown
        impact = Impact.NONE if before is None or before.is_maintenance else before.impact
        return replace(incident, impact=impact)
    return incident


def _scheduled(event: Event, earlier: Reversible[Earlier]) -> Incident:
    """Keep the known window if the event names none, and record the one it was moved from."""
    incident, status = event.incident, event.update.status
    dated = [entry for entry in _newest_first(event, earlier) if entry.incident.window is not None]
    edited = next((entry for entry in dated if entry.update_id == event.update.id), None)
    latest = next((entry for entry in dated if entry is not edited), None)
    kept = edited or latest
    if kept is not None:
        incident = replace(
            incident,
            scheduled_for=incident.scheduled_for or kept.incident.scheduled_for,
            scheduled_until=incident.scheduled_until or kept.incident.scheduled_until,
        )
    was = None if status.is_over else _window_before(edited, latest)
    return replace(incident, moved_from=was if was != incident.window else None)


def _window_before(edited: Earlier | None, latest: Earlier | None) -> Window | None:
    """Return the window before this update. An in-place edit moves from the original window."""
    if edited is not None:
        return edited.incident.moved_from or edited.incident.window
    # Work that was over is announced again rather than moved.
    return latest.incident.window if latest is not None and not latest.status.is_over else None


def _components_at_the_end(event: Event, earlier: Reversible[Earlier]) -> tuple[AffectedComponent, ...]:
    """Every component the incident ever named, operational unless this event says otherwise."""
    named: dict[str, ComponentStatus] = {
        part.key: part.status or ComponentStatus.OPERATIONAL for part in event.incident.components
    }
    for entry in _newest_first(event, earlier):
        for part in entry.incident.components:
            named.setdefault(part.key, ComponentStatus.OPERATIONAL)
        if entry.status.is_over and entry.update_id != event.update.id:
            break  # it names all components before it
    return tuple(AffectedComponent(key=key, status=status) for key, status in named.items())


def _components_were_known(event: Event, earlier: Reversible[Earlier]) -> bool:
    """Whether any update named components; an end that names none does not mean all of them."""
    known = (entry.incident.components_known for entry in _newest_first(event, earlier))
    return event.incident.components_known and (next(known, True) or any(known))
