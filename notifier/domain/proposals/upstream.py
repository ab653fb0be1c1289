"""Incidents of another provider's status page, and what they mean for our components."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain.proposals.signal import UPSTREAM, Alert, Report
from notifier.domain.proposals.source_rules import UpstreamRules
from notifier.domain.values import ComponentStatus, Impact, Status

INCIDENT = "incident"  # the fact that holds the id by which the page knows its incident
VANISHED = "vanished"  # the fact that the page lists it no more, though it did not end
ALL_OTHERS = "*"
_SEVERITY = (
    None,
    ComponentStatus.OPERATIONAL,
    ComponentStatus.UNDER_MAINTENANCE,
    ComponentStatus.DEGRADED_PERFORMANCE,
    ComponentStatus.PARTIAL_OUTAGE,
    ComponentStatus.MAJOR_OUTAGE,
)


@dataclass(frozen=True, slots=True)
class UpstreamComponent:
    """A component that an incident of the page affects. `names`: its names and ids, the best first."""

    names: tuple[str, ...]
    status: ComponentStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamIncident:
    """An incident as its page shows it now. `text`: of its newest update. `version`: differs after any change."""

    id: str
    name: str
    status: Status
    impact: Impact
    components: tuple[UpstreamComponent, ...]
    link: str | None = None
    text: str = ""
    started_at: datetime | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class PageNews:
    """What a page lists. `name`: how the provider calls it; empty: unknown."""

    name: str
    incidents: tuple[UpstreamIncident, ...]


def report_of(incident: UpstreamIncident, page: str, rules: UpstreamRules, at: datetime) -> Report:
    """Return what an incident means for us. `page`: the provider's name, as readers will see it."""
    components = mapped(incident.components, rules.components)
    alert = Alert(
        key=_digest("upstream alert", incident.id),
        is_firing=not incident.status.is_over,
        impact=incident.impact,
        components=components,
        started_at=incident.started_at,
    )
    facts: dict[str, Any] = {"page": page, "status": incident.status.value}
    facts |= {INCIDENT: incident.id, "version": incident.version, VANISHED: False}
    return Report(
        source=rules.name,
        kind=UPSTREAM,
        group=f"upstream {incident.id}",
        change=_digest("upstream change", incident.id, incident.version),
        alerts=(alert,),
        at=at,
        title=incident.name,
        detail=incident.text,
        link=incident.link or rules.url,
        ignored=_why_ignored(incident, components, rules),
        facts=facts,
    )


def mapped(
    components: Iterable[UpstreamComponent], mapping: Mapping[str, tuple[str, ...]]
) -> dict[str, ComponentStatus | None]:
    """Return our components that theirs stand for, each with its worst status.

    A component that works again counts only while no other is affected. An incident without components
    concerns whatever `*` stands for.
    """
    known = {name.strip().casefold(): keys for name, keys in mapping.items()}
    listed = tuple(components) or (UpstreamComponent((ALL_OTHERS,)),)
    affected = [one for one in listed if one.status is not ComponentStatus.OPERATIONAL] or listed
    found: dict[str, ComponentStatus | None] = {}
    for one in affected:
        for key in _keys(one, known):
            if key not in found or _SEVERITY.index(one.status) > _SEVERITY.index(found[key]):
                found[key] = one.status
    return dict(sorted(found.items()))


def _keys(component: UpstreamComponent, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    names = (name.strip().casefold() for name in component.names)
    return next((known[name] for name in names if name in known), known.get(ALL_OTHERS, ()))


def _why_ignored(incident: UpstreamIncident, components: Mapping[str, Any], rules: UpstreamRules) -> str | None:
    if incident.impact is Impact.MAINTENANCE or incident.status.is_maintenance:
        return "planned work of the upstream"
    if not components:
        return "concerns none of our components, as [[upstreams]] maps them"
    if incident.impact.rank < rules.min_impact.rank:
        return f"impact {incident.impact} is below min_impact ({rules.min_impact})"
    return None


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
