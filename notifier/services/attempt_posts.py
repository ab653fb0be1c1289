"""Attempt a post: one account, one text, in its incident's thread."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from notifier.channels.base import SocialSender
from notifier.domain import ids
from notifier.domain.errors import DeliveryError
from notifier.domain.house import Account
from notifier.domain.message import PostReceipt, SocialPost
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.rendering.renderer import Renderer
from notifier.services.outcomes import Record, Try
from notifier.services.ports import Clock
from notifier.storage import deliveries
from notifier.storage.batches import Batch
from notifier.storage.deliveries import Departure
from notifier.storage.engine import Database
from notifier.storage.notifications import StoredNotification


@dataclass(frozen=True)
class PostAttempt:
    """Publish one post whose batch's lease is ours."""

    database: Database
    clock: Clock
    renderer: Renderer
    accounts: Mapping[str, Account]
    senders: Mapping[str, SocialSender]
    record: Record
    _locks: dict[str, Lock] = field(default_factory=dict, init=False)
    _guard: Lock = field(default_factory=Lock, init=False)

    def __call__(self, batch: Batch, stored: StoredNotification) -> None:
        """Post once; after an unknown outcome look first whether the post is there already."""
        with self.database.read() as connection:
            rows = deliveries.account_rows(connection, batch.id)
        if not rows:
            self.record.nobody_left(batch, ())
            return
        row = rows[0]  # planning puts each account into a batch of its own
        sender, account = self.senders.get(row.name), self.accounts.get(row.name)
        if sender is None or account is None:
            gone = Departure(recipient_key=row.id, state=DeliveryState.CANCELED, reason=Reason.ENDPOINT_DISABLED)
            self.record.nobody_left(batch, [gone])
            return
        # The providers' clients are not safe for two threads, and a thread of posts has an order.
        with self._lock(row.name):
            self._attempt(batch, stored, row.id, sender, account)

    def _lock(self, name: str) -> Lock:
        with self._guard:
            return self._locks.setdefault(name, Lock())

    def _attempt(
        self, batch: Batch, stored: StoredNotification, key: int, sender: SocialSender, account: Account
    ) -> None:
        post = self._post(stored, key, account, sender, batch.since)
        started, clock = self.clock(), time.perf_counter()
        provider = f"{account.platform}:{account.name}"
        try:
            receipt = self._publish(batch, stored, sender, post)
        except DeliveryError as error:
            duration = int((time.perf_counter() - clock) * 1000)
            self.record.failed(batch, Try(started_at=started, duration_ms=duration, provider=provider), error)
            return
        duration = int((time.perf_counter() - clock) * 1000)
        told = Departure(
            recipient_key=key,
            state=DeliveryState.ACCEPTED,
            attempts=batch.attempts,
            provider_id=json.dumps({"id": receipt.id, "url": receipt.url, "extra": dict(receipt.extra)}),
        )
        self.record.accepted(
            batch,
            Try(started_at=started, duration_ms=duration, provider=provider),
            message_id=receipt.id,
            departures=[told],
        )

    def _publish(self, batch: Batch, stored: StoredNotification, sender: SocialSender, post: SocialPost) -> PostReceipt:
        if batch.unknown and not sender.deduplicates:
            found = sender.find(post, stored.created_at)
            if found is not None:
                return found
        return sender.post(post)

    def _post(
        self, stored: StoredNotification, key: int, account: Account, sender: SocialSender, since: int
    ) -> SocialPost:
        notice = stored.notice
        with self.database.read() as connection:
            earlier = deliveries.last_receipt(
                connection, notice.incident.id, Channel.SOCIAL.value, key, notice.sequence
            )
        # A post that is proven to exist but cannot be found has no id to reply to.
        thread = [receipt for receipt in map(_receipt, earlier) if receipt.id]
        worded = self.renderer.post_text(notice, account, since, most=sender.limits().characters)
        return SocialPost(
            key=ids.delivery_id(notice.id, key),
            account=account.name,
            text=worded.text,
            locale=worded.locale,
            links=worded.links,
            spans=worded.spans,
            listed=notice.opens or notice.closes,
            posted_at=notice.lead.posted_at,
            reply_to=thread[-1] if thread else None,
            thread_root=thread[0] if thread else None,
        )


def _receipt(text: str) -> PostReceipt:
    data = json.loads(text)
    return PostReceipt(id=data["id"], url=data["url"], extra=data["extra"])
