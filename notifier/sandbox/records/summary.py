"""Counts of everything received."""

from collections import Counter
from typing import Any

from notifier.sandbox.ledger import CHANNELS
from notifier.sandbox.records.moments import moment
from notifier.sandbox.records.posts import posts_of
from notifier.sandbox.records.webhooks import hook_rows
from notifier.sandbox.sandbox import Sandbox


def summary_of(sandbox: Sandbox) -> dict[str, Any]:
    """Return counts per channel. Mails count once they leave the schedule, even if dropped."""
    ledger = sandbox.ledger
    return {
        "mails": _mails(sandbox),
        "posts": _posts(sandbox),
        "webhooks": _webhooks(sandbox),
        "duplicates": {channel: ledger.duplicates(channel) for channel in CHANNELS},
        "refused": dict(ledger.refused),
        "notifications": {
            channel: {
                key: {"first_at": moment(found.first_at), "last_at": moment(found.last_at), "count": found.count}
                for key, found in list(arrivals.items())[-1_000:]
            }
            for channel, arrivals in ledger.notifications.items()
            if arrivals
        },
        "faults": [{"id": fault.id, "kind": fault.kind, "hits": fault.hits} for fault in sandbox.faults.faults],
    }


def _mails(sandbox: Sandbox) -> dict[str, Any]:
    ledger, mail = sandbox.ledger, sandbox.mail
    return {
        "requests": mail.requests,
        "total": mail.mails,
        "per_locale": dict(ledger.locales),
        "addresses": len(ledger.addresses),
        "same_notification_twice": ledger.mails.total() - len(ledger.mails),
        "dropped": mail.dropped,
        "scheduled": mail.schedule.waiting(),
        "discarded": mail.discarded,
    }


def _posts(sandbox: Sandbox) -> dict[str, Any]:
    posts = [post for post in posts_of(sandbox) if not post["deleted"]]
    twice = Counter((post["platform"], post["account"], post["text"]) for post in posts)
    return {
        "total": len(posts),
        "per_account": dict(Counter(post["account"] for post in posts)),
        "same_text_twice": sum(number - 1 for number in twice.values()),
    }


def _webhooks(sandbox: Sandbox) -> dict[str, Any]:
    rows = hook_rows(sandbox.hooks.inboxes)
    return {
        "requests": sum(row["requests"] for row in rows),
        "accepted": sum(row["accepted"] for row in rows),
        "unverified": sum(row["unverified"] for row in rows),
        "per_hook": {row["name"]: row["accepted"] for row in rows},
        "repeats": sum(row["repeats"] for row in rows),
    }
