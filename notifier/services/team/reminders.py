"""Reminders to the team: queued in the caller's transaction, sent by the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.messages.team import TeamMessage, TeamSubject
from notifier.domain.messages.transactional_mail import NewTransactionalMail, TransactionalKind, TransactionalMail
from notifier.rendering.mail.account_mail import TeamReminder
from notifier.services.mail.transactional import Addressed
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.recipients import transactional_mail

KEPT = timedelta(days=3)  # then a reminder has lost its point
_ABOUT_NOBODY = 0  # the subject and address key of messages that concern no subscriber
_TO = "to"


@dataclass(frozen=True)
class TeamReminders:
    """Queues reminders: one mail per `[team] email` address and one webhook post, if configured."""

    emails: Sequence[str] = ()
    has_webhook: bool = False

    def remind(self, connection: Connection, message: TeamMessage, now: datetime) -> None:
        """Queue a reminder within the caller's transaction. The caller makes sure that it is queued once."""
        detail = message_to_json(message)
        for email in self.emails:
            _add(connection, TransactionalKind.TEAM_REMINDER, detail | {_TO: email}, now)
        if self.has_webhook:
            _add(connection, TransactionalKind.TEAM_WEBHOOK, detail, now)


def _add(connection: Connection, kind: TransactionalKind, detail: Mapping[str, Any], now: datetime) -> None:
    mail = NewTransactionalMail(
        kind=kind, subject_id=_ABOUT_NOBODY, address_key=_ABOUT_NOBODY, expires_at=now + KEPT, detail=detail
    )
    transactional_mail.add(connection, mail, now)


def message_to_json(message: TeamMessage) -> dict[str, Any]:
    """Return a reminder as the outbox stores it and the webhook carries it."""
    return {
        "about": message.about.value,
        "id": message.id,
        "title": message.title,
        "url": message.url,
        "since": instant_to_json(message.since),
    }


@dataclass(frozen=True)
class TeamMails:
    """Words the mails of the team: in the brand's default locale and time zone."""

    emails: Sequence[str]
    locale: str
    timezone: str

    def write(self, connection: Connection, mail: TransactionalMail) -> Addressed | None:
        """Return the reminder; None if its address is no longer configured."""
        del connection
        detail = mail.detail or {}
        email = str(detail.get(_TO))
        if email not in self.emails:
            return None
        message = TeamReminder(
            about=TeamSubject(detail["about"]),
            title=detail["title"],
            url=detail["url"],
            since=datetime.fromisoformat(detail["since"]),
        )
        return Addressed(message=message, email=email, name="", locale=self.locale, timezone=self.timezone)
