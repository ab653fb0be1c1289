"""Send mail through any relay over SMTP, one mail per recipient, on reused sessions."""

import secrets
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from notifier.channels.base import MailReceipt, RecipientsRefusedError, TooLargeError
from notifier.channels.email.addresses import sendable_address
from notifier.channels.email.discreet import discreetly
from notifier.channels.email.mime import MailForm
from notifier.channels.email.smtp_run import Addressed, SmtpRun
from notifier.channels.email.smtp_session import LostError, SmtpServer, SmtpSession
from notifier.domain.errors import ChannelStoppedError, DeliveryError, PermanentDeliveryError, TransientDeliveryError
from notifier.domain.messages.message import MailRequest
from notifier.domain.values import Reason


class SmtpSender:
    """Sends mails one by one. Thread-safe: each send has its own session; idle sessions are reused.

    Each recipient has an outcome of its own: `failed` of the receipt lists those refused, not
    reached, or of unknown outcome.
    """

    max_batch = 1_000
    deduplicates = False  # most, but not all, mailboxes show two mails with one Message-ID once

    def __init__(
        self,
        server: SmtpServer,
        *,
        clock: Callable[[], datetime],
        name: str = "smtp",
        envelope_from: str | None = None,
        connect_timeout: float = 5.0,
        max_idle: float = 10.0,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """Open nothing.

        Args:
            server: The relay.
            clock: Returns the current aware UTC time.
            name: The label of attempts and metrics.
            envelope_from: Where bounces go; the sender's own mailbox by default.
            connect_timeout: Seconds for each step until the session is open.
            max_idle: Seconds to keep an idle session. Opening a new one costs less than waiting on
                one that a firewall has dropped.
            tls_context: Replaces the verifying default, for relays with a private CA.
        """
        self.name = name
        self._server, self._clock = server, clock
        self._envelope_from, self._connect_timeout, self._context = envelope_from, connect_timeout, tls_context
        self._idle: deque[SmtpSession] = deque()
        self._max_idle = max_idle
        self._lock = threading.Lock()

    def close(self) -> None:
        """End idle sessions."""
        with self._lock:
            idle, self._idle = self._idle, deque()
        for session in idle:
            session.quit()

    def answers(self, *, deadline: datetime) -> bool:
        """Return True: a dead relay never greets, so gets no mail. See `MailSender.answers`."""
        return self._clock() < deadline

    def send(self, request: MailRequest, *, deadline: datetime) -> MailReceipt:
        """Send the mails of one request; see `MailSender.send`."""
        return discreetly(lambda: self._send(request, deadline), request)

    def _send(self, request: MailRequest, deadline: datetime) -> MailReceipt:
        if len(request.recipients) > self.max_batch:
            raise TooLargeError(f"{len(request.recipients)} recipients, at most {self.max_batch}")
        run = self._run(request, deadline)
        while run.goes_on:
            before = run.settled
            session, reused = self._take(), True
            try:
                if session is None:
                    session, reused = self._open(run.seconds_left()), False
                self._use(session, run)
            except LostError as lost:
                if lost.timed_out:  # another session would time out too
                    run.give_up(TransientDeliveryError(Reason.TIMED_OUT, "the server does not answer"))
                elif run.settled == before and not reused:
                    run.give_up(TransientDeliveryError(Reason.UNREACHABLE, "the connection was lost"))
            except (TransientDeliveryError, ChannelStoppedError) as error:
                run.give_up(error)
        run.give_up(run.stopped or TransientDeliveryError(Reason.TIMED_OUT, "the deadline passed before sending"))
        return _receipt(run.accepted, run.failed)

    def _run(self, request: MailRequest, deadline: datetime) -> SmtpRun:
        sender = sendable_address(self._envelope_from or request.content.sender.email)
        if sender is None:
            raise ChannelStoppedError(Reason.REJECTED, "the sender's address cannot be sent from")

        def seconds_left() -> float:
            return (deadline - self._clock()).total_seconds()

        run = SmtpRun(
            form=MailForm(request, self._clock(), boundary=f"=_{secrets.token_hex(16)}"),
            sender=sender,
            pending=deque(),
            seconds_left=seconds_left,
            secrets=self._server.secrets(),
        )
        for recipient in request.recipients:
            address = sendable_address(recipient.address)
            if address is None:
                run.failed[recipient.delivery_id] = PermanentDeliveryError(Reason.BAD_ADDRESS, "refused before sending")
            else:
                run.pending.append(Addressed(recipient, address))
        return run

    def _use(self, session: SmtpSession, run: SmtpRun) -> None:
        try:
            run.over(session)
        except BaseException:
            session.close()
            raise
        if run.stopped is None:
            with self._lock:
                self._idle.append(session)
        else:
            session.quit()

    def _take(self) -> SmtpSession | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                session = self._idle.pop()
            if session.idle_seconds < self._max_idle:
                return session
            session.close()

    def _open(self, seconds: float) -> SmtpSession:
        timeout = max(min(self._connect_timeout, seconds), 0.1)
        return SmtpSession.open(self._server, connect_timeout=timeout, context=self._context)


def _receipt(accepted: list[str], failed: Mapping[str, DeliveryError]) -> MailReceipt:
    """Return a receipt, or raise the error that applies to all recipients."""
    errors = list(failed.values())
    if not accepted and errors:
        if all(error is errors[0] for error in errors):
            raise errors[0]
        if all(isinstance(error, PermanentDeliveryError) for error in errors):
            raise RecipientsRefusedError(list(failed), errors[0].reason, _details(errors))
    return MailReceipt(provider_message_id=None, accepted_ids=accepted, failed=failed)


def _details(errors: Iterable[DeliveryError]) -> str:
    return "; ".join(dict.fromkeys(error.detail for error in errors))[:300]
