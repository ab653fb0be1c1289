"""The replay: import subscribers, publish six events in compressed time, count what arrived."""

import csv
import io
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from notifier.demo import story, subscribers
from notifier.demo.upstream import Operator, PublishedDraft, Upstream
from notifier.domain.values import Impact
from notifier.supervise.installation import Installation

_SETTLE_SECONDS = 90.0
_POLL_SECONDS = 0.1
# On a slow machine an update must not overtake the one before: wait this long for its messages.
_PATIENCE_SECONDS = 60.0
_AWAITED = ("email", "social")
_OPEN = ("queued", "sending")
_DELIVERED = ("accepted", "delivered")
_FIXED_AFTER = 2  # updates
_CAUSE, _END = 2, 5  # the updates that tell of Cloudflare's outage, and of the end


@dataclass(slots=True)
class Progress:
    """What has arrived so far, for progress output."""

    posted: int = 0
    updates: int = 0
    mails: int = 0
    posts: int = 0
    webhooks: int = 0
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What arrived at the sandbox, compared with the database and the routing rule."""

    emails: Mapping[str, int]
    social: Mapping[str, int]
    webhooks: int
    lost: int
    duplicates: int
    seconds: float
    rows: Sequence[Sequence[Any]] = field(default=())
    wrong: Sequence[str] = ()
    drafts: Sequence[PublishedDraft] = ()

    @property
    def failed(self) -> bool:
        """Return whether anything is missing or was sent twice."""
        return bool(self.lost or self.duplicates or self.wrong)

    def as_json(self) -> dict[str, Any]:
        """Return the figures for `notifier demo --json`."""
        return {
            "emails": self.emails,
            "social": self.social,
            "webhooks": self.webhooks,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "seconds": round(self.seconds, 1),
            "wrong": list(self.wrong),
            "drafts": [draft.as_json() for draft in self.drafts],
        }


class Replay:
    """One replay on one installation."""

    def __init__(
        self,
        system: Installation,
        upstream: Upstream,
        *,
        merchants: int,
        speed: float,
        watch: Callable[[Progress], None],
    ) -> None:
        """`speed`: the factor of time compression."""
        self._system, self._upstream, self._speed, self._watch = system, upstream, speed, watch
        self._drafts: list[PublishedDraft] = []
        self._people = subscribers.merchants(merchants)
        self._partners = subscribers.partners()
        self._progress = Progress()
        self._secrets: dict[str, str] = {}
        self._languages: dict[str, Counter[str]] = defaultdict(Counter)
        self._posted: dict[str, list[str]] = defaultdict(list)

    def run(self) -> Result:
        """Import subscribers, publish the six events, and return when everything has been sent."""
        self._show_line("importing merchants and partners")
        self._add_people()
        operator, events = Operator(self._system), story.events()
        started = time.monotonic()
        for number, (event, pause) in enumerate(zip(events, [*self._pauses(events), 0.0], strict=True), start=1):
            self._show_line(f"{event['update']['posted_at'][11:16]}  {event['update']['status']}")
            self._publish(number, event, operator)
            self._progress.updates = number
            if number == _FIXED_AFTER:
                self._fix_partners()
            self._wait(pause, number)
        self._await_end()
        return self._count(time.monotonic() - started)

    def _publish(self, number: int, event: dict[str, Any], operator: Operator) -> None:
        """Publish an update: the cause as the draft that Cloudflare's page led to, the others by themselves."""
        draft = operator.publish(event) if number == _CAUSE else None
        if draft is not None:
            self._drafts.append(draft)
        else:
            links = {"links": self._drafts[0].links} if self._drafts else {}
            self._system.call("POST", "/v1/events", {**event, "incident": {**event["incident"], **links}})
        if number == _CAUSE - 1:
            self._upstream.begin()
        elif number == _END:
            self._upstream.end()

    def _pauses(self, events: Sequence[dict[str, Any]]) -> list[float]:
        times = [datetime.fromisoformat(event["update"]["posted_at"]) for event in events]
        return [(later - earlier).total_seconds() / self._speed for earlier, later in pairwise(times)]

    def _show_line(self, line: str) -> None:
        self._progress.line = line
        self._watch(self._progress)

    def _add_people(self) -> None:
        table = io.StringIO()
        writer = csv.DictWriter(table, subscribers.COLUMNS)
        writer.writeheader()
        writer.writerows(person.row() for person in self._people)
        self._system.call("POST", "/v1/subscribers/import", table.getvalue().encode(), content_type="text/csv")
        for partner in self._partners:
            address = f"{self._system.sandbox}/hooks/{partner.name}"
            endpoint = self._system.call("POST", "/v1/endpoints", {"url": address, "description": partner.name})
            self._secrets[partner.name] = endpoint["secret"]
            hook = {"secret": endpoint["secret"], "behaviour": partner.behaviour}
            self._system.ask_sandbox("PUT", f"/sandbox/hooks/{partner.name}", hook)

    def _fix_partners(self) -> None:
        """Fix the partners whose receivers failed at first."""
        for partner in self._partners:
            if partner.behaviour["kind"] == "fail_first":
                hook = {"secret": self._secrets[partner.name], "behaviour": "ok"}
                self._system.ask_sandbox("PUT", f"/sandbox/hooks/{partner.name}", hook)

    def _wait(self, pause: float, number: int) -> None:
        """Wait for the compressed time, then until this update's mails and posts are sent."""
        until = time.monotonic() + pause
        latest = until + _PATIENCE_SECONDS
        while True:
            self._look()
            now = time.monotonic()
            if now >= until and (now >= latest or not self._is_open(number)):
                return
            time.sleep(min(_POLL_SECONDS, max(0.01, until - now)))

    def _look(self) -> None:
        summary = self._system.ask_sandbox("GET", "/sandbox/api/summary")
        progress = self._progress
        progress.mails = summary["mails"]["total"]
        progress.posts = summary["posts"]["total"]
        progress.webhooks = summary["webhooks"]["accepted"]
        self._watch(progress)

    def _notifications(self) -> list[dict[str, Any]]:
        answer = self._system.call("GET", f"/v1/incidents/{story.INCIDENT_ID}/notifications")
        items: list[dict[str, Any]] = answer["items"]
        return items

    def _is_open(self, number: int) -> bool:
        items = [item for item in self._notifications() if item["channel"] in _AWAITED]
        delivered = {item["channel"] for item in items if f"upd-{number}" in item["update_ids"]}
        return delivered != set(_AWAITED) or any(not _is_done(item) for item in items)

    def _await_end(self) -> None:
        self._show_line("waiting for the last partner")
        deadline = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < deadline:
            self._look()
            if all(_is_done(item) for item in self._notifications()):
                return
            time.sleep(_POLL_SECONDS)

    def _count(self, seconds: float) -> Result:
        self._show_line("counting")
        self._look()
        summary = self._system.ask_sandbox("GET", "/sandbox/api/summary")
        arrived = self._system.ask_sandbox("GET", "/sandbox/api/deliveries")
        notifications = self._notifications()
        seen = {item["delivery_id"]: item["count"] for item in arrived}
        posts = self._system.ask_sandbox("GET", "/sandbox/api/posts")["items"]
        posted = {post["id"]: post["created_at"] for post in posts}
        ledger = self._ledger(notifications, posted)
        lost = [name for name in ledger if name not in seen]
        return Result(
            emails=dict(sorted(summary["mails"]["per_locale"].items())),
            social=dict(sorted(summary["posts"]["per_account"].items())),
            webhooks=summary["webhooks"]["accepted"] - summary["webhooks"]["repeats"],
            lost=len(lost) + self._missing_posts(notifications, summary),
            duplicates=sum(number - 1 for number in seen.values()) + summary["posts"]["same_text_twice"],
            seconds=seconds,
            rows=[self._row(item, summary) for item in notifications],
            wrong=[
                *self._compare(notifications, summary),
                *self._undelivered(notifications),
                *self._missing(summary),
                *([] if self._drafts else ["no draft was proposed from Cloudflare's page in time"]),
            ],
            drafts=self._drafts,
        )

    def _ledger(self, notifications: Sequence[dict[str, Any]], posted: Mapping[str, str]) -> set[str]:
        """Return the ids of deliveries that the database has as accepted, except posts.

        `posted`: the time of each post, by the platform's id.
        """
        found: set[str] = set()
        for item in notifications:
            languages = self._languages[item["id"]]
            cursor = ""
            while cursor is not None:
                query = f"?limit=500{f'&cursor={cursor}' if cursor else ''}"
                answer = self._system.call("GET", f"/v1/notifications/{item['id']}/deliveries{query}")
                rows = [row for row in answer["items"] if row["state"] not in ("superseded", "suppressed")]
                languages.update(row["locale"] for row in rows if row["locale"])
                if item["channel"] == "social":
                    names = [row["provider_message_id"] for row in rows]
                    self._posted[item["id"]] += [posted[name] for name in names if name in posted]
                else:
                    found |= {row["id"] for row in rows}
                cursor = answer["next"]
        return found

    @staticmethod
    def _missing_posts(notifications: Sequence[dict[str, Any]], summary: dict[str, Any]) -> int:
        expected = sum(
            item["counts"].get("accepted", 0) + item["counts"].get("failed", 0)
            for item in notifications
            if item["channel"] == "social"
        )
        return max(0, int(expected) - int(summary["posts"]["total"]))

    def _compare(self, notifications: Sequence[dict[str, Any]], summary: dict[str, Any]) -> list[str]:
        """Compare arrivals with the routing rule: each update must reach exactly its audience."""
        events = story.events()
        components = {item["key"] for item in events[0]["incident"]["components"]}
        statuses = [event["update"]["status"] for event in events]
        expected = subscribers.expected_mails(self._people, statuses, Impact.MAJOR, components)
        arrivals = summary["notifications"].get("email", {})
        mails = [item for item in notifications if item["channel"] == "email"]
        came = {item["update_ids"][-1]: arrivals.get(item["id"], {}).get("count", 0) for item in mails}
        return [
            f"{status}: {came.get(f'upd-{number}', 0)} mails arrived, expected {wanted}"
            for number, (status, wanted) in enumerate(zip(statuses, expected, strict=True), start=1)
            if came.get(f"upd-{number}", 0) != wanted
        ]

    @staticmethod
    def _undelivered(notifications: Sequence[dict[str, Any]]) -> list[str]:
        """List deliveries that the database has as not sent, including superseded ones."""
        return [
            f"{item['channel']} {item['sequence']} ({', '.join(item['update_ids'])}): {number} {state}"
            for item in notifications
            for state, number in sorted(item["counts"].items())
            if number and state not in _DELIVERED
        ]

    def _missing(self, summary: dict[str, Any]) -> list[str]:
        """Check posts and webhooks: every account and partner must get every update."""
        updates = len(story.events())
        posts = [
            f"{account}: {number} posts arrived, expected {updates}"
            for account, number in sorted(summary["posts"]["per_account"].items())
            if number != updates
        ]
        hooks, wanted = summary["webhooks"]["accepted"] - summary["webhooks"]["repeats"], updates * len(self._partners)
        return posts if hooks == wanted else [*posts, f"{hooks} webhooks arrived, expected {wanted}"]

    def _row(self, item: dict[str, Any], summary: dict[str, Any]) -> list[Any]:
        # The partners' stand-in identifies a notification by the payload.
        key = f"{story.INCIDENT_ID}/{item['sequence']}" if item["channel"] == "webhook" else item["id"]
        arrival = summary["notifications"].get(item["channel"], {}).get(key)
        created = datetime.fromisoformat(item["created_at"])
        first = last = None
        moments = [arrival["first_at"], arrival["last_at"]] if arrival else self._posted[item["id"]]
        if moments:
            after = [(datetime.fromisoformat(moment) - created).total_seconds() for moment in moments]
            first, last = round(min(after), 2), round(max(after), 2)
        delivered = sum(number for state, number in item["counts"].items() if state in _DELIVERED)
        spoken = ", ".join(f"{locale} {number}" for locale, number in self._languages[item["id"]].most_common())
        return [
            item["channel"],
            item["sequence"],
            ", ".join(item["update_ids"]),
            delivered,
            spoken or "all",
            first,
            last,
        ]


def _is_done(item: dict[str, Any]) -> bool:
    return item["state"] == "planned" and not any(item["counts"].get(state) for state in _OPEN)
