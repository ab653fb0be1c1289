"""Render transactional mail: about a subscription or an endpoint, or to the team; no unsubscribe link."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from notifier.domain.messages.message import MailContent
from notifier.domain.messages.team import TeamSubject
from notifier.rendering.datetimes import moment, zone
from notifier.rendering.environment import Templates
from notifier.rendering.incident_view import Storyteller
from notifier.rendering.language import Language
from notifier.rendering.mail.headers import automatic_headers
from notifier.rendering.mail.incident_mail import MAX_SUBJECT
from notifier.rendering.mail.inlining import inline_styles
from notifier.rendering.mail.line_wrap import fold
from notifier.rendering.text.sanitize import clean_line

_MAX_NAME, _MAX_DETAIL, _MAX_TITLE = 80, 300, 200


class DisabledBecause(StrEnum):
    """Why an endpoint was disabled."""

    GONE = "gone"  # it responded 410
    FAILING = "failing"  # it failed for too long
    ASKED = "asked"  # the partner or an operator disabled it


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionConfirm:
    """Double opt-in: nothing else is sent until the page is confirmed. `expires_at` is aware."""

    confirm_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionKnown:
    """To a subscribed address that signs up again; the page must not reveal who is subscribed."""

    preferences_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChangeConfirm:
    """To the new address, before it replaces the old one."""

    confirm_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointWarning:
    """To a partner whose endpoint fails and will be disabled. `last_error` contains no secret."""

    endpoint_url: str
    failing_since: datetime
    disabled_at: datetime
    last_error: str
    manage_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDisabled:
    """To a partner whose endpoint was disabled: why, and how to enable it again."""

    endpoint_url: str
    disabled_at: datetime
    because: DisabledBecause
    last_error: str
    manage_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamReminder:
    """To the people who operate the installation: something waits for them."""

    about: TeamSubject
    title: str
    url: str
    since: datetime


AccountMessage = (
    SubscriptionConfirm | SubscriptionKnown | AddressChangeConfirm | EndpointWarning | EndpointDisabled | TeamReminder
)
ACCOUNT_FOLDERS: dict[type[AccountMessage], str] = {
    SubscriptionConfirm: "subscription_confirm",
    SubscriptionKnown: "subscription_known",
    AddressChangeConfirm: "address_change_confirm",
    EndpointWarning: "endpoint_warning",
    EndpointDisabled: "endpoint_disabled",
    TeamReminder: "team_reminder",
}


class AccountMailRenderer:
    """Renders account mail completely, without tags. Thread-safe."""

    def __init__(self, view: Storyteller, templates: Templates) -> None:
        self._view = view
        self._templates = templates

    def render(self, message: AccountMessage, *, locale: str, timezone: str, name: str) -> MailContent:
        """Render for one recipient; `timezone` is an IANA name, `name` may be empty."""
        reader = self._view.languages[locale]
        folder = ACCOUNT_FOLDERS[type(message)]
        context = self._context(message, reader, timezone, name)
        html = inline_styles(self._templates.render(f"{folder}/email.body.html", reader, context))
        text = fold(self._templates.render(f"{folder}/email.body.txt", reader, context))
        subject = self._templates.render(f"{folder}/email.subject.txt", reader, context)
        return MailContent(
            sender=self._view.brand.sender_in(reader.tag),
            subject=clean_line(subject, MAX_SUBJECT),
            text=text,
            html=html,
            locale=reader.tag,
            headers=automatic_headers(),
            reply_to=self._view.reply_to(reader),
        )

    def _context(self, message: AccountMessage, reader: Language, timezone: str, name: str) -> dict[str, Any]:
        where = zone(timezone, self._view.brand.timezone)
        known_as = clean_line(name, _MAX_NAME)
        greeting = reader.gettext("Hello %(name)s,") % {"name": known_as} if known_as else reader.gettext("Hello,")
        values: dict[str, Any] = {field.name: getattr(message, field.name) for field in fields(message)}
        for key, value in values.items():
            if isinstance(value, datetime):
                values[key] = moment(value, reader.cldr, where)
            elif isinstance(value, StrEnum):
                values[key] = value.value
        if "title" in values:
            values["title"] = clean_line(values["title"], _MAX_TITLE)
        if "endpoint_url" in values:
            values["endpoint"] = _without_secrets(values.pop("endpoint_url"))
            values["last_error"] = clean_line(values["last_error"], _MAX_DETAIL)
        return {
            "brand": self._view.brand_name(reader),
            "lang": reader.tag,
            "dir": reader.direction,
            "rtl": reader.is_rtl,
            "ui": reader.interface,
            "greeting": greeting,
            **values,
        }


def _without_secrets(url: str) -> str:
    """Return a URL's scheme, host and path; the query and the user part may contain secrets."""
    parts = urlsplit(clean_line(url, 2000))
    return clean_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", _MAX_DETAIL)
