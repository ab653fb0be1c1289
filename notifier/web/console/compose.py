"""Compose, look, send: the one button. What is shown before sending is rendered by what renders the messages."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from notifier.bootstrap.application import Application
from notifier.domain.errors import InvalidInputError, NotFoundError
from notifier.domain.incident import Event
from notifier.domain.values import Channel, ComponentStatus, Impact, Status
from notifier.inbound.events import check_known, parse_event
from notifier.services.audit import Actor, Subject, record
from notifier.services.ingest import Receipt
from notifier.services.preview import Preview, notice_of
from notifier.web.console.draft import AFFECTED, Draft, event_of, following, fresh

Page = Mapping[str, Any]


class Compose:
    """Turns drafts into events."""

    def __init__(self, application: Application) -> None:
        """Take the installation; reads nothing yet."""
        self._application = application
        self._brand = application.settings.brand()
        self._zone = ZoneInfo(self._brand.timezone)
        self._preview = Preview(application.renderer, self._brand, application.settings.deployment.public_url)

    def begin(self, incident_id: str) -> Draft:
        """Return the draft of a new incident, or of the next update of a known one.

        Raises:
            NotFoundError: no such incident.
        """
        now = self._application.clock()
        if not incident_id:
            return fresh(now)
        return following(self._application.history.incident(incident_id), self._zone, now)

    def form(self, draft: Draft, faults: InvalidInputError | None = None) -> Page:
        """Return what the form needs besides the draft."""
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
            "parts": {part.key: part.name for part in self._application.settings.components()},
            "healths": [AFFECTED, *(health.value for health in ComponentStatus)],
        }

    def look(self, draft: Draft) -> Page:
        """Return how it would read: a mail per locale, a post per account.

        Raises:
            InvalidInputError: names every field at fault.
        """
        event = self._event(draft)
        now = self._application.clock()
        mail, post = notice_of([event], Channel.EMAIL, now), notice_of([event], Channel.SOCIAL, now)
        return {
            "mails": {locale: self._preview.mail(mail, locale) for locale in self._brand.locales},
            "posts": {
                account.name: self._preview.post(post, account.platform, account.locale)["text"]
                for account in self._application.settings.account_values()
            },
        }

    def send(self, draft: Draft, actor: Actor, *, guarded: bool) -> Receipt:
        """Hand the event in; a second time changes nothing, since the draft carries its ids.

        `guarded`: the key lacks the right to announce what `[guard]` wants a person to release.

        Raises:
            InvalidInputError: names every field at fault.
            UnavailableError: the database does not answer; nothing was stored.
        """
        receipt = self._application.ingest(replace(self._event(draft), guarded=guarded))
        with self._application.database.write() as connection:
            detail = {"incident": receipt.incident_id, "outcome": receipt.outcome.value}
            subject = Subject("event", receipt.event_id)
            record(connection, actor, "event.published", subject, at=self._application.clock(), detail=detail)
        return receipt

    def _event(self, draft: Draft) -> Event:
        now = self._application.clock()
        event = parse_event(event_of(draft, self._zone, now, started_at=self._started(draft)), now=now)
        check_known(event, self._application.component_keys, self._application.locales)
        return event

    def _started(self, draft: Draft) -> str | None:
        try:
            started: str | None = self._application.history.incident(draft.incident_id)["started_at"]
        except NotFoundError:
            return None
        return started
