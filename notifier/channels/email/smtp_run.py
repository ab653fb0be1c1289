"""Send the mails of one request in turn over a session: MAIL FROM, RCPT TO, DATA, the mail.

If the connection breaks, only a mail that was fully sent without a reply has an unknown outcome.
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

_PATIENCE = 15.0  # seconds to wait for one reply
_GRACE = 10.0  # minimum even past the deadline: better late than an unknown outcome
_ENVID = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # RFC 3461 section 4.4, only what needs no escaping

Meaning = Callable[[Reply, Iterable[str]], DeliveryError]
"""Maps a refusal to an error that does not contain the given secrets."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A recipient and the mailbox address as sent in RCPT TO."""

    recipient: MailRecipient
    address: str

    @property
    def id(self) -> str:
        """The delivery's id."""
        return self.recipient.delivery_id


@dataclass
class SmtpRun:
    """The recipients left to send to, and the outcome of the others.

    Args:
        form: Builds the mails.
        sender: The envelope sender, which receives bounces.
        pending: Recipients not sent to yet, in order.
        seconds_left: Time until the deadline.
        secrets: Values to keep out of errors.
    """

    form: MailForm
    sender: str
    pending: deque[Addressed]
    seconds_left: Callable[[], float]
    secrets: Sequence[str] = ()
    accepted: list[str] = field(default_factory=list)
    failed: dict[str, DeliveryError] = field(default_factory=dict)
    stopped: DeliveryError | None = None  # the server accepts nothing more for now

    @property
    def goes_on(self) -> bool:
        """Whether recipients and time are left and the server still accepts mail."""
        return bool(self.pending) and self.stopped is None and self.seconds_left() > 0

    @property
    def settled(self) -> int:
        """The number of recipients with a final outcome, known or unknown."""
        return len(self.accepted) + len(self.failed)

    def give_up(self, error: DeliveryError) -> None:
        """Fail all pending recipients with this error."""
        self.failed |= {one.id: error for one in self.pending}
        self.pending.clear()

    def over(self, session: SmtpSession) -> None:
        """Send as many mails as the session accepts.

        Raises:
            LostError: the connection broke. An unknown outcome is recorded; the rest is pending.
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
        """Send the envelope; return None if the server is ready for the mail."""
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
        if session.dsn and _ENVID.fullmatch(one.id):  # for bounces: id, no body (RFC 3461)
            mail += f" RET=HDRS ENVID={one.id}"
            rcpt += " NOTIFY=FAILURE"
        return (mail, session_error), (rcpt, recipient_error), ("DATA", message_error)

    def _mail(self, session: SmtpSession, one: Addressed) -> None:
        """Send a mail and record the server's reply."""
        mail = dot_stuffed(self.form.mail(one.recipient, one.address, eight_bit=session.eight_bit))
        # If the connection breaks while writing, the server drops the incomplete mail (RFC 5321
        # section 4.1.1.4), and the recipient stays pending.
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
        if lost.reply is not None:  # a 421 means that the mail was not accepted
            return message_error(lost.reply, self.secrets)
        detail = "the connection died between the mail and its answer"
        return OutcomeUnknownError(Reason.OUTCOME_UNKNOWN, detail)
