"""Suppress addresses on a provider's report, or lift that, including their subscribers' states."""

from datetime import datetime

from notifier.domain.providers.mail_event import MailEvent
from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, SubscriberState
from notifier.services.provider_events.rules import ProviderRules
from notifier.services.security.audit import Actor, Subject, record
from notifier.services.subscribers.manage import KIND
from notifier.storage.database import Connection
from notifier.storage.recipients import subscribers, suppressions

_LISTENING = (SubscriberState.ACTIVE, SubscriberState.PENDING)


def suppress(
    connection: Connection, address_key: int, suppression: Suppression, rules: ProviderRules, now: datetime
) -> None:
    """Suppress an address; the first reason and date stay. Updates its subscribers, audited."""
    if not suppressions.add(connection, address_key, suppression):
        return
    state = suppression.reason.state
    action = "subscriber.unsubscribed" if state is SubscriberState.UNSUBSCRIBED else "subscriber.suppressed"
    for name in subscribers.set_state_of_address(connection, address_key, state, only=_LISTENING, now=now):
        detail = {"reason": suppression.reason.value}
        record(connection, _actor(rules), action, Subject(KIND, name), at=now, detail=detail)


def lift_topic(connection: Connection, address_key: int, event: MailEvent, rules: ProviderRules, now: datetime) -> None:
    """Lift a suppression by one of the provider's groups when its member resubscribes.

    An event older than the unsubscription changes nothing, as events come in any order.
    """
    topic = rules.topic(event)
    for item in suppressions.of_address(connection, address_key):
        same = item.reason is SuppressionReason.PROVIDER_UNSUBSCRIBED and item.detail == topic
        if item.channel is not Channel.EMAIL or not same or event.at < item.since:
            continue
        suppressions.remove(connection, address_key, item.channel)
        back = subscribers.set_state_of_address(
            connection, address_key, SubscriberState.ACTIVE, only=(SubscriberState.UNSUBSCRIBED,), now=now
        )
        for name in back:
            detail = {"reason": topic, "state": SubscriberState.ACTIVE.value}
            record(connection, _actor(rules), "subscriber.resubscribed", Subject(KIND, name), at=now, detail=detail)


def _actor(rules: ProviderRules) -> Actor:
    return Actor(f"provider:{rules.PROVIDER}", "event webhook")
