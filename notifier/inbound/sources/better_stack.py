"""Incident webhooks of Better Stack (Uptime) -> reports of incidents that begin, go on, or end.

Source: Better Stack, "Outgoing incident webhooks" and "Incidents API response". The body is the API's incident, sent
when it is created, acknowledged, resolved, reopened or commented on. The webhook of its status pages has another body.
"""

from collections.abc import Sequence

from pydantic import Field

from notifier.domain.ids import digest
from notifier.domain.proposals.signal import Report
from notifier.inbound.sources.conditions import Condition, report_of
from notifier.inbound.sources.documents import json_of, validated
from notifier.inbound.sources.requests import InboundRequest, ReadingRules
from notifier.inbound.sources.values import Foreign, Moment, Text, Word

_ENDED = "resolved"
_UNCONFIRMED = "unconfirmed"  # it may be a single failed check


class _Attributes(Foreign):
    name: Text = ""
    url: Text = ""
    cause: Text = ""
    status: Word = ""
    started_at: Moment = None
    resolved_at: Moment = None
    team_name: Text = ""


class _Monitor(Foreign):
    name: Text = ""
    pronounceable_name: Text = ""


class _Included(Foreign):
    attributes: _Monitor = Field(default_factory=_Monitor)


class _Resource(Foreign):
    id: Text = Field(min_length=1)
    type: Word = "incident"
    attributes: _Attributes


class _Payload(Foreign):
    data: _Resource
    included: tuple[_Included, ...] = ()


def read_better_stack(request: InboundRequest, rules: ReadingRules) -> Sequence[Report]:
    """Read one request of Better Stack. An incident that is not confirmed, or not an incident, tells of nothing yet.

    Raises:
        InvalidInputError: names the fields at fault by their dotted paths.
    """
    payload = validated(_Payload, json_of(request.body))
    incident = payload.data
    told = incident.attributes
    status = told.status or (_ENDED if told.resolved_at else "started")
    if incident.type != "incident" or status == _UNCONFIRMED:
        return []
    condition = Condition(
        key=f"incident {incident.id}",
        is_firing=status != _ENDED,
        labels={"alertname": told.name, "status": status, "team": told.team_name},
        components=_names(payload),
        title=told.name,
        detail=told.cause,
        link=told.url,
        started_at=told.started_at,
        change=digest(incident.id, status, told.resolved_at.isoformat() if told.resolved_at else ""),
    )
    return [report_of(condition, request, rules)]


def _names(payload: _Payload) -> tuple[str, ...]:
    monitors = [item.attributes for item in payload.included]
    named = [name for monitor in monitors for name in (monitor.pronounceable_name, monitor.name)]
    return tuple(dict.fromkeys([payload.data.attributes.name, *named]))
