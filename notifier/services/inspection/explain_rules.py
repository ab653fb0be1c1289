"""Evaluate every rule between a message and a recipient: its input, its result, and why.

Preference and quiet-hour rules are the pure functions that planning and sending use. Subscriber
data is the current one: `Explain` lists later changes beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notifier.domain.incidents.notice import Notice, webhook_type
from notifier.domain.recipients.audience import AudienceContext, Check, Exposure, Preferences, checks
from notifier.domain.recipients.do_not_disturb import Bounds, Sent, Timing, timings
from notifier.domain.recipients.endpoint import EndpointState, StoredEndpoint
from notifier.domain.recipients.subscriber import StoredSubscriber, Suppression, SuppressionReason
from notifier.domain.values import Impact, Reason, SubscriberState
from notifier.services.inspection.explain_text import clock


class RuleResult(StrEnum):
    """A rule's result for a message: `wait` means later, not never."""

    PASS = "pass"  # noqa: S105 - no password
    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule as applied. `words` explain a result other than `pass` to the recipient."""

    name: str
    seen: str
    result: RuleResult
    words: str = ""

    def as_json(self) -> dict[str, object]:
        """Return JSON data; `passed` is also true for `wait`, as the message is sent in the end."""
        return {
            "rule": self.name,
            "seen": self.seen,
            "passed": self.result is not RuleResult.STOP,
            "verdict": self.result.value,
        }


def _rule(name: str, seen: str, words: str, *, passed: bool) -> Rule:
    verdict = RuleResult.PASS if passed else RuleResult.STOP
    return Rule(name=name, seen=seen, result=verdict, words="" if passed else words)


_STATES = {
    SubscriberState.ACTIVE: "",
    SubscriberState.PENDING: "you had not confirmed your subscription",
    SubscriberState.UNSUBSCRIBED: "you had unsubscribed",
    SubscriberState.SUPPRESSED: "your address does not accept our mail",
}
_SUPPRESSED = {
    SuppressionReason.UNSUBSCRIBED: "you unsubscribed",
    SuppressionReason.PROVIDER_UNSUBSCRIBED: "you unsubscribed in your mail program",
    SuppressionReason.BOUNCED: "your mail server permanently rejected our mail",
    SuppressionReason.COMPLAINED: "a mail of ours was marked as spam",
    SuppressionReason.MANUAL: "mail to your address was stopped manually",
    SuppressionReason.IMPORTED: "mail to your address was stopped by an imported list",
}


def subscriber_rules(
    who: StoredSubscriber,
    suppressed: Sequence[Suppression],
    opted_out_at: datetime | None,
    planned_at: datetime,
) -> list[Rule]:
    """Apply the rules that precede preferences: address, time of sign-up, consent, suppression."""
    subscriber, zone = who.subscriber, who.subscriber.timezone
    reasons = [f"{_SUPPRESSED[item.reason]} on {clock(item.since, zone)}" for item in suppressed]
    listed = ", ".join(f"{item.reason} since {clock(item.since, zone)}" for item in suppressed)
    out = opted_out_at and clock(opted_out_at, zone)
    late = f"you subscribed on {clock(who.created_at, zone)}, after it had been sent"
    return [
        _rule(
            "address",
            "present" if subscriber.email else "missing",
            "we do not have your e-mail address",
            passed=subscriber.email is not None,
        ),
        _rule(
            "subscribed_in_time",
            f"subscribed={clock(who.created_at, zone)} planned={clock(planned_at, zone)}",
            late,
            passed=who.created_at <= planned_at,
        ),
        _rule(
            "state",
            f"state={subscriber.state}",
            _STATES[subscriber.state],
            passed=subscriber.state is SubscriberState.ACTIVE,
        ),
        _rule("suppression", listed or "not listed", " and ".join(reasons), passed=not suppressed),
        _rule(
            "opt_out",
            f"out since {out}" if out else "not opted out of this incident",
            f"you unsubscribed from this incident on {out}",
            passed=opted_out_at is None,
        ),
    ]


def endpoint_rules(endpoint: StoredEndpoint, notice: Notice, planned_at: datetime, zone: str) -> list[Rule]:
    """Apply the rules that precede filters: time of creation, being active, event types."""
    kind, wanted = webhook_type(notice), endpoint.endpoint.types
    made = clock(endpoint.created_at, zone)
    return [
        _rule(
            "subscribed_in_time",
            f"created={made} planned={clock(planned_at, zone)}",
            f"the endpoint was created on {made}, after it had been sent",
            passed=endpoint.created_at <= planned_at,
        ),
        _rule(
            "state",
            f"state={endpoint.endpoint.state} {endpoint.state_reason}".rstrip(),
            f"the endpoint is {endpoint.endpoint.state} {endpoint.state_reason}".rstrip(),
            passed=endpoint.endpoint.state is EndpointState.ACTIVE,
        ),
        _rule(
            "types",
            f"type={kind} wanted={','.join(sorted(wanted)) or 'all'}",
            f"the endpoint does not subscribe to {kind}",
            passed=not wanted or kind in wanted,
        ),
    ]


def account_rule(*, is_configured: bool) -> Rule:
    """Apply the only rule of our own accounts, which get everything."""
    seen = "configured" if is_configured else "not configured"
    return _rule("account", seen, "the account is no longer configured", passed=is_configured)


def translation_rule(locales: Sequence[str], locale: str, *, notified_first: bool) -> Rule:
    """Apply the only rule of a late translation: the locales it serves."""
    wanted = ", ".join(sorted(locales))
    if locale not in locales:
        words = f"it repeats in {wanted} what you received in {locale}"
    else:
        words = "it repeats, in your language, an update you had not received"
    seen = f"locale={locale} translated={wanted} told_before={notified_first}"
    return _rule("translation", seen, words, passed=notified_first and locale in locales)


def preference_rules(preferences: Preferences, exposure: Exposure, context: AudienceContext) -> list[Rule]:
    """Apply the preferences, with the function that planning uses."""
    return [
        _rule(check.rule, check.seen, _refusal(check, preferences, context), passed=check.passed)
        for check in checks(preferences, exposure, context)
    ]


def _refusal(check: Check, preferences: Preferences, context: AudienceContext) -> str:
    affected = ", ".join(sorted(context.scope.components)) or "no component in particular"
    chosen = ", ".join(sorted(preferences.components))
    heard = "only the end" if preferences.updates == "resolution" else "only the beginning and the end"
    return {
        "channel": f"you did not choose {_channel(context)}",
        "min_impact": f"its impact was {context.scope.impact}, and you asked for {_from(preferences.min_impact)}",
        "maintenance": "it is planned maintenance, which you chose not to receive",
        "components": f"it affected {affected}, and you asked for {chosen} only",
        "updates": f"you asked for {heard}",
        "told_it_began": "you were not notified of its start, so you were not notified of its end",
        "in_scope_while_it_ran": "it never affected what you asked for, so you were not notified of its end",
    }[check.rule]


def _channel(context: AudienceContext) -> str:
    return "e-mail" if context.channel == "email" else f"the channel {context.channel}"


def _from(impact: Impact) -> str:
    return impact if impact is Impact.CRITICAL else f"{impact} or worse"


def quiet_rules(mailbox: Sequence[Bounds], sent: Sequence[Sent], context: AudienceContext, at: datetime) -> list[Rule]:
    """Apply the address's quiet hours and hourly limits as of the decision."""
    rules = []
    for bounds in mailbox:
        for timing in timings(bounds, sent, context, at):
            waits = timing.until is not None
            rules.append(
                Rule(
                    name=timing.reason.value,
                    seen=timing.seen,
                    result=RuleResult.WAIT if waits else RuleResult.PASS,
                    words=_wait(timing, bounds),
                )
            )
    return rules


def _wait(timing: Timing, bounds: Bounds) -> str:
    if timing.until is None:
        return ""
    until = clock(timing.until, bounds.timezone)
    if timing.reason is Reason.QUIET_HOURS:
        return f"it arrived during your quiet hours, which ended at {until}"
    return f"you asked for at most {bounds.max_per_hour} messages per hour; the limit allowed it at {until}"
