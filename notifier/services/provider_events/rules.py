"""What a report may override, and what has to be known of a provider to heed its reports."""

from collections.abc import Mapping
from typing import Any, Protocol

from notifier.domain.providers.mail_event import AccountReport, MailEvent, ReportedState
from notifier.domain.recipients.subscriber import Suppression
from notifier.domain.values import DeliveryState

# What a report may overrule, least first. Queued and sending know nothing yet; what we gave up or replaced may have
# gone out all the same.
_SAYS_MORE = {
    DeliveryState.QUEUED: 0,
    DeliveryState.SENDING: 0,
    DeliveryState.ACCEPTED: 1,
    DeliveryState.FAILED: 1,
    DeliveryState.CANCELED: 1,
    DeliveryState.SUPERSEDED: 1,
    DeliveryState.SUPPRESSED: 2,
    DeliveryState.DELIVERED: 3,
    DeliveryState.BOUNCED: 4,
}


class ProviderRules(Protocol):
    """What the events of one provider mean. Pure; a module of functions will do."""

    PROVIDER: str  # as alarms, counters and the audit trail name it

    def state_of(self, event: MailEvent) -> ReportedState | None:
        """Return what an event makes of its delivery; None where it changes nothing."""

    def shows_acceptance(self, event: MailEvent) -> bool:
        """Whether an event is evidence that the provider had accepted the request its mail came with."""

    def suppression_for(self, event: MailEvent) -> Suppression | None:
        """Return the suppression an event asks for."""

    def topic(self, event: MailEvent) -> str:
        """Name the provider's list an event is about; empty where it is about none."""

    def blames_sender(self, kind: str, facts: Mapping[str, Any]) -> bool:
        """Whether an event, of now or from the ledger, says that receivers turn us away as a sender."""

    def account_report(self, event: MailEvent) -> AccountReport | None:
        """Return what an event says of our account."""


def is_replaced_by(present: DeliveryState, reported: DeliveryState) -> bool:
    """Whether a reported state says more than the present one: the same end whatever the order of events."""
    if reported is DeliveryState.ACCEPTED:
        return _SAYS_MORE[present] == 0
    return _SAYS_MORE[present] < _SAYS_MORE[reported]
