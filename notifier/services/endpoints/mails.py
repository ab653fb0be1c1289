"""Write mail to owners of failing endpoints: a warning, then a notice when it is disabled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.domain.messages.transactional_mail import TransactionalKind, TransactionalMail
from notifier.domain.recipients.endpoint import EndpointState
from notifier.domain.recipients.endpoint_health import FailureRecord, HealthPolicy, disabling_time
from notifier.rendering.mail.account_mail import AccountMessage, DisabledBecause, EndpointDisabled, EndpointWarning
from notifier.services.mail.transactional import Addressed, Writer
from notifier.storage.database import Connection
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import endpoint_health, subscribers


@dataclass(frozen=True)
class EndpointMails:
    """Writes mail from the current state; an endpoint that has recovered needs none."""

    public_url: str
    default_locale: str
    default_timezone: str
    policy: HealthPolicy = field(default_factory=HealthPolicy)

    def write(self, connection: Connection, mail: TransactionalMail) -> Addressed | None:
        """Return the mail to send; None if it has become pointless."""
        row = endpoint_health.get(connection, mail.subject_id)
        message = self._message(connection, row, mail.kind) if row is not None and row.owner_email else None
        if row is None or message is None:
            return None
        stored = subscribers.get(connection, row.subscriber) if row.subscriber else None
        return Addressed(
            message=message,
            email=row.owner_email,
            name=stored.subscriber.name if stored else "",
            locale=stored.subscriber.locale if stored else self.default_locale,
            timezone=stored.subscriber.timezone if stored else self.default_timezone,
        )

    def _message(self, connection: Connection, row: AnyRow, kind: TransactionalKind) -> AccountMessage | None:
        error = endpoint_health.last_error(connection, row)
        manage = f"{self.public_url.rstrip('/')}/docs"
        if kind is TransactionalKind.ENDPOINT_WARNING:
            if row.state != EndpointState.ACTIVE.value or row.failing_since is None or row.warned_at is None:
                return None
            record = FailureRecord(
                failing_since=row.failing_since, last_failure_at=row.last_failure_at, warned_at=row.warned_at
            )
            return EndpointWarning(
                endpoint_url=row.url,
                failing_since=row.failing_since,
                disabled_at=disabling_time(record, row.warned_at, self.policy),
                last_error=error,
                manage_url=manage,
            )
        if row.state != EndpointState.DISABLED.value or row.disabled_at is None:
            return None
        because = (
            DisabledBecause.FAILING if row.state_reason == endpoint_health.FAILED_FOR_DAYS else DisabledBecause.GONE
        )
        return EndpointDisabled(
            endpoint_url=row.url, disabled_at=row.disabled_at, because=because, last_error=error, manage_url=manage
        )


@dataclass(frozen=True)
class MailWriterByKind:
    """Delegates to the writer of the mail's kind."""

    writers: Mapping[TransactionalKind, Writer]
    others: Writer

    def write(self, connection: Connection, mail: TransactionalMail) -> Addressed | None:
        """Return the mail to send; None if it has become pointless."""
        return self.writers.get(mail.kind, self.others).write(connection, mail)
