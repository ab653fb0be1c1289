"""The calendar file of planned work (iCalendar, RFC 5545; METHOD and SEQUENCE: RFC 5546)."""

from datetime import UTC
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from notifier.domain.incidents.platform_status import PublicTimeline
from notifier.domain.values import Status
from notifier.rendering.incident_view import Storyteller

_MAX_TEXT = 5_000  # bytes of the description


class CalendarFiles:
    """Renders calendar files. Thread-safe."""

    def __init__(self, view: Storyteller) -> None:
        self._view = view

    def render(self, timeline: PublicTimeline, *, sequence: int, locale: str) -> bytes | None:
        """Render the file of one incident; None if it has no window.

        The UID is the same in every language and after every move; `sequence` must grow with each
        move, and with the cancellation.
        """
        incident, window = timeline.incident, timeline.incident.window
        if window is None:
            return None
        reader = self._view.languages[locale]
        url = self._view.incident_url(incident.id, reader.tag)
        canceled = timeline.status is Status.CANCELED
        latest = timeline.updates[-1]
        text = self._view.entry(latest, reader, limit=_MAX_TEXT, previous=reader.tag).text
        event = Event()
        event.add("uid", f"{incident.id}@{urlsplit(url).hostname}")
        event.add("sequence", sequence)
        event.add("dtstamp", latest.posted_at.astimezone(UTC))
        event.add("last-modified", latest.posted_at.astimezone(UTC))
        event.add("dtstart", window.start.astimezone(UTC))
        if window.end is not None:
            event.add("dtend", window.end.astimezone(UTC))
        event.add("summary", self._view.title(incident, reader), parameters={"LANGUAGE": reader.tag})
        event.add("description", f"{text}\n\n{url}")
        event.add("url", url)
        event.add("status", "CANCELLED" if canceled else "CONFIRMED")
        event.add("transp", "TRANSPARENT")  # the reader is not busy
        calendar = Calendar()
        calendar.add("prodid", f"-//{self._view.brand_name(reader)}//incident-notifier//{reader.tag.upper()}")
        calendar.add("version", "2.0")
        calendar.add("method", "CANCEL" if canceled else "PUBLISH")
        calendar.add_component(event)
        return bytes(calendar.to_ical())
