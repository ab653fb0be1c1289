"""Webhooks of Uptime Kuma (its notification provider "webhook") -> reports of monitors that are down or up.

Source: github.com/louislam/uptime-kuma, server/notification-providers/webhook.js and server/model/heartbeat.js. The
body is JSON, or form data with that JSON in the field `data`. A test, and a notice about a certificate or a domain that
expires, comes without a heartbeat. Times have no zone and are UTC.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from notifier.domain.proposals.signal import Report
from notifier.inbound.bodies import refused
from notifier.inbound.sources.conditions import Condition, report_of
from notifier.inbound.sources.documents import form_of, is_form, json_of, validated
from notifier.inbound.sources.requests import InboundRequest, ReadingRules
from notifier.inbound.sources.values import Foreign, Moment, Text

_NO_STATE = "only recorded: a test, or a notice without the state of a monitor"
_IN_MAINTENANCE = "only recorded: the monitor is under maintenance"


class _Status(IntEnum):
    DOWN = 0
    UP = 1
    PENDING = 2  # it failed once and is tried again
    MAINTENANCE = 3


def _status(value: object) -> object:
    text = str(value).strip().upper()
    return int(text) if text.isdecimal() else _Status.__members__.get(text, value)


class _Tag(Foreign):
    name: Text = ""
    value: Text = ""


class _Monitor(Foreign):
    id: Text = ""
    name: Text = ""
    path_name: Text = Field(alias="pathName", default="")
    url: Text = ""
    type: Text = ""
    tags: tuple[_Tag, ...] = ()


class _Heartbeat(Foreign):
    monitor_id: Text = Field(alias="monitorID", default="")
    status: Annotated[_Status, BeforeValidator(_status)]
    time: Moment = None
    msg: Text = ""


class _Payload(Foreign):
    heartbeat: _Heartbeat | None = None
    monitor: _Monitor | None = None
    msg: Text | None = None

    @model_validator(mode="after")
    def _is_told(self) -> "_Payload":
        if self.heartbeat is None and self.monitor is None and self.msg is None:
            raise refused("must be the body of an Uptime Kuma webhook: heartbeat, monitor and msg")
        if self.heartbeat is not None and not (self.heartbeat.monitor_id or (self.monitor and self.monitor.id)):
            raise refused("must name its monitor: heartbeat.monitorID or monitor.id")
        return self


def read_uptime_kuma(request: InboundRequest, rules: ReadingRules) -> Sequence[Report]:
    """Read one request of Uptime Kuma. A monitor that is pending tells of nothing yet.

    Raises:
        InvalidInputError: names the fields at fault by their dotted paths.
    """
    payload = validated(_Payload, _document(request))
    monitor, beat = payload.monitor or _Monitor(), payload.heartbeat
    if beat is None:
        text = payload.msg or ""
        condition = Condition(key=f"notice: {text}", is_firing=True, title=text, ignored=_NO_STATE)
        return [report_of(condition, request, rules)]
    if beat.status is _Status.PENDING:
        return []
    condition = Condition(
        key=f"monitor {beat.monitor_id or monitor.id}",
        is_firing=beat.status is not _Status.UP,
        labels=_labels(monitor),
        components=tuple(_names(monitor, rules)),
        title=payload.msg or monitor.name,
        detail=beat.msg,
        link=monitor.url,
        started_at=beat.time if beat.status is _Status.DOWN else None,
        at=beat.time,
        ignored=_IN_MAINTENANCE if beat.status is _Status.MAINTENANCE else None,
    )
    return [report_of(condition, request, rules)]


def _document(request: InboundRequest) -> Any:
    return json_of(form_of(request).get("data", "")) if is_form(request) else json_of(request.body)


def _labels(monitor: _Monitor) -> dict[str, str]:
    """The monitor's tags, and what else a matcher may name."""
    return {tag.name: tag.value for tag in monitor.tags} | {"alertname": monitor.name, "type": monitor.type}


def _names(monitor: _Monitor, rules: ReadingRules) -> Iterator[str]:
    """What may name components: values of the component tag, else any tag, else the monitor itself."""
    tagged = [tag.value for tag in monitor.tags if tag.name == rules.source.component_label]
    loose = [name for tag in monitor.tags for name in (tag.name, tag.value)]
    for names in (tagged, loose, [monitor.name, monitor.path_name]):
        if any(rules.component(name) for name in names):
            yield from names
            return
