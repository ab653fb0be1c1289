"""Post signed event batches, in parallel, with retries at growing intervals."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from notifier.sandbox.answers import SUCCESS
from notifier.sandbox.config import EventWebhook
from notifier.sandbox.live import Live
from notifier.sandbox.sendgrid.batches import Event, Shuffler, encode
from notifier.sandbox.sendgrid.events import Sent, events_of, suppression_of
from notifier.sandbox.sendgrid.outcomes import Fortune, Outcome
from notifier.sandbox.sendgrid.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, load_key, sign
from notifier.sandbox.sendgrid.store import Arrived
from notifier.sandbox.sendgrid.suppression import Suppressions

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_STAGES = 3
_LOG = 500
_ENOUGH = 64  # batches waiting


@dataclass(slots=True, kw_only=True)
class EventBatch:
    """One signed body. A retry sends the same bytes with the same timestamp and signature."""

    events: int
    body: bytes = field(repr=False)
    headers: dict[str, str]
    made_at: float
    attempts: int = 0


class EventPoster:
    """Turns received mail into events and posts them in `run`; suppresses even without a URL."""

    def __init__(self, live: Live, signing_key: str) -> None:
        self._live = live
        self._key = load_key(signing_key)
        self._fortune = Fortune(live.config.recipients)
        self._model = live.config.recipients
        self._shuffler = Shuffler(live.config.recipients.seed)
        self._jobs: deque[tuple[Arrived, float]] = deque()
        self._waiting: asyncio.Queue[EventBatch] | None = None
        self.suppressions = Suppressions()
        self.made = self.posted = self.refused = 0
        self.pending = 0  # batches not accepted yet
        self.log: deque[dict[str, Any]] = deque(maxlen=_LOG)

    def on_arrival(self, arrived: Arrived, now: float) -> None:
        """Apply suppressions for received mail, and queue its events if a URL is set."""
        if self._live.config.recipients is not self._model:
            self._model = self._live.config.recipients
            self._fortune = Fortune(self._model)
        if self._fortune.special(" ".join(map(" ".join, arrived.recipients)).lower()):
            self._suppress(arrived, now)
        if self._live.config.events is not None:
            self._jobs.append((arrived, now))

    def forget(self) -> None:
        """Drop queued events, counts and log."""
        self._jobs.clear()
        self.log.clear()
        self.made = self.posted = self.refused = 0

    async def run(self) -> None:
        """Build and post batches until cancelled."""
        self._waiting = asyncio.Queue()
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self._live.config.events.senders if self._live.config.events else 4):
                group.create_task(self._send(session, self._waiting))
            while True:
                rules = self._live.config.events
                await asyncio.sleep(rules.interval if rules else 0.5)
                await self.flush()

    async def flush(self) -> None:
        """Queue the events so far for posting now."""
        while self._jobs and self._waiting is not None and (rules := self._live.config.events) is not None:
            if self._waiting.qsize() > _ENOUGH:
                return  # while the receiver lags, keep compact jobs instead of encoded bodies
            arrived, at = self._jobs.popleft()
            staged = self._staged(arrived, at)
            self.made += sum(map(len, staged))
            for events in self._shuffler.batches(staged, rules):
                self._queue(events, rules, self._waiting)
            await asyncio.sleep(0)  # let requests run in between

    def inject(self, events: list[Event]) -> None:
        """Queue given events, signed like any other; drop them if no URL is set."""
        rules = self._live.config.events
        if self._waiting is not None and rules is not None and events:
            self.made += len(events)
            self._queue(events, rules, self._waiting)

    def _queue(self, events: list[Event], rules: EventWebhook, waiting: asyncio.Queue[EventBatch]) -> None:
        for number, body in encode(events, rules.batch_bytes):
            self.pending += 1
            waiting.put_nowait(self._batch(number, body))

    def _staged(self, arrived: Arrived, at: float) -> list[list[Event]]:
        staged: list[list[Event]] = [[] for _ in range(_STAGES)]
        for index, addresses, args in zip(arrived.indexes, arrived.recipients, arrived.args, strict=True):
            for email in addresses:
                reason = arrived.dropped.get(email.lower(), "")
                mail = Sent(
                    message_id=arrived.message_id,
                    index=index,
                    email=email,
                    args=args,
                    categories=arrived.categories,
                    outcome="dropped" if reason else self._fortune.outcome(email.lower()),
                    reason=reason,
                )
                for stage, event in events_of(mail, at):
                    staged[stage].append(event)
        return staged

    def _suppress(self, arrived: Arrived, now: float) -> None:
        for addresses in arrived.recipients:
            for email in addresses:
                if email.lower() not in arrived.dropped:
                    self._suppress_one(email, self._fortune.outcome(email.lower()), now)

    def _suppress_one(self, email: str, outcome: Outcome, now: float) -> None:
        found = suppression_of(outcome)
        if found is not None:
            name, reason, status = found
            details = {"reason": reason, "status": status} if reason else {}
            self.suppressions.add(name, email, created=now, **details)

    def _batch(self, number: int, body: bytes) -> EventBatch:
        now = self._live.now()
        timestamp = str(int(now))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "SendGrid Event API",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(self._key, timestamp, body),
        }
        return EventBatch(events=number, body=body, headers=headers, made_at=now)

    async def _send(self, session: aiohttp.ClientSession, waiting: asyncio.Queue[EventBatch]) -> None:
        while True:
            batch = await waiting.get()
            rules = self._live.config.events
            if rules is None:
                self.pending -= 1
                continue
            batch.attempts += 1
            status, error = await _post(session, rules.url, batch)
            entry = {
                "at": self._live.now(),
                "events": batch.events,
                "bytes": len(batch.body),
                "attempt": batch.attempts,
            }
            self.log.append(entry | {"status": status, "error": error})
            self._settle(batch, rules, taken=status in SUCCESS, waiting=waiting)

    def _settle(
        self, batch: EventBatch, rules: EventWebhook, *, taken: bool, waiting: asyncio.Queue[EventBatch]
    ) -> None:
        if taken:
            self.posted += batch.events
            self.pending -= 1
            return
        self.refused += 1
        wait = rules.retry * 2 ** (batch.attempts - 1)
        if self._live.now() + wait > batch.made_at + rules.give_up_after:
            self.pending -= 1
            return
        asyncio.get_running_loop().call_later(wait, waiting.put_nowait, batch)


async def _post(session: aiohttp.ClientSession, url: str, batch: EventBatch) -> tuple[int | None, str | None]:
    try:
        async with session.post(url, data=batch.body, headers=batch.headers, allow_redirects=False) as answer:
            with suppress(aiohttp.ClientPayloadError):
                await answer.read()
            return answer.status, None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return None, type(error).__name__
