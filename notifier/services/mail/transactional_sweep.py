"""See that letters leave, and that those which are done are forgotten."""

from dataclasses import dataclass
from datetime import timedelta

from notifier.domain.values import QueueName
from notifier.services.ports import Clock, MailTaskQueue, TaskQueue
from notifier.storage.database.engine import Database
from notifier.storage.recipients import transactional_mail

_AT_ONCE = 20
# For so long the limit per address counts a letter.
_KEPT = timedelta(days=1)
_DEEP = 50
_FORGET_AT_ONCE = 500


@dataclass(frozen=True)
class SweepTransactionalMail:
    """A chore of the sweep: see that letters leave, and forget those that are done."""

    database: Database
    clock: Clock
    tasks: TaskQueue
    mail_tasks: MailTaskQueue

    name = "letters"

    def run(self) -> int:
        """Nudge a worker when something is due; returns how many letters are."""
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
