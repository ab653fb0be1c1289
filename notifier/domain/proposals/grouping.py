"""Which signal a report continues, and what becomes of the signal: pure decisions on what is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.proposals.signal import Alert, Report, Signal, SignalState
from notifier.domain.values import ComponentStatus, Impact

IGNORED_BY = "ignored_by"  # a fact: the person who ignored the signal
BEGAN_AT = "began_at"  # a fact: when its first alert began, RFC 3339; absent where no source said
_SEVERITY = {
    None: 0,
    ComponentStatus.OPERATIONAL: 1,
    ComponentStatus.UNDER_MAINTENANCE: 2,
    ComponentStatus.DEGRADED_PERFORMANCE: 3,
    ComponentStatus.PARTIAL_OUTAGE: 4,
    ComponentStatus.MAJOR_OUTAGE: 5,
}
Components = Mapping[str, ComponentStatus | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlert:
    """An alert and the signal that holds it. `group`: the key of the last group that reported it."""

    alert: Alert
    signal_id: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored that a report may continue.

    `signals`: by id, those that hold its alerts and those of its group. `alerts`: by key, all alerts
    of these signals.
    """

    signals: Mapping[str, Signal] = field(default_factory=dict)
    alerts: Mapping[str, HeldAlert] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignalChange:
    """A signal before and after a report; `before` None: the report began it."""

    before: Signal | None
    after: Signal

    @property
    def is_change(self) -> bool:
        """Whether it says more than that the source still reports the same."""
        return self.before is None or self.before.changes != self.after.changes

    @property
    def fires_anew(self) -> bool:
        """Whether it was not firing before the report."""
        was_firing = self.before is not None and self.before.ended_at is None
        return self.after.state is SignalState.FIRING and not was_firing


@dataclass(frozen=True, slots=True)
class Grouped:
    """What a report changes: signals, the main one first, and the alerts that differ from what is stored."""

    signals: tuple[SignalChange, ...]
    alerts: tuple[HeldAlert, ...]


def group_report(
    report: Report, known: Known, *, group: str, new_id: str, now: datetime, merge_within: timedelta
) -> Grouped:
    """Decide where each alert of a report belongs, and what its signals say now.

    An alert stays with the signal that holds it, whatever group reports it, while that signal fires
    and for `merge_within` after its end. A new alert joins a signal of the report's other alerts,
    else one of the same group, else it begins a signal with the id `new_id`. An unknown alert that
    has ended says nothing. `group`: the key of the report's group.
    """
    live = {key: signal for key, signal in known.signals.items() if _is_live(signal, now, merge_within)}
    at_home = {
        alert.key: known.alerts[alert.key].signal_id
        for alert in report.alerts
        if alert.key in known.alerts and known.alerts[alert.key].signal_id in live
    }
    target = _target(report, live, at_home, group)
    homeless = any(alert.is_firing and alert.key not in at_home for alert in report.alerts)
    main = target or (new_id if homeless else None)
    placed = [
        HeldAlert(alert=alert, signal_id=at_home.get(alert.key) or str(main), group=group)
        for alert in report.alerts
        if alert.key in at_home or (alert.is_firing and main)
    ]
    placed += _missing(report, known, {*at_home.values(), *([main] if main else [])}, group)
    return _summed_up(report, known, placed, main, group=group, now=now)


def _is_live(signal: Signal, now: datetime, merge_within: timedelta) -> bool:
    return signal.ended_at is None or now - signal.ended_at <= merge_within


def _target(report: Report, live: Mapping[str, Signal], at_home: Mapping[str, str], group: str) -> str | None:
    """The signal of the report's new alerts: a firing one before one that has ended, the latest first."""
    holders = [live[signal_id] for signal_id in at_home.values()]
    of_group = [signal for signal in live.values() if signal.group == group and _suits(report, signal)]
    candidates = holders or of_group
    best = max(candidates, key=lambda signal: (signal.ended_at is None, signal.last_seen_at, signal.id), default=None)
    return best.id if best is not None else None


def _suits(report: Report, signal: Signal) -> bool:
    """A test alert must not continue a disruption, nor a disruption a test alert; what a person ignores goes on."""
    is_ignored = signal.state is SignalState.IGNORED
    return is_ignored if report.ignored else not is_ignored or IGNORED_BY in signal.facts


def _missing(report: Report, known: Known, signals: set[str], group: str) -> list[HeldAlert]:
    """Alerts of the group that a whole report does not name any more: they have ended unseen."""
    if not report.is_whole:
        return []
    named = {alert.key for alert in report.alerts}
    return [
        replace(held, alert=replace(held.alert, is_firing=False))
        for key, held in known.alerts.items()
        if key not in named and held.alert.is_firing and held.group == group and held.signal_id in signals
    ]


