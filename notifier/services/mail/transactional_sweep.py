"""Enqueue due transactional mail and delete finished mail."""

from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.values import QueueName
from notifier.services.ports import Clock, MailTaskQueue, TaskQueue
from notifier.storage.database.engine import Database
from notifier.storage.recipients import transactional_mail

_AT_ONCE = 20
# How long a mail counts against the limit per address.
_KEPT = timedelta(days=1)
_DEEP = 50
_FORGET_AT_ONCE = 500


@dataclass(frozen=True)
class SweepTransactionalMail:
    """A chore of the sweep: enqueue due mail, delete finished mail."""

    database: Database
    clock: Clock
    tasks: TaskQueue
    mail_tasks: MailTaskQueue

    name = "letters"

    def run(self) -> int:
        """Enqueue a task if mail is due; returns how many mails are."""
        now = self.clock()
        with self.database.read() as connection:
            due = transactional_mail.count_due(connection, now, _AT_ONCE)
            old = transactional_mail.has_done(connection, now - _KEPT)
        if due and self.tasks.depth(QueueName.RETRY) <= _DEEP:
            self.mail_tasks.send_transactional_mail()
        if old:
            with self.database.write() as connection:
                transactional_mail.forget_done(connection, now - _KEPT, _FORGET_AT_ONCE)
        return due
