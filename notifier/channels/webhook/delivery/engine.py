"""The webhook delivery engine: one per worker process, callable from any thread."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notifier import __version__
from notifier.channels.base import NotAttemptedError
from notifier.channels.webhook.delivery.batch_tracker import BatchTracker, Chunk, OnResults, failed_result
from notifier.channels.webhook.delivery.limits import EngineLimits
from notifier.channels.webhook.delivery.loop import LoopThread
from notifier.channels.webhook.delivery.open_files import fit_to_open_files
from notifier.channels.webhook.delivery.sender import Clock, HookSender, TransportFactory
from notifier.channels.webhook.egress.resolver import Lookup, SystemLookup
from notifier.channels.webhook.egress.url_policy import TargetPolicy, VettedUrl
from notifier.channels.webhook.http.tls import client_context
from notifier.channels.webhook.http.transport import HttpTransport
from notifier.domain.errors import FieldError, InvalidInputError, TransientDeliveryError, UnavailableError
from notifier.domain.messages.message import HookRequest, HookResult
from notifier.domain.values import Reason
from notifier.observability import get_logger

_log = get_logger(__name__)
_DRAIN = timedelta(seconds=20)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Running:
    thread: LoopThread
    sender: HookSender


class WebhookEngine:
    """Signs and posts batches of webhooks.

    Connections, circuit breakers and DNS answers are kept between batches. One event loop in its
    own thread serves all callers. Opens nothing before `open` or the first call.
    """

    def __init__(
        self,
        *,
        policy: TargetPolicy | None = None,
        limits: EngineLimits | None = None,
        lookup: Lookup | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: TransportFactory = HttpTransport,
        clock: Clock = _utc_now,
        agent: str = f"notifier/{__version__}",
    ) -> None:
        self._policy, self._limits = policy or TargetPolicy(), limits or EngineLimits()
        self._lookup, self._ssl_context = lookup, ssl_context
        self._transport, self._clock, self._agent = transport, clock, agent
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._closed = False
        self._late = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhook-results")

    def deliver(
        self,
        requests: Sequence[HookRequest],
        *,
        on_results: OnResults | None = None,
        retry: bool = False,
        wait_for_slow: bool = True,
        start_before: datetime | None = None,
        may_start: Callable[[], bool] = lambda: True,
    ) -> list[HookResult]:
        """Attempt each request once. Blocks the calling thread.

        A failed attempt is a result, not an exception.

        Args:
            requests: Any number. Requests to one endpoint are sent one at a time, in this order.
            on_results: Called with chunks of results as they arrive, in the calling thread. If it
                raises, the exception propagates, and it is called with the remaining results from
                the engine's own thread.
            retry: Whether these are retries, which use separate slots.
            wait_for_slow: If False, return once only slow requests remain (over 1 s, or behind an
                earlier one to the same endpoint). Their results go to `on_results` later, from the
                engine's own thread.
            start_before: Aware time. Requests not begun by then return `NotAttemptedError`
                (not_started).
            may_start: Called right before each request, in the event loop. If it returns False, the
                request returns the same error.

        Returns:
            The results up to the return, in order of arrival.
        """
        if not requests:
            return []
        batch = BatchTracker(requests, self._limits, may_start)
        patience = None if start_before is None else max(0.0, (start_before - self._clock()).total_seconds())
        with self._lock:
            running = self._started()
            if running is not None:  # under the lock, so that `close` cannot stop the loop first
                running.thread.call(_begin, running.sender, batch, retry, patience)
        if running is None:
            return self._refused(requests, on_results)
        return self._collect(batch, on_results, wait_for_slow=wait_for_slow or on_results is None)

    async def deliver_async(self, requests: Sequence[HookRequest], *, retry: bool = False) -> list[HookResult]:
        """Like `deliver`, for callers in an event loop of their own."""
        return await asyncio.to_thread(self.deliver, requests, retry=retry)

    def check_url(self, url: str) -> VettedUrl:
        """Vet a URL before it is stored. Blocks on DNS.

        A name that does not resolve yet passes; every attempt vets it again.

        Raises:
            InvalidInputError: field `url`: invalid syntax, or a blocked address.
            UnavailableError: the engine is closed.
        """
        with self._lock:
            running = self._started()
        if running is None:
            raise UnavailableError("the webhook engine is closed")
        return running.thread.submit(_check(running.sender, url)).result()

    def open(self) -> None:
        """Start the loop and load the certificates ahead of the first batch. Idempotent."""
        with self._lock:
            self._started()

    def open_breakers(self) -> dict[str, int]:
        """Count the open circuit breakers by kind (`endpoint`, `host`)."""
        running = self._running
        return {} if running is None else running.sender.open_breakers()

    def close(self, drain: timedelta = _DRAIN) -> None:
        """Return unsent requests, wait up to `drain` for other responses, close. Idempotent."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running is not None and running.thread.is_alive:
            running.thread.submit(running.sender.drain(drain.total_seconds())).result()
            running.thread.stop()
        self._late.shutdown(wait=True)

    def _started(self) -> _Running | None:
        """Return the running loop, or None if closed. Starts it if needed, also after a fork."""
        if self._closed:
            return None
        if self._running is None or not self._running.thread.is_alive:
            thread = LoopThread("webhook-engine")
            self._running = _Running(thread, thread.submit(self._build()).result())
        return self._running

    async def _build(self) -> HookSender:
        limits = fit_to_open_files(self._limits)
        return HookSender(
            limits=limits,
            policy=self._policy,
            transport=self._transport(limits, self._ssl_context or client_context()),
            lookup=self._lookup or SystemLookup(),
            clock=self._clock,
            agent=self._agent,
        )

    def _collect(self, batch: BatchTracker, on_results: OnResults | None, *, wait_for_slow: bool) -> list[HookResult]:
        results: list[HookResult] = []
        left = True
        try:
            while left:
                chunk = batch.chunks.get()
                left = not chunk.done
                results += chunk.results
                if on_results is not None and chunk.results:
                    on_results(chunk.results)
                if chunk.bug is not None:
                    raise chunk.bug
                if left and chunk.only_slow and not wait_for_slow and self._detach(batch, on_results):
                    left = False
        finally:
            if left:
                self._detach(batch, on_results)
        return results

    def _detach(self, batch: BatchTracker, on_results: OnResults | None) -> bool:
        """Deliver the remaining results from our own thread; False if the engine is closing."""
        with self._lock:
            if self._running is None:
                return False
            self._running.thread.call(batch.detach, lambda chunk: self._hand_over(chunk, on_results))
            return True

    def _hand_over(self, chunk: Chunk, on_results: OnResults | None) -> None:
        if chunk.bug is not None:
            _log.error("webhook_engine_failed", exc_info=chunk.bug)
        if on_results is not None and chunk.results:
            self._late.submit(on_results, chunk.results).add_done_callback(_complain)

    def _refused(self, requests: Sequence[HookRequest], on_results: OnResults | None) -> list[HookResult]:
        error = NotAttemptedError(Reason.NOT_STARTED, "the engine is closed")
        results = [failed_result(request, error, self._clock()) for request in requests]
        if on_results is not None:
            on_results(results)
        return results


def _begin(sender: HookSender, batch: BatchTracker, retry: bool, patience: float | None) -> None:  # noqa: FBT001 - a callback
    loop = asyncio.get_running_loop()
    for ticket in batch.tickets:
        ticket.task = loop.create_task(sender.run(ticket, retry=retry))
        ticket.task.add_done_callback(ticket.check)
    if patience is not None:
        loop.call_later(patience, batch.cancel_waiting)


async def _check(sender: HookSender, url: str) -> VettedUrl:
    try:
        vetted, _ = await sender.vet(url)
    except TransientDeliveryError as error:
        if error.reason is Reason.BLOCKED_TARGET:
            raise InvalidInputError([FieldError("url", f"may not reach {error.detail}")]) from None
        return sender.read(url)
    return vetted


def _complain(work: "Future[None]") -> None:
    error = work.exception()
    if error is not None:
        _log.error("webhook_results_not_recorded", hint="their leases will expire", exc_info=error)