def _summed_up(
    report: Report, known: Known, placed: Iterable[HeldAlert], main: str | None, *, group: str, now: datetime
) -> Grouped:
    changed = [held for held in placed if held != known.alerts.get(held.alert.key)]
    told = [held for held in changed if _says_more(held, known)]
    by_signal: dict[str, dict[str, Alert]] = {main: {}} if main else {}
    for held in placed:
        by_signal.setdefault(held.signal_id, {})
    for key, stored in known.alerts.items():
        if stored.signal_id in by_signal:
            by_signal[stored.signal_id][key] = stored.alert
    for held in told:
        for alerts in by_signal.values():
            alerts.pop(held.alert.key, None)
        by_signal[held.signal_id][held.alert.key] = held.alert
    touched = {held.signal_id for held in told}
    changes = [
        _changed(
            known.signals.get(signal_id) or _begun(report, signal_id, group, now),
            alerts.values(),
            report,
            now=now,
            is_new=signal_id not in known.signals,
            is_touched=signal_id in touched,
        )
        for signal_id, alerts in by_signal.items()
    ]
    return Grouped(tuple(changes), tuple(changed))


def _says_more(held: HeldAlert, known: Known) -> bool:
    """Whether an alert differs by more than the group that reports it."""
    stored = known.alerts.get(held.alert.key)
    return stored is None or (stored.alert, stored.signal_id) != (held.alert, held.signal_id)


def _changed(
    base: Signal, alerts: Iterable[Alert], report: Report, *, now: datetime, is_new: bool, is_touched: bool
) -> SignalChange:
    after = _described(base, list(alerts), report, now) if is_touched or _has_news(base, report) else base
    differs = not is_new and replace(after, last_seen_at=base.last_seen_at) != base
    return SignalChange(None if is_new else base, replace(after, last_seen_at=now, changes=base.changes + differs))


def _begun(report: Report, signal_id: str, group: str, now: datetime) -> Signal:
    return Signal(
        id=signal_id,
        source=report.source,
        kind=report.kind,
        group=group,
        state=SignalState.FIRING,
        impact=Impact.NONE,
        components={},
        first_seen_at=now,
        last_seen_at=now,
    )


def _has_news(signal: Signal, report: Report) -> bool:
    """Whether a report of the same alerts says something else: its texts, its facts, or that it counts now."""
    is_ignored = signal.state is SignalState.IGNORED
    said = any(signal.facts.get(name) != value for name, value in report.facts.items())
    return said or (is_ignored != bool(report.ignored) and IGNORED_BY not in signal.facts)


def _described(signal: Signal, alerts: list[Alert], report: Report, now: datetime) -> Signal:
    firing = [alert for alert in alerts if alert.is_firing]
    ignored = _why_ignored(signal, report)
    counted = SignalState.FIRING if firing else SignalState.ENDED
    return replace(
        signal,
        state=SignalState.IGNORED if ignored is not None else counted,
        reason=ignored or "",
        impact=max((alert.impact for alert in firing), key=lambda impact: impact.rank, default=signal.impact),
        components=worst_of(alert.components for alert in firing) if firing else signal.components,
        title=report.title or signal.title,
        detail=report.detail or signal.detail,
        link=report.link or signal.link,
        facts={**signal.facts, **report.facts, **_beginning(signal, firing)},
        ended_at=None if firing else signal.ended_at or now,
    )


def _why_ignored(signal: Signal, report: Report) -> str | None:
    """Why a signal is only recorded. What a person ignored stays so; what was published is followed to its end."""
    if IGNORED_BY in signal.facts:
        return signal.reason
    return None if signal.incident_id is not None else report.ignored


def _beginning(signal: Signal, firing: Iterable[Alert]) -> Mapping[str, Any]:
    began = min((alert.started_at for alert in firing if alert.started_at), default=None)
    known = signal.facts.get(BEGAN_AT)
    return {BEGAN_AT: began.isoformat()} if began is not None and known is None else {}


def worst_of(many: Iterable[Components]) -> dict[str, ComponentStatus | None]:
    """Unite components, each with its worst status."""
    found: dict[str, ComponentStatus | None] = {}
    for components in many:
        for key, status in components.items():
            if key not in found or _SEVERITY[status] > _SEVERITY[found[key]]:
                found[key] = status
    return dict(sorted(found.items()))
