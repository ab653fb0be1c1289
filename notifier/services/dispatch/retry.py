"""Retry: make waiting deliveries due now, on an operator's request ("it is fixed, try now")."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.providers.breaker import WAITS_FOR_PROVIDER
from notifier.domain.values import Channel, Reason
from notifier.services.dispatch.regroup import Regroup
from notifier.services.ports import Clock
from notifier.services.providers.circuits import Circuits
from notifier.services.providers.status import Names
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import provider_waits, retry
from notifier.storage.notifications import notifications
from notifier.storage.operations import provider_states
from notifier.storage.recipients import endpoints

# Other waits continue: quiet hours, an hourly limit, a translation, an earlier message, and a rate
# limit named by the receiver.
_REASONS = WAITS_FOR_PROVIDER | {Reason.NOT_STARTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOrder:
    """What to retry now: exactly one of these."""

    endpoint_id: str | None = None
    notification_id: str | None = None
    provider: str | None = None


@dataclass(frozen=True)
class Retry:
    """Make deliveries due. Cannot bypass the blast guard: held updates have no deliveries."""

    database: Database
    clock: Clock
    regroup: Regroup
    circuits: Mapping[Channel, Circuits]
    names: Names
    # Channels on which a delivery with an unknown outcome is repeated without waiting for evidence.
    doubts: Callable[[], Collection[Channel]]

    def run(self, order: RetryOrder, actor: Actor) -> int:
        """Make due what waits for another attempt; returns the number of deliveries.

        Raises:
            InvalidInputError: the order does not name exactly one thing.
            NotFoundError: the named thing does not exist.
        """
        if sum(map(bool, (order.endpoint_id, order.notification_id, order.provider))) != 1:
            fault = "name exactly one of endpoint_id, notification_id and provider"
            raise InvalidInputError([FieldError("provider", fault)])
        with self.database.write() as connection:
            number, subject = self._hurry(connection, order)
            detail = {"count": number}
            record(connection, actor, "deliveries.retried", subject, at=self.clock(), detail=detail)
        while self.regroup.run():
            continue
        for channel, name in self._named(order.provider):
            self._probe(channel, name)
        return number

    def _hurry(self, connection: Connection, order: RetryOrder) -> tuple[int, Subject]:
        now, doubts = self.clock(), [channel.value for channel in self.doubts()]
        if order.endpoint_id:
            endpoint = endpoints.get(connection, order.endpoint_id)
            if endpoint is None:
                raise NotFoundError("endpoint", order.endpoint_id)
            whose = retry.deliveries_of_endpoint(endpoint.id)
            number = retry.deliveries_due(connection, whose, _REASONS, doubts, now)
            endpoints.change(connection, endpoint.id, {}, now)  # resets workers' circuit breakers
            return number, Subject("endpoint", order.endpoint_id)
        if order.notification_id:
            stored = notifications.get_public(connection, order.notification_id)
            if stored is None:
                raise NotFoundError("notification", order.notification_id)
            batches, apart = retry.batches_of_notification(stored.id), retry.deliveries_of_notification(stored.id)
            number = retry.batches_due(connection, batches, _REASONS, doubts, now)
            number += retry.deliveries_due(connection, apart, _REASONS, doubts, now)
            return number, Subject("notification", order.notification_id)
        found = self._named(order.provider)
        if not found:
            raise NotFoundError("provider", order.provider or "")
        number = sum(self._for_provider(connection, channel, name, doubts) for channel, name in found)
        return number, Subject("provider", order.provider or "")

    def _for_provider(self, connection: Connection, channel: Channel, name: str, doubts: Collection[str]) -> int:
        """Retry a provider's deliveries.

        If its circuit breaker is open, make only its probe due: a success resumes the others.
        """
        now, is_mail = self.clock(), channel is Channel.EMAIL
        whose = provider_waits.of_mail() if is_mail else provider_waits.of_account(name)
        if provider_states.held(connection, channel, name).is_open:
            provider_states.hurry(connection, channel, name, now)
            return retry.waiting_batches(connection, whose, _REASONS, doubts)
        number = retry.batches_due(connection, whose, _REASONS, doubts, now)
        if is_mail:
            number += retry.deliveries_due(connection, retry.deliveries_by_mail(), _REASONS, doubts, now)
        return number

    def _named(self, name: str | None) -> list[tuple[Channel, str]]:
        return [(channel, name) for channel, names in self.names().items() if name is not None and name in names]

    def _probe(self, channel: Channel, name: str) -> None:
        circuits = self.circuits[channel]
        known = circuits.look().get(name)
        if known is not None:
            circuits.call_probe(name, known)
