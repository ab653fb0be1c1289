"""Webhooks of a Prometheus Alertmanager, version "4" -> one event per change of an alert group.

Source: Prometheus, "Alertmanager configuration", webhook_config. A request describes a whole group,
which is `resolved` only when all of its alerts are. Alert texts are written for engineers and not
reviewed. Unless the rules say otherwise, readers get neutral texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from notifier.domain.ids import digest
from notifier.domain.incidents.alert_group import AlertGroup
from notifier.domain.values import Impact
from notifier.inbound.integrations import MAX_COMPONENTS, ComponentNames, Lenient, as_markdown, one_line, read

MAX_ALERTS = 5_000
_FIRST_YEAR = 1990  # Alertmanager writes 0001-01-01 for "no time"
_KEY_DIGITS = 16

_Labels = dict[str, str]


class _Alert(Lenient):
    status: Literal["firing", "resolved"]
    labels: _Labels = Field(default_factory=dict)
    annotations: _Labels = Field(default_factory=dict)
    starts_at: AwareDatetime = Field(alias="startsAt")
    fingerprint: str = ""


class _Payload(Lenient):
    group_key: Annotated[str, Field(alias="groupKey", min_length=1)]
    status: Literal["firing", "resolved"]
    common_labels: _Labels = Field(alias="commonLabels", default_factory=dict)
    common_annotations: _Labels = Field(alias="commonAnnotations", default_factory=dict)
    alerts: Annotated[tuple[_Alert, ...], Field(min_length=1, max_length=MAX_ALERTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """How alerts become updates; all of it can be configured.

    `impacts` maps values of the severity label. With `publish_texts`, the alert's own summary and
    description are shown.
    """

    components: ComponentNames
    severity_label: str = "severity"
    component_label: str = "component"
    impacts: Mapping[str, Impact] = field(
        default_factory=lambda: {
            "critical": Impact.MAJOR,
            "warning": Impact.MINOR,
            "info": Impact.NONE,
            "none": Impact.NONE,
        }
    )
    default_impact: Impact = Impact.MINOR
    publish_texts: bool = False


def parse_alerts(data: bytes, *, source: str, rules: AlertRules) -> AlertGroup:
    """Parse one request.

    Raises:
        InvalidInputError: Names the fields at fault by their dotted paths.
    """
    payload = read(_Payload, data)
    firing = tuple(alert for alert in payload.alerts if alert.status == "firing")
    telling = firing if payload.status == "firing" and firing else payload.alerts
    began = [alert.starts_at for alert in telling if alert.starts_at.year > _FIRST_YEAR]
    return AlertGroup(
        source=source,
        group=digest(payload.group_key)[:_KEY_DIGITS],
        change=_change(payload),
        is_firing=payload.status == "firing",
        began_at=min(began).astimezone(UTC) if began else datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC),
        impact=_impact(telling, rules),
        components=_components(telling, rules),
        title=_title(payload) if rules.publish_texts else None,
        body=_body(payload) if rules.publish_texts else None,
    )


def _change(payload: _Payload) -> str:
    """Identify the group's state by its key and each alert's identity, status and start."""
    alerts = sorted(
        f"{alert.fingerprint or sorted(alert.labels.items())}/{alert.status}/{alert.starts_at.isoformat()}"
        for alert in payload.alerts
    )
    return digest(payload.group_key, payload.status, *alerts)


def _impact(alerts: tuple[_Alert, ...], rules: AlertRules) -> Impact:
    severities = (alert.labels.get(rules.severity_label, "").strip().lower() for alert in alerts)
    return max((rules.impacts.get(name, rules.default_impact) for name in severities), key=lambda impact: impact.rank)


def _components(alerts: tuple[_Alert, ...], rules: AlertRules) -> tuple[str, ...]:
    """Return our components that the label names; unknown names mean nothing to readers."""
    named = {rules.components.known(alert.labels.get(rules.component_label)) for alert in alerts}
    return tuple(sorted(key for key in named if key))[:MAX_COMPONENTS]


def _title(payload: _Payload) -> str | None:
    text = payload.common_annotations.get("summary") or payload.common_labels.get("alertname") or ""
    return one_line(text) or None


def _body(payload: _Payload) -> str | None:
    text = payload.common_annotations.get("description") or payload.common_annotations.get("summary") or ""
    return as_markdown(text) or None
