"""Who is notified: one pure rule, evaluated once per distinct set of preferences and exposure.

Planning stores the verdicts and joins them to the subscribers (`services/dispatch/plan.py`);
`notifier explain` calls the same function for one recipient, so both apply the same rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from notifier.domain import canary
from notifier.domain.values import ACCEPTED, Channel, DeliveryState, Impact, Reason, UpdateLevel

# States of an earlier delivery that reached the recipient, or may have: a batch planned on one of
# these is rechecked before it is sent.
REACHED = (*ACCEPTED, DeliveryState.SENDING)
# Meant for a recipient, whether it reached them or not.
MEANT = (*REACHED, DeliveryState.QUEUED, DeliveryState.SUPERSEDED, DeliveryState.BOUNCED)
# Reasons that count as meant in any state: an endpoint that did not take the message may still
# catch up; one that chose other types of messages waits for those.
STILL_MEANT = (Reason.ENDPOINT_DISABLED, Reason.GAVE_UP, Reason.GONE, Reason.SECRET, Reason.NOT_WANTED)


def reached_when_sent(channel: Channel) -> tuple[DeliveryState, ...]:
    """Return the states that planning counts as reached: endpoints get queued messages first."""
    return (*REACHED, DeliveryState.QUEUED) if channel is Channel.WEBHOOK else REACHED


class Exposure(StrEnum):
    """What a recipient has received of this episode on this channel."""

    NONE = "new"  # no message was ever meant for them
    PENDING = "in_line"  # a message was decided but has not reached them: queued, held, superseded
    REACHED = "told"  # at least one reached them, or may have


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorNotification:
    """One earlier notification of the incident and channel that was meant for a recipient.

    `episode_start`: sequence of the first notification of its episode; `ends`: it announced the end
    of an earlier episode, or its postmortem; `reached`: the provider accepted it, or may have.
    """

    sequence: int
    episode_start: int
    ends: bool
    reached: bool


def exposure_of(heard: Sequence[PriorNotification], *, episode_start: int) -> tuple[Exposure, int]:
    """Return a recipient's exposure, and the last notification whose updates need no repeating.

    A recipient not reached by the end of an earlier episode is still in that episode, and the next
    message includes it. Otherwise the episode begins at `episode_start`. Planning implements the
    same rule in SQL (`storage/planning/ranges.py`).
    """
    ended = max((each.sequence for each in heard if each.reached and each.ends), default=0)
    open_ = [each for each in heard if each.sequence > ended]
    since = max((each.sequence for each in heard if each.reached), default=0)
    since = max(since, min((each.episode_start for each in open_), default=episode_start) - 1)
    if any(each.reached for each in open_):
        return Exposure.REACHED, since
    return (Exposure.PENDING if open_ else Exposure.NONE), since


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What one recipient asked for. `components` empty means all of them."""

    channels: frozenset[Channel] = frozenset({Channel.EMAIL})
    components: frozenset[str] = frozenset()
    min_impact: Impact = Impact.NONE
    updates: UpdateLevel = UpdateLevel.ALL
    maintenance: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentScope:
    """The scope of an incident at one moment. No components means the whole platform."""

    impact: Impact
    components: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceContext:
    """The facts about a notification that routing needs."""

    channel: Channel
    scope: IncidentScope
    earlier_scopes: Sequence[IncidentScope] = ()  # of this episode, the current one excluded
    closes: bool = False
    postmortem: bool = False
    milestone: bool = False  # planned work starts or was moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One applied rule: its name, its input, and whether the recipient passed."""

    rule: str
    seen: str
    passed: bool


