"""Compose, preview, send. The preview is rendered by the code that renders the messages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from notifier.bootstrap.api_container import ApiContainer
from notifier.domain.errors import InvalidInputError, NotFoundError, NotifierError, OutdatedError
from notifier.domain.incidents.incident import Event
from notifier.domain.values import Channel, ComponentStatus, Impact, Status
from notifier.inbound.events import parse_event
from notifier.services.conflicts import is_reused, update_of
from notifier.services.events.ingest import Receipt
from notifier.services.events.intake_log import log_taken
from notifier.services.preview.render import Preview, notice_of
from notifier.services.security.audit import Actor
from notifier.storage.incidents import timeline
from notifier.web.console.draft import AFFECTED, Draft, again, event_of, following, fresh, on_top, settled

Page = Mapping[str, Any]
_SHOWN = 5


class OvertakenError(NotifierError):
    """A form is outdated or was sent before: `page` shows the changes, and all that was typed."""

    def __init__(self, page: Page) -> None:
        super().__init__("the incident changed since this form was opened; nothing was sent")
        self.page = page


class Compose:
    """Turns drafts into events."""

    def __init__(self, container: ApiContainer) -> None:
        """Take the container; reads nothing yet."""
        self._container = container
        self._brand = container.settings.brand()
        self._zone = ZoneInfo(self._brand.timezone)
        self._preview = Preview(container.renderer, self._brand, container.settings.deployment.public_url)

    def begin(self, incident_id: str) -> Draft:
        """Return the draft of a new incident, or of the next update of an existing one.

        Raises:
            NotFoundError: There is no such incident.
        """
        now = self._container.clock()
        if not incident_id:
            return fresh(now)
        version = self._version(incident_id)  # first, so that what is read next is never older
        return following(self._container.history.incident(incident_id), version, self._zone, now)

    def form(self, draft: Draft, faults: InvalidInputError | None = None) -> Page:
        """Return what the form's template needs."""
        return {
            "draft": draft,
            "faults": {error.field: error.message for error in faults.errors} if faults else {},
            "offered": self._brand.locales,
            "zone": self._brand.timezone,
            "impacts": [impact.value for impact in Impact],
            "statuses": {
                "Disruption": [status.value for status in Status if not status.is_maintenance],
                "Maintenance": [status.value for status in Status if status.is_maintenance],
            },
            "parts": {part.key: part.name for part in self._container.settings.components()},
            "healths": [AFFECTED, *(health.value for health in ComponentStatus)],
            "meanwhile": (),
            "again": False,
        }

    def look(self, draft: Draft) -> Page:
        """Return the preview: a mail per locale, a post per account.

        Raises:
            InvalidInputError: Names every invalid field.
            OvertakenError: The form is outdated, or was sent before with other content.
        """
        event = self._current(draft)
        now = self._container.clock()
        with self._container.database.read() as connection:
            earlier = timeline.earlier(connection, event.incident.id)
        mail, post = (notice_of([event], channel, now, earlier=earlier) for channel in (Channel.EMAIL, Channel.SOCIAL))
        return {
            "mails": {locale: self._preview.mail(mail, locale) for locale in self._brand.locales},
            "posts": {
                account.name: self._preview.post(post, account.platform, account.locale)["text"]
                for account in self._container.settings.account_values()
            },
        }

    def send(self, draft: Draft, actor: Actor, *, guarded: bool) -> Receipt:
        """Publish the event. Sending it twice changes nothing, because the draft has its ids.

        `guarded`: the key lacks the scope announce.

        Raises:
            InvalidInputError: Names every invalid field.
            OvertakenError: The form is outdated, or was sent before with other content; nothing was
                stored.
            UnavailableError: The database does not answer; nothing was stored.
        """
        event = replace(self._current(draft), guarded=guarded, read=draft.after)
        try:
            receipt = self._container.ingest.take(actor.signed(event))
        except OutdatedError:
            raise self._outdated(draft) from None
        if receipt.reused:
            raise self._sent_already(draft)
        log_taken(receipt, actor)
        return receipt

    def _current(self, draft: Draft) -> Event:
        """Return the event of a draft that is current. Sending checks again, in its transaction."""
        event = self._event(draft)
        with self._container.database.read() as connection:
            known = timeline.find_event(connection, event.id)
        if known is not None:
            if is_reused(known, event):
                raise self._sent_already(draft)
        elif self._version(draft.incident_id) != draft.after:
            raise self._outdated(draft)
        return event

    def _version(self, incident_id: str) -> str:
        with self._container.database.read() as connection:
            return timeline.version(connection, incident_id)

    def _outdated(self, draft: Draft) -> OvertakenError:
        """Return the form as typed, based on the current incident, and the updates since."""
        version = self._version(draft.incident_id)
        incident = self._container.history.incident(draft.incident_id)
        meanwhile = _since(incident, update_of(draft.after)) or _edited(incident)
        return OvertakenError({**self.form(on_top(draft, version)), "incident": incident, "meanwhile": meanwhile})

    def _sent_already(self, draft: Draft) -> OvertakenError:
        """Return the form as typed, and what was sent from it before."""
        version = self._version(draft.incident_id)
        incident = self._container.history.incident(draft.incident_id)
        page = self.form(again(on_top(draft, version), self._container.clock()))
        sent = next((update for update in incident["updates"] if update["id"] == draft.update_id), None)
        meanwhile = _since(incident, draft.update_id) if sent else ()
        return OvertakenError({**page, "incident": incident, "sent": sent, "meanwhile": meanwhile, "again": True})

    def _event(self, draft: Draft) -> Event:
        now = self._container.clock()
        event = parse_event(event_of(settled(draft), self._zone, now, started_at=self._started(draft)), now=now)
        self._container.check(event)
        return event

    def _started(self, draft: Draft) -> str | None:
        try:
            started: str | None = self._container.history.incident(draft.incident_id)["started_at"]
        except NotFoundError:
            return None
        return started


def _edited(incident: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the edited updates; if there are none, the last (its visibility changed)."""
    edited = [update for update in incident["updates"] if update["revision"] > 1]
    return edited or incident["updates"][-1:]


def _since(incident: Mapping[str, Any], update_id: str) -> Sequence[Mapping[str, Any]]:
    """Return the updates after this one; the last few if it is not found."""
    updates: Sequence[Mapping[str, Any]] = incident["updates"]
    indexes = [index for index, update in enumerate(updates) if update["id"] == update_id]
    return updates[indexes[0] + 1 :] if indexes else updates[-_SHOWN:]
