"""Webhooks of a Prometheus Alertmanager (version 4, and 3) and of Grafana's alerting -> reports.

Sources: Prometheus, "Alertmanager configuration", webhook_config; Grafana, "Configure the webhook notifier". One
request tells of a whole group of alerts. Alert texts are written for engineers and nobody has reviewed them: readers
get neutral words unless `publish_texts` says otherwise. Senders differ in what they leave out: null and "" count as
absent, a time before 1990 as none.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from notifier.domain.ids import digest
from notifier.domain.proposals.signal import Alert, Report
from notifier.domain.values import ComponentStatus
from notifier.inbound.integrations import Lenient, as_markdown, one_line, plain_detail, read, web_link
from notifier.inbound.sources.requests import InboundRequest, ReadingRules

MAX_ALERTS = 5_000
_FIRST_YEAR = 1990  # Alertmanager writes 0001-01-01 for "no time"
# What Grafana reports when a rule itself cannot be evaluated: the monitoring has a problem, not the platform.
_RULE_FAULTS = {"datasourcenodata", "datasourceerror"}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _labels(value: object) -> object:
    if value == "":
        return {}
    if isinstance(value, dict):
        return {key: item if isinstance(item, str) else str(item) for key, item in value.items()}
    return value


def _moment(value: object) -> object:
    return None if value == "" else value


Labels = Annotated[dict[str, str], BeforeValidator(_labels)]
Moment = Annotated[AwareDatetime | None, BeforeValidator(_moment)]


class _Alert(Lenient):
    status: Literal["firing", "resolved"]
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    starts_at: Moment = Field(alias="startsAt", default=None)
    generator_url: str = Field(alias="generatorURL", default="")
    fingerprint: str = ""

    @property
    def began_at(self) -> datetime | None:
        known = self.starts_at is not None and self.starts_at.year > _FIRST_YEAR
        return self.starts_at.astimezone(UTC) if self.starts_at is not None and known else None

    @property
    def key(self) -> str:
        identity = self.fingerprint or repr(sorted(self.labels.items()))
        return digest(identity, self.began_at.isoformat() if self.began_at else "")


class _Payload(Lenient):
    group_key: Annotated[str, Field(alias="groupKey", min_length=1), BeforeValidator(str)]
    status: Literal["firing", "resolved"] = "firing"
    truncated: int = Field(alias="truncatedAlerts", default=0)
    common_labels: Labels = Field(alias="commonLabels", default_factory=dict)
    common_annotations: Labels = Field(alias="commonAnnotations", default_factory=dict)
    title: str = ""
    alerts: Annotated[tuple[_Alert, ...], Field(min_length=1, max_length=MAX_ALERTS)]

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, data: Any) -> Any:
        return _without_nulls(data)


def read_alertmanager(request: InboundRequest, rules: ReadingRules) -> Sequence[Report]:
    """Read one request of an Alertmanager.

    Raises:
        InvalidInputError: names the fields at fault by their dotted paths.
    """
    return [_report(read(_Payload, request.body), request, rules)]


def read_grafana(request: InboundRequest, rules: ReadingRules) -> Sequence[Report]:
    """Read one request of Grafana's alerting. A body of a custom template, or of Grafana before 9, is refused.

    Raises:
        InvalidInputError: names the fields at fault by their dotted paths.
    """
    return [_report(read(_Payload, request.body), request, rules)]


def _report(payload: _Payload, request: InboundRequest, rules: ReadingRules) -> Report:
    counted = [alert for alert in payload.alerts if _why_ignored(alert, rules) is None]
    ignored = None if counted else _why_ignored(payload.alerts[0], rules)
    alerts = counted or list(payload.alerts)
    telling = [alert for alert in alerts if alert.status == "firing"] or alerts
    return Report(
        source=rules.source.name,
        kind=rules.source.kind.value,
        group=payload.group_key,
        change=_change(payload),
        alerts=tuple(_alert(alert, rules) for alert in alerts),
        at=request.received_at,
        title=_title(payload, telling),
        detail=_detail(payload, telling),
        link=next((link for alert in telling if (link := web_link(alert.generator_url))), None),
        ignored=ignored,
        facts=_texts(payload, telling, rules) if rules.source.publish_texts else {},
        is_whole=payload.truncated == 0,
    )


def _why_ignored(alert: _Alert, rules: ReadingRules) -> str | None:
    if matched := rules.why_ignored(alert.labels):
        return matched
    name = alert.labels.get("alertname", "")
    return f"only recorded: {name} is a fault of the monitoring" if name.strip().casefold() in _RULE_FAULTS else None


def _alert(alert: _Alert, rules: ReadingRules) -> Alert:
    severity = alert.labels.get(rules.source.severity_label, "").strip().lower()
    component = rules.component(alert.labels.get(rules.source.component_label))
    components: dict[str, ComponentStatus | None] = {component: None} if component else {}
    return Alert(
        key=alert.key,
        is_firing=alert.status == "firing",
        impact=rules.source.impact.get(severity, rules.source.default_impact),
        components=components,
        started_at=alert.began_at,
    )


def _change(payload: _Payload) -> str:
    """Name the group's state: its key with every alert's identity and status, in no particular order."""
    return digest(payload.group_key, *sorted(f"{alert.key}/{alert.status}" for alert in payload.alerts))


def _title(payload: _Payload, telling: Sequence[_Alert]) -> str:
    said = payload.common_annotations.get("summary") or next(
        (text for alert in telling if (text := alert.annotations.get("summary"))), ""
    )
    names = ", ".join(dict.fromkeys(name for alert in telling if (name := alert.labels.get("alertname"))))
    return one_line(said or names or payload.title)


def _detail(payload: _Payload, telling: Iterable[_Alert]) -> str:
    common = payload.common_annotations.get("description")
    texts = [common] if common else [alert.annotations.get("description", "") for alert in telling]
    return plain_detail("\n".join(dict.fromkeys(text.strip() for text in texts)))


def _texts(payload: _Payload, telling: Sequence[_Alert], rules: ReadingRules) -> dict[str, Any]:
    """The alerts' own words, for readers."""
    title, body = _title(payload, telling), as_markdown(_detail(payload, telling))
    found = {"title": {rules.locale: title} if title else {}, "body": {rules.locale: body or title} if title else {}}
    return {name: texts for name, texts in found.items() if texts}