def scope_checks(preferences: Preferences, scope: IncidentScope) -> tuple[Check, ...]:
    """Apply the preferences about an incident's scope."""
    if scope.impact is Impact.MAINTENANCE:
        severity = Check(
            rule="maintenance", seen=f"maintenance={preferences.maintenance}", passed=preferences.maintenance
        )
    else:
        seen = f"impact={scope.impact} min_impact={preferences.min_impact}"
        severity = Check(rule="min_impact", seen=seen, passed=scope.impact.rank >= preferences.min_impact.rank)
    touched = not preferences.components or not scope.components or bool(preferences.components & scope.components)
    if canary.COMPONENT in scope.components:
        touched = canary.COMPONENT in preferences.components
    wanted = ",".join(sorted(preferences.components)) or "all"
    affected = ",".join(sorted(scope.components)) or "all"
    return severity, Check(rule="components", seen=f"affected={affected} wanted={wanted}", passed=touched)


def in_scope(preferences: Preferences, scope: IncidentScope) -> bool:
    """Whether an incident of this scope concerns the recipient."""
    return all(check.passed for check in scope_checks(preferences, scope))


def checks(preferences: Preferences, exposure: Exposure, context: AudienceContext) -> tuple[Check, ...]:
    """Apply every rule for one recipient and one notification; all must pass.

    Two guarantees override the preferences: anyone notified of the beginning is notified of the
    end, and anyone who was not is not. Exposure `in_line` counts as notified: their message was
    decided and then replaced by a newer one with the same content.
    """
    channel = Check(
        rule="channel",
        seen=f"{context.channel} in {','.join(sorted(preferences.channels)) or 'none'}",
        passed=context.channel in preferences.channels,
    )
    if context.closes:
        return channel, *_closing_checks(preferences, exposure, context)
    if context.postmortem:
        wanted = preferences.updates is not UpdateLevel.RESOLUTION
        return (
            channel,
            Check(rule="updates", seen=f"updates={preferences.updates}, this is the postmortem", passed=wanted),
            Check(rule="told_it_began", seen=f"standing={exposure}", passed=exposure is not Exposure.NONE),
        )
    is_informed = exposure is Exposure.REACHED and not context.milestone
    milestone_done = preferences.updates is UpdateLevel.MILESTONES and is_informed
    heard = preferences.updates is not UpdateLevel.RESOLUTION and not milestone_done
    step = "already told that it began" if exposure is Exposure.REACHED else "not told yet"
    step += ", this is a milestone of planned work" if context.milestone else ""
    return (
        channel,
        *scope_checks(preferences, _scope_for(preferences, exposure, context)),
        Check(rule="updates", seen=f"updates={preferences.updates}, {step}", passed=heard),
    )


def _scope_for(preferences: Preferences, exposure: Exposure, context: AudienceContext) -> IncidentScope:
    """Return the scope to check; include that of an earlier message that this one replaces.

    Not for webhook endpoints: they still get the earlier message.
    """
    if exposure is Exposure.PENDING and context.channel is not Channel.WEBHOOK:
        reaches = (context.scope, *context.earlier_scopes)
        return next((reach for reach in reaches if in_scope(preferences, reach)), context.scope)
    return context.scope


def _closing_checks(preferences: Preferences, exposure: Exposure, context: AudienceContext) -> tuple[Check, ...]:
    if preferences.updates is UpdateLevel.RESOLUTION:
        scopes = (*context.earlier_scopes, context.scope)
        ever = any(in_scope(preferences, scope) for scope in scopes)
        # Anyone notified before choosing `resolution` is notified of the end, whatever their scope
        # now.
        passed = ever or exposure is not Exposure.NONE
        seen = f"updates=resolution, in scope={ever}, standing={exposure}"
        return (Check(rule="in_scope_while_it_ran", seen=seen, passed=passed),)
    return (Check(rule="told_it_began", seen=f"standing={exposure}", passed=exposure is not Exposure.NONE),)


def is_notified(preferences: Preferences, exposure: Exposure, context: AudienceContext) -> bool:
    """Whether this notification goes to a recipient with these preferences and this exposure."""
    return all(check.passed for check in checks(preferences, exposure, context))
