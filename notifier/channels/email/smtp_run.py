"""The mails of one request, one after another over one session, with one round trip each where the server pipelines.

RFC 2920 section 3.1 lets a message's end and the next mail's MAIL FROM, RCPT TO and DATA travel in one group. What is
complete and unanswered when the connection dies is the one mail whose outcome is unknown.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
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
        granted: Addressed | None = None  # the server waits for this one's mail
        tidy = True  # no refused envelope is left open
        while granted is not None or self.goes_on:
            following = self.pending[0] if self.goes_on else None
            envelope = self._envelope(session, following, tidy=tidy) if following is not None else []
            ahead = b"".join(envelope) if session.pipelining else b""
            if granted is not None:
                self._finish(session, granted, ahead)
            elif ahead:
                session.write(ahead, seconds=self._patience())
            granted = None
            if following is not None:
                granted = self._enter(session, following, envelope)
                tidy = granted is not None

    def _patience(self) -> float:
        return min(_PATIENCE, max(self.seconds_left(), _GRACE))

    def _envelope(self, session: SmtpSession, one: Addressed, *, tidy: bool) -> list[bytes]:
        mail, rcpt = f"MAIL FROM:<{self.sender}>", f"RCPT TO:<{one.address}>"
        if session.eight_bit:
            mail += " BODY=8BITMIME"
        if session.dsn and _ENVID.fullmatch(one.id):  # a bounce then names the delivery, without the body (RFC 3461)
            mail += f" RET=HDRS ENVID={one.id}"
            rcpt += " NOTIFY=FAILURE"
        return [f"{command}\r\n".encode("ascii") for command in ("RSET", mail, rcpt, "DATA")[tidy:]]

    def _finish(self, session: SmtpSession, one: Addressed, ahead: bytes) -> None:
        """Write a mail and what may travel behind it, and note the server's answer to the mail."""
        mail = dot_stuffed(self.form.mail(one.recipient, one.address, eight_bit=session.eight_bit))
        try:
            session.write(mail, seconds=self._patience())
        except LostError:
            self.pending.appendleft(one)  # incomplete, so the server drops it (RFC 5321 section 4.1.1.4)
            raise
        try:
            if ahead:
                session.write(ahead, seconds=self._patience())
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

    def _enter(self, session: SmtpSession, one: Addressed, envelope: Sequence[bytes]) -> Addressed | None:
        """Have the envelope answered; returns its recipient when the server waits for the mail."""
        seconds = self._patience()
        replies = session.answers(envelope, seconds=seconds)
        complete = len(replies) == len(envelope)
        replies = replies[-3:] if complete else replies[len(envelope) - 3 :]
        refused = next((place for place, reply in enumerate(replies) if not reply.positive), None)
        if refused is None and complete:
            self.pending.popleft()
            return one
        if complete and replies[-1].code == START_MAIL_INPUT:  # wants data, though for nobody (RFC 2920 section 3.1)
            session.write(b".\r\n", seconds=seconds)
            session.read(seconds=seconds)
        if refused is None:
            raise LostError  # RSET itself was refused: out of step
        self._refuse(one, refused, replies[refused])
        return None

    def _refuse(self, one: Addressed, step: int, reply: Reply) -> None:
        """Note a refusal of MAIL FROM (0), RCPT TO (1) or DATA (2)."""
        error = (session_error, recipient_error, message_error)[step](reply, self.secrets)
        if isinstance(error, ChannelStoppedError) or (step == 0 and isinstance(error, TransientDeliveryError)):
            self.stopped = error
            return
        self.pending.popleft()
        self.failed[one.id] = error
