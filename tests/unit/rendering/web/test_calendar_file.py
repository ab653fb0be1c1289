"""The calendar file, byte by byte where calendar programs look."""

from icalendar import Calendar

from notifier.domain.incidents.platform_status import PublicTimeline
from notifier.domain.values import Status
from notifier.rendering.renderer import Renderer
from tests.unit.rendering.samples import INCIDENT, MAINTENANCE, an_update


def file_of(renderer: Renderer, status: Status, locale: str = "nl") -> str:
    timeline = PublicTimeline(incident=MAINTENANCE, updates=[an_update(1, status=status)])
    found = renderer.calendar_file(timeline, sequence=2, locale=locale)
    assert found is not None
    Calendar.from_ical(found)
    return found.decode()


def test_times_are_in_utc_and_lines_end_as_the_rfc_says(renderer: Renderer) -> None:
    text = file_of(renderer, Status.SCHEDULED)
    assert f"DTSTART:{MAINTENANCE.scheduled_for:%Y%m%dT%H%M%SZ}\r\n" in text
    assert f"DTEND:{MAINTENANCE.scheduled_until:%Y%m%dT%H%M%SZ}\r\n" in text
    assert "SEQUENCE:2\r\n" in text
    assert "METHOD:PUBLISH\r\n" in text
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


def test_the_entry_is_the_same_in_every_language_and_canceled_by_the_cancellation(renderer: Renderer) -> None:
    texts = [file_of(renderer, Status.SCHEDULED, locale) for locale in ("nl", "en", "de", "fr")]
    texts.append(file_of(renderer, Status.CANCELED))
    uids = {line for text in texts for line in text.split("\r\n") if line.startswith("UID:")}
    assert len(uids) == 1
    assert "STATUS:CANCELLED\r\n" in texts[-1]
    assert "METHOD:CANCEL\r\n" in texts[-1]


def test_a_disruption_has_none(renderer: Renderer) -> None:
    timeline = PublicTimeline(incident=INCIDENT, updates=[an_update(1)])
    assert renderer.calendar_file(timeline, sequence=0, locale="nl") is None
