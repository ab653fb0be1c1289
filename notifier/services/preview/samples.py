"""Sample events that produce every kind of message, for templates, translations and screenshots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.notice import Notice
from notifier.domain.messages.team import TeamSubject
from notifier.domain.values import Channel
from notifier.rendering.mail.account_mail import (
    AccountMessage,
    AddressChangeConfirm,
    DisabledBecause,
    EndpointDisabled,
    EndpointWarning,
    SubscriptionConfirm,
    SubscriptionKnown,
    TeamReminder,
)
from notifier.rendering.renderer import Renderer
from notifier.services.preview.render import notice_of

# Per story: number of events so far, and sequence of the reader's last notification.
_SCENES = {
    "incident": ((1, 0), (3, 1), (4, 3), (5, 4)),
    "maintenance": ((1, 0), (2, 1), (3, 2), (4, 3), (5, 4)),
    "maintenance_canceled": ((2, 1),),
}
_THEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scene:
    """A notification and the sequence of its reader's last one (0: none)."""

    notice: Notice
    since: int

    @property
    def name(self) -> str:
        """The kind of message, which is the name of its template folder."""
        return self.notice.kind_for(self.since).value


def scenes(stories: Mapping[str, Sequence[Event]], channel: Channel) -> list[Scene]:
    """Return one scene per kind of message from the sample stories (`inbound.event_files.read_stories`)."""
    found = []
    for name, steps in _SCENES.items():
        for number, since in steps:
            events = stories[name][:number]
            found.append(Scene(notice_of(events, channel, events[-1].update.ordered_at), since))
    announced = stories["maintenance"][0]
    again = _reminder_of(announced)
    found.append(Scene(notice_of([announced, again], channel, again.update.ordered_at), 1))
    return found


def _reminder_of(event: Event) -> Event:
    posted_at = event.update.posted_at + timedelta(hours=2)
    update = replace(event.update, id="upd-reminder", posted_at=posted_at, next_update_at=None)
    return replace(event, id="evt-reminder", update=update, reminder=True)


def account_mail(renderer: Renderer, message: AccountMessage, locale: str, timezone: str) -> dict[str, str]:
    """Return `subject`, `text` and `html` of a transactional mail."""
    content = renderer.account_mail(message, locale=locale, timezone=timezone, name="Jansen")
    return {"subject": content.subject, "text": content.text, "html": content.html}


def account_messages(public_url: str) -> dict[str, AccountMessage]:
    """Return one transactional message of each kind, by the name of its template folder."""
    manage, endpoint = f"{public_url}/preferences/preview", "https://partner.example/hooks/status"
    return {
        "subscription_confirm": SubscriptionConfirm(
            confirm_url=f"{public_url}/confirm/preview", expires_at=_THEN + timedelta(days=2)
        ),
        "subscription_known": SubscriptionKnown(preferences_url=manage),
        "address_change_confirm": AddressChangeConfirm(
            confirm_url=f"{public_url}/confirm/preview", expires_at=_THEN + timedelta(days=2)
        ),
        "endpoint_warning": EndpointWarning(
            endpoint_url=endpoint,
            failing_since=_THEN - timedelta(days=2),
            disabled_at=_THEN + timedelta(days=3),
            last_error="503 Service Unavailable",
            manage_url=manage,
        ),
        "endpoint_disabled": EndpointDisabled(
            endpoint_url=endpoint,
            disabled_at=_THEN,
            because=DisabledBecause.FAILING,
            last_error="503 Service Unavailable",
            manage_url=manage,
        ),
        "team_reminder": TeamReminder(
            about=TeamSubject.MAINTENANCE_OVER, title="Database", url=f"{public_url}/console", since=_THEN
        ),
    }
