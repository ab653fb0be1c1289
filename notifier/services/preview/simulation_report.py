"""Result of a simulation: notifications, updates without one and why, and costs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.domain.incidents.incident import Event
from notifier.domain.messages.brand import Account, localized
from notifier.domain.values import Channel, Outcome, Platform, Status

# X, pay-per-use, prices of 20 April 2026 in thousandths of a dollar: a post, and a post with a
# link.
POST_COST, LINK_POST_COST = 15, 200
_LINK = re.compile(r"https?://")

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNotification:
    """One simulated notification. `at` is aware UTC; the last of `update_ids` leads."""

    incident_id: str
    channel: Channel
    sequence: int
    at: datetime
    update_ids: tuple[str, ...]
    lead_status: Status
    urgency: str
    opens: bool
    closes: bool

    def as_json(self) -> JsonObject:
        """Return JSON data."""
        return {
            "incident_id": self.incident_id,
            "channel": self.channel.value,
            "sequence": self.sequence,
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "update_ids": list(self.update_ids),
            "lead_status": self.lead_status.value,
            "urgency": self.urgency,
            "opens": self.opens,
            "closes": self.closes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSummary:
    """Updates of one channel by outcome; each is counted once.

    `notifications`: updates that lead one. `merged`: sent in a notification led by another update.
    `absorbed`: sent to nobody, being a flap.
    """

    notifications: int
    duplicate: int
    stale: int
    recorded: int
    absorbed: int
    merged: int
    longest_wait: timedelta  # from an update's arrival to its notification

    def as_json(self) -> JsonObject:
        """Return JSON data."""
        return {
            "notifications": self.notifications,
            "suppressed": {
                "duplicate": self.duplicate,
                "stale": self.stale,
                "recorded": self.recorded,
                "absorbed": self.absorbed,
                "merged": self.merged,
            },
            "longest_wait_seconds": self.longest_wait.total_seconds(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCosts:
    """Costs of posts on X in thousandths of a dollar: as configured, all with link, all without."""

    configured: int = 0
    with_link: int = 0
    without_link: int = 0

    def as_json(self) -> JsonObject:
        """Return JSON data, in dollars."""
        return {
            "estimated_cost_usd": self.configured / 1000,
            "estimated_cost_usd_with_link": self.with_link / 1000,
            "estimated_cost_usd_without_link": self.without_link / 1000,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    """The result of one history under one set of policies."""

    updates: int
    incidents: int
    outcomes: Mapping[Outcome, int]
    notifications: Sequence[SimulatedNotification]
    channels: Mapping[Channel, ChannelSummary]
    costs: PostCosts
    costs_of_every_update: PostCosts

    def as_json(self) -> JsonObject:
        """Return JSON data; deterministic for the same history and policies."""
        return {
            "notifications": [notification.as_json() for notification in self.notifications],
            "summary": self.summary(),
        }

    def summary(self) -> JsonObject:
        """Return the figures without the notifications."""
        return {
            "updates": self.updates,
            "incidents": self.incidents,
            "outcomes": {outcome.value: self.outcomes.get(outcome, 0) for outcome in Outcome},
            "channels": {channel.value: summary.as_json() for channel, summary in self.channels.items()},
            **self.costs.as_json(),
            "one_message_per_update": {
                "notifications": {channel.value: self.updates for channel in self.channels},
                **self.costs_of_every_update.as_json(),
            },
        }


def side_by_side(reports: Mapping[str, SimulationReport]) -> JsonObject:
    """Return reports of several policies over one history as JSON data, by name."""
    return {"policies": {name: report.as_json() for name, report in reports.items()}}


def post_costs(events: Iterable[Event], accounts: Sequence[Account]) -> PostCosts:
    """Estimate the costs on X: one post per event and account; a text may contain its own link."""
    configured = with_link = without_link = 0
    on_x = [account for account in accounts if account.platform is Platform.X]
    for event in events:
        for account in on_x:
            text = localized(event.update.body, account.locale, account.locale)
            bare = LINK_POST_COST if _LINK.search(text) else POST_COST
            configured += LINK_POST_COST if account.with_link else bare
            with_link += LINK_POST_COST
            without_link += bare
    return PostCosts(configured=configured, with_link=with_link, without_link=without_link)
