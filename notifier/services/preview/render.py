"""Preview an event's messages without sending or storing anything."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.errors import FieldError, InvalidInputError
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.notice import AnnouncedWindow, Notice, NoticeUpdate
from notifier.domain.incidents.snapshot import Earlier, complete
from notifier.domain.messages.brand import Account, Brand
from notifier.domain.values import Channel, Platform, WebhookFormat
from notifier.rendering.cards.card_words import CardWords
from notifier.rendering.renderer import Renderer


def notice_of(events: Sequence[Event], channel: Channel, now: datetime, *, earlier: Sequence[Earlier] = ()) -> Notice:
    """Return the notification for the last of these events, as if each was announced separately.

    Args:
        events: Updates of one incident, in any order.
        channel: The notification's channel.
        now: Aware UTC instant of the decision.
        earlier: The existing timeline in order of posting, already sent to readers.

    Raises:
        InvalidInputError: the events belong to more than one incident.
    """
    ordered = _completed(sorted(events, key=lambda event: event.update.ordered_at), earlier)
    incidents = {event.incident.id for event in ordered}
    if len(incidents) > 1:
        raise InvalidInputError([FieldError("incident.id", "a preview shows one incident at a time")])
    last, was = ordered[-1], ordered[0].incident.moved_from
    first = 2 if earlier and not earlier[-1].status.is_over else 1  # sequence of the first of these
    return Notice(
        id="ntf_preview",
        channel=channel,
        sequence=first + len(ordered) - 1,
        incident=last.incident,
        updates=tuple(NoticeUpdate.of(event, number) for number, event in enumerate(ordered, start=first)),
        opens=(first, len(ordered)) == (1, 1),
        closes=last.update.status.closes,
        created_at=now,
        windows=(
            *((AnnouncedWindow(first - 1, was),) if was is not None else ()),
            *(
                AnnouncedWindow(number, event.incident.window)
                for number, event in enumerate(ordered, start=first)
                if event.incident.window is not None
            ),
        ),
    )


def _completed(ordered: Sequence[Event], earlier: Sequence[Earlier]) -> list[Event]:
    """Return the events as they would be stored one after another."""
    stored: list[Event] = []
    for event in ordered:
        stored.append(complete(event, [*earlier, *map(Earlier.of, stored)]))
    return stored


@dataclass(frozen=True)
class Preview:
    """Renders a notification for an example reader; nothing is stored or sent."""

    renderer: Renderer
    brand: Brand
    public_url: str

    def mail(self, notice: Notice, locale: str, *, since: int | None = None) -> dict[str, str]:
        """Return `subject`, `text` and `html` for a reader in the brand's time zone.

        `since`: sequence of the last notification that the reader got; by default the previous one.
        """
        rendered = self.renderer.mail(notice, locale=locale, since=_since(notice, since))
        reader = self.renderer.personal(
            rendered,
            delivery_id="dlv_preview",
            address="reader@example.com",
            name="Jansen",
            timezone=self.brand.timezone,
            unsubscribe_url=f"{self.public_url}/unsubscribe/preview",
            preferences_url=f"{self.public_url}/preferences/preview",
        )
        content = rendered.content
        return {
            "subject": content.subject,
            "text": _filled(content.text, reader.substitutions),
            "html": _filled(content.html, reader.substitutions),
        }

    def post(self, notice: Notice, platform: Platform, locale: str, *, since: int | None = None) -> dict[str, str]:
        """Return the `text` of a post on a platform."""
        account = Account(name="preview", platform=platform, locale=locale)
        return {"text": self.renderer.post_text(notice, account, _since(notice, since)).text}

    def card(self, notice: Notice, locale: str) -> CardWords:
        """Return the text of the card attached to a post."""
        return self.renderer.card(notice, locale, notice.sequence - 1)

    def webhook(self, notice: Notice, form: WebhookFormat, *, since: int | None = None) -> bytes:
        """Return the body for partners."""
        return self.renderer.webhook_body(notice, form, _since(notice, since))


def _since(notice: Notice, since: int | None) -> int:
    return notice.sequence - 1 if since is None else since


def _filled(text: str, substitutions: Mapping[str, str]) -> str:
    """Substitute tags as a mail provider does: longest first, without recursion."""
    if not substitutions:
        return text
    pattern = re.compile("|".join(re.escape(tag) for tag in sorted(substitutions, key=len, reverse=True)))
    return pattern.sub(lambda found: substitutions[found[0]], text)
