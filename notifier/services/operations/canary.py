"""Canary: measure how long a test incident takes through the whole pipeline."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from notifier.domain import canary, ids
from notifier.domain.errors import NotFoundError
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.endpoint import Endpoint
from notifier.domain.recipients.subscriber import Subscriber
from notifier.domain.values import ACCEPTED, Channel, Impact, Status, SubscriberKind, SubscriberState
from notifier.services.endpoints.manage import Endpoints
from notifier.services.events.ingest import Ingest
from notifier.services.inspection.history import History
from notifier.services.metrics_buffer import CANARY, key_of
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor
from notifier.services.subscribers.manage import Subscribers
from notifier.storage.database.engine import Database
from notifier.storage.operations import metrics

_NAME = "canary"
_POLL_SECONDS = 0.1
_FOR_GOOD = ""  # owner of the gauges: no process, so that they stay until the next canary


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryResult:
    """A channel's seconds from ingest to the provider's acceptance; None if not in time."""

    channel: Channel
    seconds: float | None
    state: str


@dataclass(frozen=True)
class Canary:
    """Measures end-to-end latency on the channels with a listener.

    Attributes:
        email: The listening mailbox, empty for none.
        url: The listening endpoint, empty for none.
    """

    database: Database
    clock: Clock
    ingest: Ingest
    subscribers: Subscribers
    endpoints: Endpoints
    history: History
    email: str
    url: str
    seconds: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def measure(self, within: timedelta, actor: Actor) -> list[CanaryResult]:
        """Ingest a canary; wait until every listener's provider accepts it, or for `within`."""
        wanted = self._listeners(actor)
        incident_id = canary.PREFIX + ids.new_ulid(self.clock())
        began = self.seconds()
        self.ingest.take(actor.signed(self._event(incident_id, 1, Status.INVESTIGATING, notify=True)))
        found: dict[Channel, CanaryResult] = {}
        while len(found) < len(wanted) and self.seconds() - began < within.total_seconds():
            states = self._states(incident_id)
            for channel in wanted:
                if channel not in found and states.get(channel) in ACCEPTED:
                    took = round(self.seconds() - began, 3)
                    found[channel] = CanaryResult(channel=channel, seconds=took, state=states[channel])
            self.pause(_POLL_SECONDS)
        states = self._states(incident_id)
        self.ingest.take(actor.signed(self._event(incident_id, 2, Status.RESOLVED, notify=False)))
        self._set_gauges(found)
        silent = {
            channel: CanaryResult(channel=channel, seconds=None, state=states.get(channel, "not planned"))
            for channel in wanted
        }
        return list((silent | found).values())

    def _listeners(self, actor: Actor) -> list[Channel]:
        """Set up the listeners as configured; returns their channels."""
        channels = []
        if self.email:
            self._subscribe(actor)
            channels.append(Channel.EMAIL)
        if self.url:
            self._connect(actor)
            channels.append(Channel.WEBHOOK)
        return channels

    def _subscribe(self, actor: Actor) -> None:
        try:
            known = self.subscribers.get(_NAME)
        except NotFoundError:
            self.subscribers.create(self._listener(), actor)
        else:
            if (known["email"], known["state"]) != (self.email, SubscriberState.ACTIVE.value):
                self.subscribers.patch(_NAME, {"email": self.email, "state": SubscriberState.ACTIVE}, actor)

    def _listener(self) -> Subscriber:
        vocabulary = self.subscribers.vocabulary
        return Subscriber(
            external_id=_NAME,
            kind=SubscriberKind.FOLLOWER,
            email=self.email,
            locale=vocabulary.default_locale,
            timezone=vocabulary.default_timezone,
            preferences=Preferences(components=frozenset({canary.COMPONENT})),
        )

    def _connect(self, actor: Actor) -> None:
        after: int | None = 0
        while after is not None:
            page, after = self.endpoints.list(limit=500, after=after)
            for known in page:
                if known["description"] == _NAME:
                    if known["url"] != self.url:
                        self.endpoints.patch(known["id"], {"url": self.url}, actor)
                    return
        components = frozenset({canary.COMPONENT})
        self.endpoints.create(Endpoint(url=self.url, description=_NAME, components=components), actor)

    def _states(self, incident_id: str) -> Mapping[Channel, str]:
        """Return the state of each channel's single delivery."""
        return {
            Channel(item["channel"]): next(iter(item["counts"]))
            for item in self.history.notifications(incident_id)
            if item["counts"]
        }

    def _event(self, incident_id: str, number: int, status: Status, *, notify: bool) -> Event:
        now = self.clock()
        incident = Incident(
            id=incident_id,
            title={"en": "Canary: a test of the way to you"},
            impact=Impact.MINOR,
            components=(AffectedComponent(key=canary.COMPONENT),),
            started_at=now,
        )
        update = Update(
            id=f"{incident_id}-{number}",
            status=status,
            body={"en": "Nothing is wrong. This message is sent to measure how long it takes."},
            posted_at=now,
        )
        return Event(id=update.id, incident=incident, update=update, notify=notify, source=_NAME)

    def _set_gauges(self, found: Mapping[Channel, CanaryResult]) -> None:
        gauges = {key_of(CANARY, channel=channel): sung.seconds or 0.0 for channel, sung in found.items()}
        with self.database.write() as connection:
            metrics.set_gauges(connection, _FOR_GOOD, gauges, self.clock())
