"""Which states a provider's report may replace, and what its events mean."""

from collections.abc import Mapping
from typing import Any, Protocol

from notifier.domain.providers.mail_event import AccountReport, MailEvent, ReportedState
from notifier.domain.recipients.subscriber import Suppression
from notifier.domain.values import DeliveryState

# States that a report may replace, weakest first. Queued and sending mean no knowledge; what we
# failed or superseded may have been sent after all.
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
    """The meaning of one provider's events. Pure; implemented by a module of functions."""

    PROVIDER: str  # name in alerts, counters and the audit trail

    def state_of(self, event: MailEvent) -> ReportedState | None:
        """Return the delivery's state after an event; None if it changes nothing."""

    def shows_acceptance(self, event: MailEvent) -> bool:
        """Whether an event proves that the provider had accepted the mail's request."""

    def suppression_for(self, event: MailEvent) -> Suppression | None:
        """Return the suppression that an event requires, if any."""

    def topic(self, event: MailEvent) -> str:
        """Return the provider's list that an event is about; empty if none."""

    def blames_sender(self, kind: str, facts: Mapping[str, Any]) -> bool:
        """Whether an event, new or stored, says that receivers reject us as a sender."""

    def account_report(self, event: MailEvent) -> AccountReport | None:
        """Return what an event says about our account, if anything."""


def is_replaced_by(present: DeliveryState, reported: DeliveryState) -> bool:
    """Whether a reported state says more than the present one, whatever the order of events."""
    if reported is DeliveryState.ACCEPTED:
        return _SAYS_MORE[present] == 0
    return _SAYS_MORE[present] < _SAYS_MORE[reported]
