"""One incident from its producer's view: publish until acknowledged, watch until all is sent."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from notifier.domain import ids
from notifier.domain.errors import UnavailableError
from notifier.domain.values import Channel, DeliveryState
from notifier.storage import tables as t
from notifier.supervise.installation import SystemFailedError
from tests.chaos.verdict import Findings, Row, judge, strangers
from tests.chaos.world import World

_PATIENCE_SECONDS = 60.0
_SETTLE_SECONDS = 90.0
_RETRY_SECONDS = 0.2
_QUIET_LOOKS = 3
_BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_OPEN = (DeliveryState.QUEUED.value, DeliveryState.SENDING.value)


@dataclass(slots=True)
class Story:
    """An incident of which everyone in the world is notified."""

    world: World
    incident_id: str
    acknowledged: list[str] = field(default_factory=list)  # update ids
    refusals: Counter[str] = field(default_factory=Counter)

    def event(self, number: int, status: str = "investigating") -> dict[str, Any]:
        """Return the event with the incident's `number`-th update."""
        words = f"{self.incident_id} {number}: we are on it."
        return {
            "id": f"evt-{self.incident_id}-{number}",
            "incident": {
                "id": self.incident_id,
                "title": {"nl": "Storing", "en": "Outage"},
                "impact": "critical",
                "components": ["storefront", "api"],
                "started_at": _BEGAN.isoformat(),
            },
            "update": {
                "id": f"upd-{number}",
                "status": status,
                "body": {"nl": words, "en": words},
                "posted_at": (_BEGAN + timedelta(minutes=number)).isoformat(),
            },
        }

    def publish_update(self, number: int, status: str = "investigating") -> None:
        """Publish an update, retrying until it is acknowledged.

        Raises:
            SystemFailedError: It was not acknowledged within a minute.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = self.world.call("POST", "/v1/events", self.event(number, status))
            except SystemFailedError as error:
                self.refusals[str(error).partition(": ")[2][:3]] += 1
                if time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                self.acknowledged.append(answer["update_id"])
                return

    def mid(self, mails: int, share: float = 0.3) -> None:
        """Wait until a share of the audience has its mail, beyond the `mails` that came before."""
        wanted = mails + max(1, int(self.world.size.subscribers * share))
        self.world.until(lambda: self.world.mails() >= wanted, "a part of the mails has arrived", _PATIENCE_SECONDS)

    def wait_for_everyone(self, before: int) -> float:
        """Wait until everyone has one message beyond `before`; returns the seconds taken."""
        began, wanted = time.monotonic(), before + sum(self.world.size.expected.values())
        self.world.until(lambda: self.world.arrived() >= wanted, "everybody is told", _SETTLE_SECONDS)
        return time.monotonic() - began

    def settle(self) -> bool:
        """Wait until nothing of this incident is pending; False if that takes too long."""
        deadline, quiet = time.monotonic() + _SETTLE_SECONDS, 0
        while quiet < _QUIET_LOOKS:
            if time.monotonic() > deadline:
                return False
            try:
                quiet = 0 if self._in_hand() else quiet + 1
            except UnavailableError:
                quiet = 0
            time.sleep(_RETRY_SECONDS)
        return True

    def _in_hand(self) -> int:
        """Count pending work."""
        n, b, d, c = t.notification.c, t.batch.c, t.delivery.c, t.channel_state.c
        mine = select(n.id).where(n.incident_id == self.incident_id)
        waiting = (
            select(func.count())
            .select_from(t.channel_state)
            .where(c.incident_id == self.incident_id, c.due_at.is_not(None)),
            select(func.count()).where(n.incident_id == self.incident_id, n.state == "planning"),
            select(func.count()).where(b.notification_id.in_(mine), b.state.in_(_OPEN)),
            select(func.count()).where(d.notification_id.in_(mine), or_(d.due_at.is_not(None), d.state.in_(_OPEN))),
        )
        with self.world.ledger.read() as connection:
            return sum(connection.execute(statement).scalar_one() for statement in waiting)

    # --- judging ---

    def verdict(self) -> Findings:
        """Compare arrivals with the expectations and the database."""
        ended = self.settle()
        arrived = self.world.ask("GET", "/api/deliveries")
        rows, notifications = self._rows(), self._notifications()
        names = {row.delivery_id for row in rows}
        mine = [(one["delivery_id"], one["count"]) for one in arrived if one["delivery_id"] in names]
        found = judge(rows, mine, self.world.size.expected)
        foreign = strangers((one["delivery_id"] for one in arrived), notifications)
        found.add("unexplained", len(foreign), f"{foreign[:1]} belongs to no notification")
        if not ended:
            found.add("lost", 1, f"something is still in hand after {_SETTLE_SECONDS:g} s")
        self._judge_timeline(found)
        self._judge_posts(found)
        return found

    def _judge_timeline(self, found: Findings) -> None:
        updates = self.world.call("GET", f"/v1/incidents/{self.incident_id}")["updates"]
        missing = set(self.acknowledged) - {update["id"] for update in updates}
        found.add("lost", len(missing), f"acknowledged and not in the timeline: {sorted(missing)}")

    def _judge_posts(self, found: Findings) -> None:
        """Identify posts by their text, which names the lead update: they have no delivery id."""
        posts = [post["text"] for post in self.world.ask("GET", "/api/posts")["items"]]
        mine = [text for text in posts if f"{self.incident_id} " in text]
        again = len(mine) - len(set(mine))
        found.add("duplicated", again, f"{again} posts repeat another one")
        newest = max((int(one.removeprefix("upd-")) for one in self.acknowledged), default=0)
        if newest and not any(f"{self.incident_id} {newest}:" in text for text in mine):
            found.add("lost", 1, f"social: update {newest} was not posted")

    def _rows(self) -> list[Row]:
        n, b, d = t.notification.c, t.batch.c, t.delivery.c
        statement = (
            select(
                n.public_id,
                n.channel,
                n.sequence,
                d.recipient_key,
                b.since,
                func.coalesce(d.state, b.state).label("state"),
                func.coalesce(d.attempts, b.attempts).label("attempts"),
            )
            .join(t.batch, b.id == d.batch_id)
            .join(t.notification, n.id == d.notification_id)
            .where(n.incident_id == self.incident_id, n.channel != Channel.SOCIAL.value)
        )
        with self.world.ledger.read() as connection:
            return [
                Row(
                    delivery_id=ids.delivery_id(row.public_id, row.recipient_key),
                    channel=Channel(row.channel),
                    recipient=row.recipient_key,
                    sequence=row.sequence,
                    # Endpoints get every notification, each with its own updates only.
                    since=row.sequence - 1 if row.channel == Channel.WEBHOOK.value else row.since,
                    state=DeliveryState(row.state),
                    attempts=row.attempts or 0,
                )
                for row in connection.execute(statement)
            ]

    def _notifications(self) -> frozenset[str]:
        with self.world.ledger.read() as connection:
            return frozenset(connection.execute(select(t.notification.c.public_id)).scalars())
