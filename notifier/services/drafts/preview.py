"""Preview of a draft: what its readers would get, on top of what its incident has said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.incidents.notice import Notice
from notifier.domain.values import Channel, Platform, WebhookFormat
from notifier.rendering.text.counting import limit_of
from notifier.services.drafts.parser import DraftParser
from notifier.services.ports import Clock
from notifier.services.preview.render import Preview, notice_of
from notifier.storage.database.engine import Database
from notifier.storage.incidents import timeline
from notifier.storage.proposals import drafts

Json = Mapping[str, Any]


class PreviewChannel(StrEnum):
    """Where a preview is read: mail, one of the platforms, or a webhook."""

    EMAIL = "email"
    X = "x"
    MASTODON = "mastodon"
    BLUESKY = "bluesky"
    WEBHOOK = "webhook"

    @property
    def channel(self) -> Channel:
        """The channel whose notification is shown."""
        return Channel(self.value) if self in (PreviewChannel.EMAIL, PreviewChannel.WEBHOOK) else Channel.SOCIAL


@dataclass(frozen=True)
class DraftPreview:
    """Renders drafts as they would be sent."""

    database: Database
    clock: Clock
    parser: DraftParser
    preview: Preview
    locales: Sequence[str]

    def of(self, draft_id: str, where: PreviewChannel, locale: str) -> Json:
        """Return what a draft would look like: a mail's subject, HTML and text; a post and its count; a body.

        Raises:
            NotFoundError: There is no such draft.
            InvalidInputError: The locale is not offered, or the draft lacks something that a message needs.
        """
        if locale not in self.locales:
            message = f"unknown locale {locale!r}; offered: {', '.join(sorted(self.locales))}"
            raise InvalidInputError([FieldError("locale", message)])
        notice = self._notice(draft_id, where.channel)
        if where is PreviewChannel.EMAIL:
            return {"channel": where.value, "locale": locale, **self.preview.mail(notice, locale)}
        if where is PreviewChannel.WEBHOOK:
            body = orjson.loads(self.preview.webhook(notice, WebhookFormat.STANDARD))
            return {"channel": where.value, "locale": locale, "body": body}
        return {"channel": where.value, "locale": locale, **self._post(notice, Platform(where.value), locale)}

    def _post(self, notice: Notice, platform: Platform, locale: str) -> Json:
        text = self.preview.post(notice, platform, locale)["text"]
        limit = limit_of(platform)
        return {"text": text, "count": limit.measure(text), "limit": limit.most}

    def _notice(self, draft_id: str, channel: Channel) -> Notice:
        now = self.clock()
        with self.database.read() as connection:
            draft = drafts.find(connection, draft_id)
            if draft is None:
                raise NotFoundError("draft", draft_id)
            earlier = timeline.earlier(connection, draft.incident_id)
        return notice_of([self.parser.event_of(draft, now)], channel, now, earlier=earlier)
