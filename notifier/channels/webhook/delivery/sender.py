"""One attempt, from request to result.

In order: semaphores, circuit breakers, slots, SSRF guard, signature, transport, error mapping.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from notifier.channels.base import NotAttemptedError
from notifier.channels.webhook.delivery.adaptive_slots import AdaptiveConcurrency
from notifier.channels.webhook.delivery.batch_tracker import Ticket, failed_result
from notifier.channels.webhook.delivery.circuit_breaker import Breakers
from notifier.channels.webhook.delivery.keyed_semaphore import KeyedSemaphore
from notifier.channels.webhook.delivery.limits import EngineLimits
from notifier.channels.webhook.egress.resolver import Lookup, Resolver
from notifier.channels.webhook.egress.url_policy import TargetPolicy, VettedUrl, vet_addresses, vet_url
from notifier.channels.webhook.headers import validate_headers
from notifier.channels.webhook.http.transport import Transport
from notifier.channels.webhook.responses import SUCCESS, error_of, excerpt
from notifier.channels.webhook.signing import signature_headers
from notifier.domain.errors import DeliveryError, InvalidInputError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.messages.message import HookRequest, HookResult
from notifier.domain.values import Reason

Clock = Callable[[], datetime]
TransportFactory = Callable[[EngineLimits, ssl.SSLContext], Transport]
_KNOWN_URLS = 32_768
# Errors that count against the receiver. A 4xx is about this message, a redirect about the URL.
_TROUBLE = frozenset(
    {Reason.SERVER_ERROR, Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.OUTCOME_UNKNOWN, Reason.RATE_LIMITED}
)
_NOTHING_KNOWN = NotAttemptedError(Reason.NOT_STARTED)  # initial state of an attempt
_INPUT_REASONS = {"url": Reason.BLOCKED_TARGET, "secret": Reason.AUTH}


class HookSender:
    """The part of the engine that lives in its event loop; must be created there."""

    def __init__(
        self,
        *,
        limits: EngineLimits,
        policy: TargetPolicy,
        transport: Transport,
        lookup: Lookup,
        clock: Clock,
        agent: str,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits, self._clock = limits, clock
        self.transport = transport
        self._base_headers = {"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        self._resolver = Resolver(
            lookup,
            timeout=limits.timeouts.dns,
            ttl=limits.dns_ttl,
            failure_ttl=limits.dns_failure_ttl,
            names=limits.dns_names,
        )
        self.slots = {
            False: AdaptiveConcurrency(limits.first),
            True: AdaptiveConcurrency(limits.retry),
        }  # by "is it a retry"
        self._endpoint_gate, self._host_gate = KeyedSemaphore(limits.per_endpoint), KeyedSemaphore(limits.per_host)
        self._endpoints, self._hosts = Breakers(limits.endpoint_breaker), Breakers(limits.host_breaker)
        self._read_url = lru_cache(maxsize=_KNOWN_URLS)(lambda url: vet_url(url, policy))
        # Caches the check of a set of addresses, not the DNS answer itself, which stays fresh.
        self._vet = lru_cache(maxsize=_KNOWN_URLS)(lambda url, addresses: vet_addresses(url, addresses, policy))
        self._tickets: dict[Ticket, None] = {}

    def open_breakers(self) -> dict[str, int]:
        """Count the open circuit breakers of endpoints and of hosts."""
        now = self._loop.time()
        return {"endpoint": self._endpoints.open_ones(now), "host": self._hosts.open_ones(now)}

    async def run(self, ticket: Ticket, *, retry: bool) -> None:
        """Process one ticket to its result.

        When cancelled, the result is "not attempted" before sending and "unknown outcome" after.
        """
        ticket.begun = True
        self._tickets[ticket] = None
        try:
            result = await self._through_gates(ticket, self.slots[retry])
        except DeliveryError as error:
            result = failed_result(ticket.request, error.with_traceback(None), self._clock())
        except asyncio.CancelledError:
            result = failed_result(ticket.request, _stopped(ticket), self._clock())
        finally:
            del self._tickets[ticket]
        ticket.settle(result)

    async def drain(self, seconds: float) -> None:
        """Return unsent requests, wait for outstanding responses, close all connections."""
        for ticket in tuple(self._tickets):
            ticket.withdraw()
        tasks = [ticket.task for ticket in self._tickets if ticket.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.transport.close()

    def read(self, url: str) -> VettedUrl:
        """Vet a URL's syntax and any literal address in it. Cached: every attempt calls this.

        Raises:
            InvalidInputError: field `url`.
        """
        return self._read_url(url)

    async def vet(self, url: str) -> tuple[VettedUrl, tuple[str, ...]]:
        """Vet a URL and the addresses its name resolves to now.

        Raises:
            InvalidInputError: invalid syntax, or a blocked literal address.
            TransientDeliveryError: the name has no address, or a blocked one.
        """
        vetted = self.read(url)
        return vetted, self._vet(vetted, await self._resolver.addresses(vetted))

    async def _through_gates(self, ticket: Ticket, slots: AdaptiveConcurrency) -> HookResult:
        if ticket.withdrawn:
            raise _stopped(ticket)
        request = ticket.request
        try:
            url = self.read(request.url)
        except InvalidInputError as error:
            raise _unusable(error) from None
        host = (url.host, url.port)
        if not self._endpoint_gate.try_enter(request.endpoint_id):
            ticket.step_aside()
            await self._endpoint_gate.enter(request.endpoint_id)
            ticket.step_back()
        try:
            await self._host_gate.enter(host)
            try:
                self._ask_breakers(request, host)
                return await self._in_slot(ticket, url, slots)
            finally:
                self._host_gate.leave(host)
        finally:
            self._endpoint_gate.leave(request.endpoint_id)

    async def _in_slot(self, ticket: Ticket, url: VettedUrl, slots: AdaptiveConcurrency) -> HookResult:
        verdict: DeliveryError | None = _NOTHING_KNOWN
        began_at = self._clock().timestamp()
        try:
            slot = await slots.enter(ticket.step_aside)
            try:
                if not ticket.start():
                    raise _stopped(ticket)
                result, verdict = await self._attempt(ticket.request, url)
            finally:
                slots.leave(slot, answered=verdict is None or verdict.status is not None)
        finally:
            self._record_in_breakers(ticket.request.endpoint_id, (url.host, url.port), verdict, began_at)
        return result

    async def _attempt(self, request: HookRequest, url: VettedUrl) -> tuple[HookResult, DeliveryError | None]:
        started_at, began = self._clock(), self._loop.time()
        status: int | None = None
        text = ""
        error: DeliveryError | None
        try:
            addresses, now = await self._where(url, started_at)
            headers = self._headers(request, now)
            budget = self._limits.timeouts.total - (self._loop.time() - began)
            answer = await self.transport.post(url, addresses, headers, request.body, budget=budget)
        except DeliveryError as failure:
            error = failure.with_traceback(None)  # results live long; drop the frames
        except InvalidInputError as failure:
            error = _unusable(failure)
        else:
            status, text = answer.status, excerpt(answer.body, self._limits.answer.excerpt)
            error = None if status in SUCCESS else error_of(answer, self._clock())
        result = HookResult(
            delivery_id=request.delivery_id,
            endpoint_id=request.endpoint_id,
            started_at=started_at,
            duration_ms=round((self._loop.time() - began) * 1000),
            status=status,
            excerpt=text,
            error=error,
        )
        return result, error

    async def _where(self, url: VettedUrl, now: datetime) -> tuple[tuple[str, ...], datetime]:
        """Return the vetted addresses and the time after the lookup, which may take seconds."""
        if url.literal is not None:
            return (url.host,), now  # `read` already vetted a literal address
        return self._vet(url, await self._resolver.addresses(url)), self._clock()

    def _headers(self, request: HookRequest, now: datetime) -> dict[str, str]:
        signed = signature_headers(request.delivery_id, now, request.body, request.secrets)
        own = validate_headers(request.headers) if request.headers else {}
        return {**self._base_headers, "Content-Type": request.content_type, **signed, **own}

    def _ask_breakers(self, request: HookRequest, host: tuple[str, int]) -> None:
        now, changed_at = self._loop.time(), request.changed_at.timestamp() if request.changed_at else 0.0
        wait, what = self._hosts.ask(host, now, changed_at), f"host {host[0]}"
        if wait is None:
            wait, what = self._endpoints.ask(request.endpoint_id, now, changed_at), "endpoint"
            if wait is None:
                return
            self._hosts.unknown(host)
        raise NotAttemptedError(
            Reason.BREAKER_OPEN, f"this {what} failed too often of late", retry_after=timedelta(seconds=wait)
        )

    def _record_in_breakers(
        self, endpoint: int, host: tuple[str, int], error: DeliveryError | None, began_at: float
    ) -> None:
        now = self._loop.time()
        if error is None:
            self._endpoints.succeeded(endpoint)
            self._hosts.succeeded(host)
            return
        in_trouble = error.reason in _TROUBLE and not isinstance(error, NotAttemptedError)
        if in_trouble:
            wait = error.retry_after.total_seconds() if error.retry_after is not None else 0.0
            self._endpoints.failed(endpoint, now, at_least=wait, began_at=began_at)
        else:
            self._endpoints.unknown(endpoint)
        if error.status is not None:
            self._hosts.succeeded(host)  # the host responds; the problem is the endpoint's
        elif in_trouble:
            self._hosts.failed(host, now, began_at=began_at)
        else:
            self._hosts.unknown(host)


def _stopped(ticket: Ticket) -> DeliveryError:
    if ticket.started:
        return OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, "stopped while waiting for the answer")
    return NotAttemptedError(Reason.NOT_STARTED, "stopped before it was sent")


def _unusable(error: InvalidInputError) -> TransientDeliveryError:
    """Turn invalid stored input (policy changed, secret damaged) into a retry: it may get fixed."""
    fault = error.errors[0]
    return TransientDeliveryError(_INPUT_REASONS.get(fault.field, Reason.REJECTED), f"{fault.field}: {fault.message}")
