"""Webhook bodies: built once per notice, format and `since`, as bytes, in all languages."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from notifier.domain.incidents.incident import Incident, Window
from notifier.domain.incidents.notice import Notice, NoticeUpdate, webhook_type
from notifier.domain.values import WebhookFormat, WebhookType
from notifier.rendering.incident_view import Storyteller
from notifier.rendering.text.markup import line_without_markup, without_markup
from notifier.rendering.webhook.statuspage import statuspage_payload

_CONTENT_TYPES: Mapping[str, str] = {WebhookFormat.CLOUDEVENTS: "application/cloudevents+json; charset=utf-8"}


def content_type(format_: str) -> str:
    """Return the media type of a `WebhookFormat` (or its string value)."""
    return _CONTENT_TYPES.get(format_, "application/json")


class PayloadBuilder:
    """Builds the bodies of all formats. Thread-safe."""

    def __init__(self, view: Storyteller, public_url: str) -> None:
        self._view = view
        self._public_url = public_url.rstrip("/")

    def body(self, notice: Notice, format_: WebhookFormat, since: int, *, is_replay: bool) -> bytes:
        """Build the body for endpoints last reached by notification `since` (0: none)."""
        if format_ is WebhookFormat.STATUSPAGE:
            return dump(statuspage_payload(notice, self._view, self._public_url))
        kind, data = webhook_type(notice), self._data(notice, since, is_replay=is_replay)
        if format_ is WebhookFormat.STANDARD:
            return dump({"type": kind.value, "timestamp": rfc3339(notice.created_at), "data": data})
        event = self._cloud_event(kind, notice.id, notice.created_at, data, notice.incident.id)
        return dump({**event, "sequence": f"{notice.sequence:010d}"})  # compared as a string

    def test_body(self, format_: WebhookFormat, test_id: str, now: datetime) -> bytes:
        """Build the body of an `endpoint.test` message, which is about no incident."""
        data = {"message": "This is a test. No incident is behind it.", "id": test_id}
        if format_ is WebhookFormat.CLOUDEVENTS:
            return dump(self._cloud_event(WebhookType.TEST, test_id, now, data, None))
        return dump({"type": WebhookType.TEST.value, "timestamp": rfc3339(now), "data": data})

    def _cloud_event(
        self, kind: WebhookType, event_id: str, at: datetime, data: object, subject: str | None
    ) -> dict[str, Any]:
        """Wrap data as CloudEvents 1.0, structured content mode (section 3 of its JSON format)."""
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": self._public_url,
            "type": kind.value,
            "time": rfc3339(at),
            "datacontenttype": "application/json",
            "data": data,
        }
        return event if subject is None else {**event, "subject": subject}

    def _data(self, notice: Notice, since: int, *, is_replay: bool) -> dict[str, Any]:
        return {
            "sequence": notice.sequence,
            "notification_id": notice.id,
            "incident": self._incident(notice.incident, notice, notice.moved_from(since)),
            "updates": [self._update(update) for update in notice.updates_since(since)],
            "is_replay": is_replay,
        }

    def _incident(self, incident: Incident, notice: Notice, was: Window | None) -> dict[str, Any]:
        brand = self._view.brand
        return {
            "id": incident.id,
            "title": {tag: line_without_markup(text) for tag, text in incident.title.items()},
            "status": notice.lead.status.value,
            "impact": incident.impact.value,
            "components": [
                {"key": component.key, "status": component.status.value if component.status else None}
                for component in incident.components
            ],
            "components_known": incident.components_known,
            "started_at": rfc3339(incident.started_at),
            "scheduled_for": rfc3339(incident.scheduled_for),
            "scheduled_until": rfc3339(incident.scheduled_until),
            "previous_scheduled_for": rfc3339(was.start if was else None),
            "previous_scheduled_until": rfc3339(was.end if was else None),
            "links": list(incident.links),
            "url": {locale: self._view.incident_url(incident.id, locale) for locale in brand.locales},
        }

    @staticmethod
    def _update(update: NoticeUpdate) -> dict[str, Any]:
        return {
            "id": update.id,
            "status": update.status.value,
            "impact": update.impact.value,
            "body": {tag: without_markup(text) for tag, text in update.body.items()},
            "posted_at": rfc3339(update.posted_at),
            "next_update_at": rfc3339(update.next_update_at),
            "sequence": update.sequence,
        }


def rfc3339(instant: datetime | None) -> str | None:
    """Format an aware time in UTC with milliseconds: `2022-06-21T06:36:00.000Z`."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def dump(payload: object) -> bytes:
    """Serialise to JSON; replace lone surrogates, which UTF-8 cannot encode, rather than fail."""
    try:
        return orjson.dumps(payload)
    except orjson.JSONEncodeError:
        return orjson.dumps(_without_surrogates(payload))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
