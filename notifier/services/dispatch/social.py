"""Attempt a post: one account, in its languages, as part of its incident's thread."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from notifier.channels.base import SocialSender, TooLargeError
from notifier.domain import ids
from notifier.domain.errors import DeliveryError, TransientDeliveryError
from notifier.domain.messages.brand import Account
from notifier.domain.messages.message import Picture, PostReceipt, SocialPost
from notifier.domain.providers.breaker import CLOSED, PROBE_PAUSE, Breaker, blames_provider
from notifier.domain.providers.readback import APART, proves_absence
from notifier.domain.providers.retry import SOCIAL_SCHEDULE
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.rendering.cards.card_words import CardWords
from notifier.rendering.renderer import Renderer
from notifier.rendering.social.posts import PostText
from notifier.rendering.text.counting import limit_of
from notifier.services.dispatch.record_outcome import RecordOutcome, Try
from notifier.services.dispatch.sent_texts import wording_from_json, wording_to_json
from notifier.services.ports import AccountLock, Clock, RateLimiter
from notifier.services.providers.circuits import Circuits, no_wait
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import attempts, posts
from notifier.storage.deliveries.attempts import AttemptRow
from notifier.storage.deliveries.batches import Batch
from notifier.storage.deliveries.deliveries import DeliveryOverride
from notifier.storage.notifications.notifications import StoredNotification
from notifier.storage.operations import alerts

_BUSY = timedelta(seconds=2)  # until a worker retries an account lock that was taken
_SHORTER = 0.9  # factor by which to shorten a text that a platform found too long
LOOKED = "looked"  # the outcome of an attempt that found nothing and sent nothing


@dataclass(frozen=True)
class PostAttempt:
    """Publish the posts of one account for a claimed batch."""

    database: Database
    clock: Clock
    renderer: Renderer
    accounts: Mapping[str, Account]
    senders: Mapping[str, SocialSender]
    record: RecordOutcome
    account_lock: AccountLock
    rate_limiter: RateLimiter
    circuits: Circuits
    paint: Callable[[CardWords], Picture | None] = field(default=lambda _words: None)

    def attempt(self, batch: Batch, stored: StoredNotification) -> None:
        """Post what is missing; after an unknown outcome, first look for it on the platform."""
        with self.database.read() as connection:
            rows = posts.account_rows(connection, batch.id)
        if not rows:
            self.record.nobody_left(batch, ())
            return
        row = rows[0]  # planning creates one batch per account
        sender, account = self.senders.get(row.name), self.accounts.get(row.name)
        if sender is None or account is None:
            gone = DeliveryOverride(recipient_key=row.id, state=DeliveryState.CANCELED, reason=Reason.ENDPOINT_DISABLED)
            self.record.nobody_left(batch, [gone])
            return
        # Provider clients are not thread-safe, a session has one owner, and thread order matters.
        with self.account_lock.take(account.name) as ours:
            if not ours:
                self.record.paused(batch, _BUSY, Reason.WAITING_FOR_EARLIER)
                return
            circuit = self.circuits.look().get(account.name, CLOSED)
            if circuit.is_open and not self.circuits.enters(account.name, circuit, batch):
                hold = self.circuits.wait([account.name])
                self.record.paused(batch, PROBE_PAUSE, Reason.BREAKER_OPEN, hold=hold)
            elif wait := self.rate_limiter.take(account.name):
                self._release_probe(account, circuit)
                self.record.paused(batch, wait, Reason.RATE_LIMITED)
            else:
                self._attempt(_Task(batch, stored, row.id, account, sender, circuit))

    def _release_probe(self, account: Account, circuit: Breaker) -> None:
        if circuit.is_open:
            self.circuits.leave(account.name)

    def close(self) -> None:
        """Close the platforms' connections."""
        for sender in self.senders.values():
            sender.close()
        self.account_lock.close()
        self.rate_limiter.close()

    def _attempt(self, task: "_Task") -> None:
        started, clock, batch = self.clock(), time.perf_counter(), task.batch
        receipt, error = None, None
        try:
            receipt = self._publish_parts(task)
        except DeliveryError as failure:
            error = failure
        self._note_rate(task, error)
        if error is not None and blames_provider(error):
            self.circuits.failed(task.account.name, error, task.circuit)
        duration = int((time.perf_counter() - clock) * 1000)
        tried = Try(started_at=started, duration_ms=duration, provider=task.provider)
        if error is not None:
            hold = self.circuits.wait([task.account.name]) if blames_provider(error) else no_wait
            self.record.failed(batch, tried, error, hold=hold, is_probe=self._asked_for_all(task))
        elif receipt is None:
            self._looked(task, tried)
        else:
            self.record.accepted(batch, tried, message_id=receipt.id)
            self._raise_alert(task, receipt)
        if error is None or not blames_provider(error):
            self.circuits.worked(task.account.name, task.circuit)

    def _asked_for_all(self, task: "_Task") -> bool:
        """Whether the failure of a probe uses up no attempt of the post.

        The exemption ends when the retry schedule would have, counted from the notification.
        """
        young = self.clock() - task.stored.created_at < sum(SOCIAL_SCHEDULE, timedelta(0))
        return task.circuit.is_open and young

    def _publish_parts(self, task: "_Task") -> PostReceipt | None:
        """Publish missing parts in order; return the last receipt, or None to look again later."""
        with self.database.read() as connection:
            public = posts.of_delivery(connection, task.stored.id, task.key)
        done = {post.part for post in public}
        receipt = public[-1].receipt if public else None
        may_be_public = task.batch.unknown
        for part, worded in enumerate(self._texts(task)):
            if part in done:
                continue
            found = self._find(task, self._post(task, worded, part)) if may_be_public else None
            if found is None and may_be_public and self._is_too_early(task):
                return None
            may_be_public = False  # only the first missing part had been tried
            if found is None:
                receipt = self._send(task, worded, part)
            else:
                receipt = found
                self._remember(task, worded, part, found)
        return receipt

    def _texts(self, task: "_Task") -> list[PostText]:
        """Render the parts; one that may be public keeps its stored text despite later changes."""
        most = task.sender.limits().characters
        texts = list(self.renderer.post_texts(task.stored.notice, task.account, task.batch.since, most=most))
        if task.batch.unknown:
            with self.database.read() as connection:
                kept = posts.intended(connection, task.stored.id, task.key)
            texts = [wording_from_json(kept[part]) if part in kept else worded for part, worded in enumerate(texts)]
        return texts

    def _send(self, task: "_Task", worded: PostText, part: int) -> PostReceipt:
        """Publish one part; if the platform finds it too long by its own rule, retry it shorter."""
        try:
            receipt = self._publish(task, worded, part)
        except TooLargeError:
            worded = self._shorter(task, worded)
            receipt = self._publish(task, worded, part)
        self._remember(task, worded, part, receipt)
        return receipt

    def _publish(self, task: "_Task", worded: PostText, part: int) -> PostReceipt:
        self._intend(task, worded, part)
        post = self._post(task, worded, part)
        self.record.ensure_lease(task.batch)
        return task.sender.post(post)

    def _shorter(self, task: "_Task", worded: PostText) -> PostText:
        limit = limit_of(task.account.platform, task.sender.limits().characters)
        most = int(min(limit.most, limit.measure(worded.text)) * _SHORTER)
        account = replace(task.account, locale=worded.reader, locales=())
        return self.renderer.post_text(task.stored.notice, account, task.batch.since, most=most)

    def _find(self, task: "_Task", post: SocialPost) -> PostReceipt | None:
        if task.sender.deduplicates:
            return None
        return task.sender.find(post, task.stored.created_at)

    def _is_too_early(self, task: "_Task") -> bool:
        """Whether not finding the post proves nothing yet."""
        with self.database.read() as connection:
            looks = attempts.trailing(connection, task.batch.id, LOOKED)
        return not proves_absence(looks + 1, task.sender.looks)

    def _looked(self, task: "_Task", tried: Try) -> None:
        """Record a look that found nothing; the outcome stays unknown, and no attempt is used."""
        row = AttemptRow(
            recipient_key=None,
            number=task.batch.attempts,
            started_at=tried.started_at,
            duration_ms=tried.duration_ms,
            outcome=LOOKED,
            reason=Reason.OUTCOME_UNKNOWN,
            status=None,
            detail="not among the account's own posts yet",
            provider=tried.provider,
        )
        self.record.transaction.run(self.database, lambda connection: attempts.add(connection, task.batch, [row]))
        self.record.paused(task.batch, APART, Reason.OUTCOME_UNKNOWN)

    def _note_rate(self, task: "_Task", error: DeliveryError | None) -> None:
        """Share the platform's rate budget with all workers; a rate refusal blocks the account."""
        name, budget = task.account.name, task.sender.budget
        if budget is not None:
            self.rate_limiter.note(name, left=budget.remaining, resets_at=budget.resets_at)
        limited = error if isinstance(error, TransientDeliveryError) and error.reason is Reason.RATE_LIMITED else None
        if limited is not None and limited.retry_after is not None:
            self.rate_limiter.block_until(name, self.clock() + limited.retry_after)

    def _raise_alert(self, task: "_Task", receipt: PostReceipt) -> None:
        """Raise an alert when a post provably exists but cannot be found.

        The next post that is found clears it.
        """
        key = f"{Channel.SOCIAL}:{task.provider}:unseen"[:100]
        with self.database.write() as connection:
            if receipt.id:
                alerts.clear(connection, key)
            else:
                detail = f"the platform has the post of {task.stored.notice.id} and does not show it"
                alerts.raise_(connection, key, Reason.DUPLICATE, detail, self.clock())

    def _intend(self, task: "_Task", worded: PostText, part: int) -> None:
        new = self._new(task, worded, part, PostReceipt(id=""))
        with self.database.write() as connection:
            posts.intend(connection, new, wording_to_json(worded), self.clock())

    def _remember(self, task: "_Task", worded: PostText, part: int, receipt: PostReceipt) -> None:
        new = self._new(task, worded, part, receipt)
        self.record.transaction.run(self.database, lambda connection: posts.add(connection, new, self.clock()))

    @staticmethod
    def _new(task: "_Task", worded: PostText, part: int, receipt: PostReceipt) -> posts.NewPost:
        return posts.NewPost(
            notification_id=task.stored.id,
            recipient_key=task.key,
            part=part,
            incident_id=task.stored.notice.incident.id,
            account=task.account.name,
            platform=task.account.platform.value,
            locale=worded.locale,
            text=worded.text,
            receipt=receipt,
        )

    def _post(self, task: "_Task", worded: PostText, part: int) -> SocialPost:
        notice = task.stored.notice
        with self.database.read() as connection:
            thread: Sequence[PostReceipt] = posts.thread(connection, notice.incident.id, task.key)
        key = ids.delivery_id(notice.id, task.key)
        return SocialPost(
            key=f"{key}_{part}" if part else key,
            account=task.account.name,
            text=worded.text,
            locale=worded.locale,
            languages=worded.languages,
            links=worded.links,
            spans=worded.spans,
            # An account's first post of an episode is listed, whatever it superseded.
            listed=task.batch.since < notice.episode_start or notice.closes,
            posted_at=notice.lead.ordered_at,
            reply_to=thread[-1] if thread else None,
            thread_root=thread[0] if thread else None,
            picture=self._picture(task, worded) if task.account.with_card else None,
        )

    def _picture(self, task: "_Task", worded: PostText) -> Picture | None:
        return self.paint(self.renderer.card(task.stored.notice, worded.reader, task.batch.since))


@dataclass(frozen=True, slots=True)
class _Task:
    """A post in progress. `key` identifies the account in the ledger."""

    batch: Batch
    stored: StoredNotification
    key: int
    account: Account
    sender: SocialSender
    circuit: Breaker

    @property
    def provider(self) -> str:
        """The label of attempts and alerts."""
        return f"{self.account.platform}:{self.account.name}"
