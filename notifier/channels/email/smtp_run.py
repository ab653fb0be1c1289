"""The mails of one request, one after another over one session: MAIL FROM, RCPT TO, DATA, the mail.

What is complete and unanswered when the connection dies is the one mail whose outcome is unknown.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from notifier.channels.email.mime import MailForm, dot_stuffed
from notifier.channels.email.smtp_replies import START_MAIL_INPUT, Reply, message_error, recipient_error, session_error
from notifier.channels.email.smtp_session import LostError, SmtpSession
from notifier.domain.errors import ChannelStoppedError, DeliveryError, OutcomeUnknownError, TransientDeliveryError
from notifier.domain.messages.message import MailRecipient
from notifier.domain.values import Reason

_PATIENCE = 15.0  # seconds for one reply; a server that says less in it is taken for silent
_GRACE = 10.0  # the same past the deadline: a mail on the wire should not stay unknown for the sake of punctuality
_ENVID = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # RFC 3461 section 4.4, without what would need escaping

Meaning = Callable[[Reply, Iterable[str]], DeliveryError]
"""Says what a refusal means; no error repeats the given secrets."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A recipient and the mailbox as it is sent to."""

    recipient: MailRecipient
    address: str

    @property
    def id(self) -> str:
        """The delivery's id."""
        return self.recipient.delivery_id


@dataclass
class SmtpRun:
    """What is left to send, and what became of the rest.

    Args:
        form: Builds the mails.
        sender: The envelope's sender, to whom bounces go.
        pending: Who has not been told yet, in order.
        seconds_left: Time until the deadline.
        secrets: What no error may repeat.
    """

    form: MailForm
    sender: str
    pending: deque[Addressed]
    seconds_left: Callable[[], float]
    secrets: Sequence[str] = ()
    accepted: list[str] = field(default_factory=list)
    failed: dict[str, DeliveryError] = field(default_factory=dict)
    stopped: DeliveryError | None = None  # the server takes nothing more from us now

    @property
    def goes_on(self) -> bool:
        """Whether there is somebody left to tell, and time, and a server that wants to hear."""
        return bool(self.pending) and self.stopped is None and self.seconds_left() > 0

    @property
    def settled(self) -> int:
        """For how many recipients the outcome is known or will never be."""
        return len(self.accepted) + len(self.failed)

    def give_up(self, error: DeliveryError) -> None:
        """Note what keeps everybody who is left from being told now."""
        self.failed |= {one.id: error for one in self.pending}
        self.pending.clear()

    def over(self, session: SmtpSession) -> None:
        """Send as much as one session takes.

        Raises:
            LostError: the session died; whom it left in doubt is noted, the rest is still pending.
        """
        while self.goes_on:
            one = self.pending[0]
            error = self._refusal(session, one)
            if error is None:
                self._mail(session, one)
            elif self.stopped is None:
                self.pending.popleft()
                self.failed[one.id] = error
                session.command("RSET", seconds=self._patience())

    def _patience(self) -> float:
        return min(_PATIENCE, max(self.seconds_left(), _GRACE))

    def _refusal(self, session: SmtpSession, one: Addressed) -> DeliveryError | None:
        """Send the envelope; None when the server waits for the mail."""
        for command, meaning in self._envelope(session, one):
            reply = session.command(command, seconds=self._patience())
            if not reply.positive:
                error = meaning(reply, self.secrets)
                of_sender = meaning is session_error and isinstance(error, TransientDeliveryError)
                if of_sender or isinstance(error, ChannelStoppedError):
                    self.stopped = error
                return error
            if command == "DATA" and reply.code != START_MAIL_INPUT:  # out of step
                session.close()
                raise LostError
        return None

    def _envelope(self, session: SmtpSession, one: Addressed) -> Sequence[tuple[str, Meaning]]:
        mail, rcpt = f"MAIL FROM:<{self.sender}>", f"RCPT TO:<{one.address}>"
        if session.eight_bit:
            mail += " BODY=8BITMIME"
        if session.dsn and _ENVID.fullmatch(one.id):  # a bounce then names the delivery, without the body (RFC 3461)
            mail += f" RET=HDRS ENVID={one.id}"
            rcpt += " NOTIFY=FAILURE"
        return (mail, session_error), (rcpt, recipient_error), ("DATA", message_error)

    def _mail(self, session: SmtpSession, one: Addressed) -> None:
        """Write a mail and note the server's answer to it."""
        mail = dot_stuffed(self.form.mail(one.recipient, one.address, eight_bit=session.eight_bit))
        # Lost while writing, it is incomplete, so the server drops it (RFC 5321 section 4.1.1.4): still pending.
        session.write(mail, seconds=self._patience())
        self.pending.popleft()
        try:
            reply = session.read(seconds=self._patience())
        except LostError as lost:
            self.failed[one.id] = self._in_doubt(lost)
            raise
        if reply.positive:
            self.accepted.append(one.id)
        else:
            self.failed[one.id] = message_error(reply, self.secrets)

    def _in_doubt(self, lost: LostError) -> DeliveryError:
        if lost.reply is not None:  # 421 is an answer: not accepted
            return message_error(lost.reply, self.secrets)
        detail = "the connection died between the mail and its answer"
        return OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, detail)
