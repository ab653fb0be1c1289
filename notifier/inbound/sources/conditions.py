"""One condition that a source reports, and the report it becomes by the rules of that source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier.domain.ids import digest
from notifier.domain.proposals.signal import Alert, Report
from notifier.domain.values import ComponentStatus
from notifier.inbound.integrations import MAX_COMPONENTS, as_markdown, one_line, plain_detail, web_link
from notifier.inbound.sources.requests import InboundRequest, ReadingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What one message of a source says.

    `key`: the source's own identity of it, the same until it ends. `labels`: what matchers under
    `ignore` look at; the severity is among them. `components`: the source's names. `change`: the
    identity of this state, or with `is_message` of the very message. `ignored`: why it is only recorded, whatever
    the matchers say.
    """

    key: str
    is_firing: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    components: Sequence[str] = ()
    title: str = ""
    detail: str = ""
    link: str = ""
    started_at: datetime | None = None
    at: datetime | None = None
    change: str | None = None
    is_message: bool = False
    ignored: str | None = None


def report_of(condition: Condition, request: InboundRequest, rules: ReadingRules) -> Report:
    """Return the report of a condition.

    What is only recorded has an identity of its own: it neither continues nor ends what the source reports under the
    same key.
    """
    ignored = condition.ignored or rules.why_ignored(condition.labels)
    key = f"recorded: {condition.key}" if ignored else condition.key
    title, detail = one_line(condition.title), plain_detail(condition.detail)
    return Report(
        source=rules.source.name,
        kind=rules.source.kind.value,
        group=key,
        change=digest(condition.change or f"{key}/{condition.is_firing}"),
        alerts=(_alert(condition, key, rules, is_firing=condition.is_firing or ignored is not None),),
        at=condition.at or request.received_at,
        title=title,
        detail=detail,
        link=web_link(condition.link.strip()),
        ignored=ignored,
        is_message=condition.is_message,
        facts=_texts(title, condition.detail, rules) if rules.source.publish_texts and title else {},
    )


def _alert(condition: Condition, key: str, rules: ReadingRules, *, is_firing: bool) -> Alert:
    severity = condition.labels.get(rules.source.severity_label, "").strip().lower()
    ours = [rules.component(name) for name in condition.components[:MAX_COMPONENTS]]
    components: dict[str, ComponentStatus | None] = {name: None for name in ours if name}
    return Alert(
        key=digest(key),
        is_firing=is_firing,
        impact=rules.source.impact.get(severity, rules.source.default_impact),
        components=components,
        started_at=condition.started_at,
    )


def _texts(title: str, detail: str, rules: ReadingRules) -> dict[str, Any]:
    """The source's own words, for readers."""
    return {"title": {rules.locale: title}, "body": {rules.locale: as_markdown(detail) or as_markdown(title)}}
