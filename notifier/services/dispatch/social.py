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
from notifier.storage.deliveries import attempts, deliveries, posts
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
            rows = deliveries.account_rows(connection, batch.id)
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
                self._let_another(account, circuit)
                self.record.paused(batch, wait, Reason.RATE_LIMITED)
            else:
                self._attempt(_Speech(batch, stored, row.id, account, sender, circuit))

    def _let_another(self, account: Account, circuit: Breaker) -> None:
        if circuit.is_open:
            self.circuits.leave(account.name)

    def close(self) -> None:
        """Close the platforms' connections."""
        for sender in self.senders.values():
            sender.close()
        self.account_lock.close()
        self.rate_limiter.close()

    def _attempt(self, speech: "_Speech") -> None:
        started, clock, batch = self.clock(), time.perf_counter(), speech.batch
        receipt, error = None, None
        try:
            receipt = self._speak(speech)
        except DeliveryError as failure:
            error = failure
        self._note_rate(speech, error)
        if error is not None and blames_provider(error):
            self.circuits.failed(speech.account.name, error, speech.circuit)
        duration = int((time.perf_counter() - clock) * 1000)
        tried = Try(started_at=started, duration_ms=duration, provider=speech.provider)
        if error is not None:
            hold = self.circuits.wait([speech.account.name]) if blames_provider(error) else no_wait
            self.record.failed(batch, tried, error, hold=hold, is_probe=self._asked_for_all(speech))
        elif receipt is None:
            self._looked(speech, tried)
        else:
            self.record.accepted(batch, tried, message_id=receipt.id)
            self._raise_alert(speech, receipt)
        if error is None or not blames_provider(error):
            self.circuits.worked(speech.account.name, speech.circuit)

    def _asked_for_all(self, speech: "_Speech") -> bool:
        """Whether the failure of a probe uses up no attempt of the post.

        The exemption ends when the retry schedule would have, counted from the notification.
        """
        young = self.clock() - speech.stored.created_at < sum(SOCIAL_SCHEDULE, timedelta(0))
        return speech.circuit.is_open and young

    def _speak(self, speech: "_Speech") -> PostReceipt | None:
        """Publish missing parts in order; return the last receipt, or None to look again later."""
        with self.database.read() as connection:
            public = posts.of_delivery(connection, speech.stored.id, speech.key)
        done = {post.part for post in public}
        receipt = public[-1].receipt if public else None
        may_be_public = speech.batch.unknown
        for part, worded in enumerate(self._texts(speech)):
            if part in done:
                continue
            found = self._find(speech, self._post(speech, worded, part)) if may_be_public else None
            if found is None and may_be_public and self._is_too_early(speech):
                return None
            may_be_public = False  # only the first missing part had been tried
            if found is None:
                receipt = self._send(speech, worded, part)
            else:
                receipt = found
                self._remember(speech, worded, part, found)
        return receipt

    def _texts(self, speech: "_Speech") -> list[PostText]:
        """Render the parts; one that may be public keeps its stored text despite later changes."""
        most = speech.sender.limits().characters
        texts = list(self.renderer.post_texts(speech.stored.notice, speech.account, speech.batch.since, most=most))
        if speech.batch.unknown:
            with self.database.read() as connection:
                kept = posts.intended(connection, speech.stored.id, speech.key)
            texts = [wording_from_json(kept[part]) if part in kept else worded for part, worded in enumerate(texts)]
        return texts

    def _send(self, speech: "_Speech", worded: PostText, part: int) -> PostReceipt:
        """Publish one part; if the platform finds it too long by its own rule, retry it shorter."""
        try:
            receipt = self._publish(speech, worded, part)
        except TooLargeError:
            worded = self._shorter(speech, worded)
            receipt = self._publish(speech, worded, part)
        self._remember(speech, worded, part, receipt)
        return receipt

    def _publish(self, speech: "_Speech", worded: PostText, part: int) -> PostReceipt:
        self._intend(speech, worded, part)
        post = self._post(speech, worded, part)
        self.record.ensure_lease(speech.batch)
        return speech.sender.post(post)

    def _shorter(self, speech: "_Speech", worded: PostText) -> PostText:
        limit = limit_of(speech.account.platform, speech.sender.limits().characters)
        most = int(min(limit.most, limit.measure(worded.text)) * _SHORTER)
        account = replace(speech.account, locale=worded.reader, locales=())
        return self.renderer.post_text(speech.stored.notice, account, speech.batch.since, most=most)

    def _find(self, speech: "_Speech", post: SocialPost) -> PostReceipt | None:
        if speech.sender.deduplicates:
            return None
        return speech.sender.find(post, speech.stored.created_at)

    def _is_too_early(self, speech: "_Speech") -> bool:
        """Whether not finding the post proves nothing yet."""
        with self.database.read() as connection:
            looks = attempts.trailing(connection, speech.batch.id, LOOKED)
        return not proves_absence(looks + 1, speech.sender.looks)

    def _looked(self, speech: "_Speech", tried: Try) -> None:
        """Record a look that found nothing; the outcome stays unknown, and no attempt is used."""
        row = AttemptRow(
            recipient_key=None,
            number=speech.batch.attempts,
            started_at=tried.started_at,
            duration_ms=tried.duration_ms,
            outcome=LOOKED,
            reason=Reason.OUTCOME_UNKNOWN,
            status=None,
            detail="not among the account's own posts yet",
            provider=tried.provider,
        )
        self.record.patience.run(self.database, lambda connection: attempts.add(connection, speech.batch, [row]))
        self.record.paused(speech.batch, APART, Reason.OUTCOME_UNKNOWN)

    def _note_rate(self, speech: "_Speech", error: DeliveryError | None) -> None:
        """Share the platform's rate budget with all workers; a rate refusal blocks the account."""
        name, budget = speech.account.name, speech.sender.budget
        if budget is not None:
            self.rate_limiter.note(name, left=budget.remaining, resets_at=budget.resets_at)
        limited = error if isinstance(error, TransientDeliveryError) and error.reason is Reason.RATE_LIMITED else None
        if limited is not None and limited.retry_after is not None:
            self.rate_limiter.block_until(name, self.clock() + limited.retry_after)

    def _raise_alert(self, speech: "_Speech", receipt: PostReceipt) -> None:
        """Raise an alert when a post provably exists but cannot be found.

        The next post that is found clears it.
        """
        key = f"{Channel.SOCIAL}:{speech.provider}:unseen"[:100]
        with self.database.write() as connection:
            if receipt.id:
                alerts.clear(connection, key)
            else:
                detail = f"the platform has the post of {speech.stored.notice.id} and does not show it"
                alerts.raise_(connection, key, Reason.DUPLICATE, detail, self.clock())

    def _intend(self, speech: "_Speech", worded: PostText, part: int) -> None:
        new = self._new(speech, worded, part, PostReceipt(id=""))
        with self.database.write() as connection:
            posts.intend(connection, new, wording_to_json(worded), self.clock())

    def _remember(self, speech: "_Speech", worded: PostText, part: int, receipt: PostReceipt) -> None:
        new = self._new(speech, worded, part, receipt)
        self.record.patience.run(self.database, lambda connection: posts.add(connection, new, self.clock()))

    @staticmethod
    def _new(speech: "_Speech", worded: PostText, part: int, receipt: PostReceipt) -> posts.NewPost:
        return posts.NewPost(
            notification_id=speech.stored.id,
            recipient_key=speech.key,
            part=part,
            incident_id=speech.stored.notice.incident.id,
            account=speech.account.name,
            platform=speech.account.platform.value,
            locale=worded.locale,
            text=worded.text,
            receipt=receipt,
        )

    def _post(self, speech: "_Speech", worded: PostText, part: int) -> SocialPost:
        notice = speech.stored.notice
        with self.database.read() as connection:
            thread: Sequence[PostReceipt] = posts.thread(connection, notice.incident.id, speech.key)
        key = ids.delivery_id(notice.id, speech.key)
        return SocialPost(
            key=f"{key}_{part}" if part else key,
            account=speech.account.name,
            text=worded.text,
            locale=worded.locale,
            languages=worded.languages,
            links=worded.links,
            spans=worded.spans,
            # An account's first post of an episode is listed, whatever it superseded.
            listed=speech.batch.since < notice.episode_start or notice.closes,
            posted_at=notice.lead.ordered_at,
            reply_to=thread[-1] if thread else None,
            thread_root=thread[0] if thread else None,
            picture=self._picture(speech, worded) if speech.account.with_card else None,
        )

    def _picture(self, speech: "_Speech", worded: PostText) -> Picture | None:
        return self.paint(self.renderer.card(speech.stored.notice, worded.reader, speech.batch.since))


@dataclass(frozen=True, slots=True)
class _Speech:
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
