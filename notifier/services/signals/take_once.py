"""Take a message that has an identity once, even if it is delivered again after a later one."""

from collections.abc import Callable
from dataclasses import dataclass

from notifier.domain.proposals.signal import Report
from notifier.domain.values import Outcome
from notifier.services.events.integrations import IntegrationReceipt
from notifier.services.ports import Clock
from notifier.services.signals.take_report import event_id_of
from notifier.storage.database.engine import Database
from notifier.storage.operations import provider_inbox
from notifier.storage.operations.provider_inbox import ReportedEvent

_KNOWN = "this message was taken before"


@dataclass(frozen=True)
class TakeOnce:
    """Keeps the ids of messages, as long as the reports of providers."""

    database: Database
    clock: Clock

    def take(self, report: Report, take: Callable[[Report], IntegrationReceipt]) -> IntegrationReceipt:
        """Take a report with `take`, unless it is a message that was taken before.

        It counts as taken when `take` has done its work: stopped half-way, its repeat does the rest.

        Raises:
            UnavailableError: the database does not answer; the sender repeats.
        """
        if not report.is_message:
            return take(report)
        event_id = event_id_of(report)
        with self.database.read() as connection:
            if provider_inbox.holds(connection, event_id):
                return IntegrationReceipt(
                    event_id=event_id,
                    incident_id=None,
                    update_id=report.change,
                    outcome=Outcome.DUPLICATE,
                    reason=_KNOWN,
                )
        receipt = take(report)
        with self.database.write() as connection:
            provider_inbox.add_many(connection, [ReportedEvent(id=event_id, kind="message")], self.clock())
        return receipt
