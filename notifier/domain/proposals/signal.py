"""Signals: what sources report, grouped until it ends. Nobody is notified of a signal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from notifier.domain.values import ComponentStatus, Impact

UPSTREAM = "upstream"  # the kind of a signal that a polled page of another provider reported
OWN_PAGE = "statuspage"  # the kind of one that a Statuspage's webhook reported


class SignalState(StrEnum):
    """State of a signal. `ignored`: recorded only, because a rule or a person said so."""

    FIRING = "firing"
    ENDED = "ended"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One reported condition. `key` is its identity within its source: the same on every repeat.

    `components`: keys of ours, with their status where the source knows it.
    """

    key: str
    is_firing: bool
    impact: Impact
    components: Mapping[str, ComponentStatus | None] = field(default_factory=dict)
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One message of a source, read. `group` is the source's own name for what belongs together.

    `change` identifies this very state of the group: equal for a repeat. `ignored`: why it is only
    recorded (a test alert, a dead-man switch, severity none, an `ignore` matcher); None: it counts.
    `title` and `detail` are for operators, never published unreviewed. `facts`: what else a template
    or an operator needs; `page` names an upstream's page, `status` is the status that the source's
    incident has, and `title` and `body` (per locale) are texts that may be proposed to readers as they
    are. `at`: when the source sent it. `is_whole`: `alerts` are all of the group, so that one of it
    that is missing has ended. `is_message`: `change` identifies one message, which is taken once.
    """

    source: str
    kind: str
    group: str
    change: str
    alerts: tuple[Alert, ...]
    at: datetime
    title: str = ""
    detail: str = ""
    link: str | None = None
    ignored: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_whole: bool = False
    is_message: bool = False

    @property
    def is_firing(self) -> bool:
        """Whether any of its alerts fires."""
        return any(alert.is_firing for alert in self.alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a source reported, from its first report to its end. Times are aware UTC.

    `draft_id`: the open proposal it belongs to, or the last one; several signals may share one.
    `incident_id`: the incident that was published for it.
    """

    id: str
    source: str
    kind: str
    group: str
    state: SignalState
    impact: Impact
    components: Mapping[str, ComponentStatus | None]
    first_seen_at: datetime
    last_seen_at: datetime
    title: str = ""
    detail: str = ""
    link: str | None = None
    reason: str = ""
    changes: int = 1
    ended_at: datetime | None = None
    draft_id: str | None = None
    incident_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def public_link(self) -> str | None:
        """The link that readers may see: a status page's, never one into a monitor."""
        return self.link if self.kind in (UPSTREAM, OWN_PAGE) else None
