"""The status page: what runs, what was, what everybody may see, and its feed."""

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from httpx2 import Response
from icalendar import Calendar, Event
from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.web.status import preferred
from tests.functional.api.api_client import an_event, publish

ATOM = "{http://www.w3.org/2005/Atom}"


def publish_all(container: ApiContainer, *events: dict[str, Any]) -> None:
    for event in events:
        publish(container, event)


def feed_of(answer: Response) -> ET.Element:
    return ET.fromstring(answer.content)  # noqa: S314 - our own answer


@pytest.mark.parametrize(
    ("locale", "works", "wrong"),
    [
        ("nl", "Alles werkt", "Er is een storing"),
        ("en", "All systems operational", "There is a problem"),
        ("de", "Alles funktioniert", "Es gibt eine Störung"),
        ("fr", "Tout fonctionne", "Un incident est en cours"),
    ],
)
def test_the_status_follows_the_incidents(
    container: ApiContainer, reader: TestClient, locale: str, works: str, wrong: str
) -> None:
    for path in (f"/{locale}", f"/{locale}/", f"/{locale}/incidents", f"/{locale}/incidents/"):
        assert works in reader.get(path).text
    events = story.events()
    publish_all(container, events[0])
    page = reader.get(f"/{locale}/").text
    assert wrong in page
    assert f"/{locale}/incidents/{story.INCIDENT_ID}" in page
    assert 'class="major_outage"' in page
    publish_all(container, *events[1:])
    page = reader.get(f"/{locale}/").text
    assert works in page
    assert 'class="major_outage"' not in page
    assert story.INCIDENT_ID in page


@pytest.mark.parametrize("tag", ["es", "pt-BR", "nl_BE", "de-AT"])
def test_a_link_in_a_language_that_is_offered_no_more_is_answered_in_the_nearest_one(
    container: ApiContainer, reader: TestClient, tag: str
) -> None:
    publish_all(container, story.events()[0])
    near = {"nl_BE": "nl", "de-AT": "de"}.get(tag, "en")
    for path in ("", "/", "/incidents", f"/incidents/{story.INCIDENT_ID}", "/feed.atom"):
        asked, expected = reader.get(f"/{tag}{path}"), reader.get(f"/{near}{path}")
        assert (asked.status_code, asked.text) == (200, expected.text)
    assert reader.get(f"/{tag}/incidents/none").status_code == 404


@pytest.mark.parametrize("path", ["/zzz/", "/xx/incidents/inc-1", "/api/incidents/inc-1", "/v1/incidents/inc-1/none"])
def test_what_is_no_language_is_no_page(reader: TestClient, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code in (401, 404)
    assert answer.headers["content-type"] == "application/problem+json"


PLANNED = {"scheduled_for": "2031-01-01T02:00:00+01:00", "scheduled_until": "2031-01-01T04:00:00+01:00"}
LATER = {"scheduled_for": "2031-01-03T02:00:00+01:00", "scheduled_until": "2031-01-03T04:00:00+01:00"}


def test_page_list_and_feed_say_when_planned_work_is_and_from_when_it_was_moved(
    container: ApiContainer, reader: TestClient
) -> None:
    for number, window in enumerate((PLANNED, LATER), start=1):
        publish_all(container, an_event(number, incident=window, update={"status": "scheduled"}))
    dash = "\N{EN DASH}"
    was, now = f"1 januari 2031 02:00 {dash} 04:00 CET", f"3 januari 2031 02:00 {dash} 04:00 CET"
    page = reader.get("/nl/incidents/inc-1").text
    assert f"Verplaatst van {was} naar {now}" in page
    assert "Sinds" not in page
    assert "Ernst" not in page
    assert now in reader.get("/nl/").text
    contents = [
        entry.findtext(f"{ATOM}content") or "" for entry in feed_of(reader.get("/nl/feed.atom")).iter(f"{ATOM}entry")
    ]
    assert f"Verplaatst van {was} naar {now}" in contents[0]
    assert was in contents[1]


def test_a_promised_update_stands_on_the_page_and_in_the_api_until_it_is_over(
    container: ApiContainer, reader: TestClient
) -> None:
    promised = {"status": "identified", "next_update_at": "2031-01-01T02:00:00+01:00"}
    publish_all(container, an_event(1, update=promised))
    assert "Volgende update uiterlijk:" in reader.get("/nl/incidents/inc-1").text
    (update,) = container.history.incident("inc-1")["updates"]
    assert update["next_update_at"] == "2031-01-01T01:00:00Z"
    publish_all(
        container, an_event(1, update=promised | {"next_update_at": "2031-01-01T03:00:00+01:00"}) | {"id": "e2"}
    )
    (update,) = container.history.incident("inc-1")["updates"]
    assert update["next_update_at"] == "2031-01-01T02:00:00Z"
    publish_all(container, an_event(2, update={"status": "resolved"}))
    assert "Volgende update" not in reader.get("/nl/incidents/inc-1").text


def test_planned_work_that_is_called_off_belongs_to_the_past(container: ApiContainer, reader: TestClient) -> None:
    publish_all(container, an_event(1, incident=PLANNED, update={"status": "scheduled"}))
    publish_all(container, an_event(2, incident=PLANNED, update={"status": "canceled"}))
    own = reader.get("/nl/incidents/inc-1").text
    assert "Was gepland voor" in own
    assert '<article class="review">' in own  # neither done nor in trouble
    page = reader.get("/nl/").text
    assert '<li class="review">' in page
    assert "Gepland onderhoud" not in page
    assert "Geannuleerd" in page[page.index("Eerdere") :]


def test_planned_maintenance_is_told_and_harms_nothing_before_it_begins(
    container: ApiContainer, reader: TestClient
) -> None:
    incident = {
        "impact": "maintenance",
        "components": ["checkout"],
        "scheduled_for": "2031-01-01T02:00:00+01:00",
        "scheduled_until": "2031-01-01T04:00:00+01:00",
    }
    publish_all(container, an_event(incident=incident, update={"status": "scheduled"}))
    page = reader.get("/en/").text
    assert "All systems operational" in page
    assert "2031" in page
    publish_all(container, an_event(2, incident=incident, update={"status": "in_progress"}))
    page = reader.get("/en/").text
    assert "Maintenance is in progress" in page
    assert 'class="under_maintenance"' in page


def test_what_was_only_recorded_is_shown_and_what_is_hidden_is_not(container: ApiContainer, reader: TestClient) -> None:
    publish_all(container, an_event(1, notify=False), an_event(2) | {"visible": False})
    for path in ("/en/", "/en/incidents/inc-1", "/en/feed.atom"):
        text = reader.get(path).text
        assert "take 2" not in text
        assert "Payments are slow" in text
    publish_all(container, an_event(3, incident={"id": "inc-2"}) | {"visible": False})
    assert reader.get("/en/incidents/inc-2").status_code == 404
    assert "inc-2" not in reader.get("/en/").text + reader.get("/en/feed.atom").text


def test_the_feed_tells_each_update_once_and_is_not_sent_twice(container: ApiContainer, reader: TestClient) -> None:
    empty = reader.get("/nl/feed.atom")
    assert feed_of(empty).findall(f"{ATOM}entry") == []
    publish_all(container, *story.events())
    answer = reader.get("/nl/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = feed_of(answer)
    entries = feed.findall(f"{ATOM}entry")
    names = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(names) == len(set(names)) == len(story.events())
    times = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert times == sorted(times, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == times[0]
    again = reader.get("/nl/feed.atom", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_hostile_texts_stay_texts(container: ApiContainer, reader: TestClient) -> None:
    title = {"en": "<script>alert(1)</script> & ]]> \ufffe"}
    body = {"en": "<b>x</b> [y](javascript:z) \ufffe"}
    publish_all(container, an_event(incident={"title": title}, update={"body": body}))
    assert "<script" not in reader.get("/en/").text
    content = feed_of(reader.get("/en/feed.atom")).findtext(f"{ATOM}entry/{ATOM}content") or ""
    assert "javascript:" not in content.replace("(javascript:z)", "")
    assert "<script" not in content


def test_the_front_page_speaks_the_language_asked_for(reader: TestClient) -> None:
    answer = reader.get("/", headers={"accept-language": "fr-CH, fr;q=0.9, en;q=0.8"})
    assert 'lang="fr"' in answer.text
    assert answer.headers["vary"] == "Accept-Language"
    assert 'lang="en"' in reader.get("/", headers={"accept-language": "tlh, *;q=0.1, ;;;=x"}).text


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("nl", "nl"),
        ("de-AT;q=0.5, nl;q=0.9", "nl"),
        ("en;q=0, de", "de"),
        ("xx", None),
        ("", None),
        ("nl;q=٣", None),
        (",;=,q=1," * 500, None),
    ],
)
def test_a_language_is_chosen_by_liking(header: str, found: str | None) -> None:
    assert preferred(header, frozenset({"nl", "en", "de", "fr"})) == found


def test_public_pages_may_be_kept_for_a_moment_and_personal_ones_not(
    container: ApiContainer, reader: TestClient
) -> None:
    publish_all(container, an_event())
    for path in ("/en/", "/en/incidents/inc-1", "/en/feed.atom"):
        assert reader.get(path).headers["cache-control"] == "public, max-age=10"
    for path in ("/en/subscribe", "/unsubscribe/x", "/en/incidents/none"):
        assert reader.get(path).headers["cache-control"] == "no-store"


def calendar_of(answer: Response) -> Event:
    assert answer.headers["content-type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert isinstance(event, Event)
    return event


def test_the_calendar_file_follows_a_move_and_the_cancellation(container: ApiContainer, reader: TestClient) -> None:
    found = []
    steps = ((PLANNED, "scheduled"), (LATER, "scheduled"), (PLANNED, "scheduled"), (PLANNED, "canceled"))
    for number, (window, status) in enumerate(steps, start=1):
        publish_all(container, an_event(number, incident=window, update={"status": status}))
        found.append(calendar_of(reader.get("/nl/incidents/inc-1.ics")))
    assert len({event["UID"] for event in found}) == 1
    assert [int(str(event["SEQUENCE"])) for event in found] == [0, 1, 2, 3]
    assert [str(event["STATUS"]) for event in found] == ["CONFIRMED", "CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert found[0].start == datetime(2031, 1, 1, 1, 0, tzinfo=UTC)
    assert found[1].end == datetime(2031, 1, 3, 3, 0, tzinfo=UTC)
    assert b"METHOD:CANCEL\r\n" in reader.get("/nl/incidents/inc-1.ics").content


def test_an_edited_window_grows_the_sequence_of_the_calendar_file(container: ApiContainer, reader: TestClient) -> None:
    publish_all(container, an_event(1, incident=PLANNED, update={"status": "scheduled"}))
    edit = an_event(1, incident=LATER, update={"status": "scheduled"}) | {"id": "evt-edit"}
    publish_all(container, edit)
    assert int(str(calendar_of(reader.get("/en/incidents/inc-1.ics"))["SEQUENCE"])) > 0


def test_the_calendar_file_is_in_the_readers_language(container: ApiContainer, reader: TestClient) -> None:
    title = {"nl": "Verhuizing, deel 1", "en": "Move; part 1"}
    publish_all(container, an_event(1, incident=PLANNED | {"title": title}, update={"status": "scheduled"}))
    assert str(calendar_of(reader.get("/nl/incidents/inc-1.ics"))["SUMMARY"]) == "Verhuizing, deel 1"
    assert str(calendar_of(reader.get("/en/incidents/inc-1.ics"))["SUMMARY"]) == "Move; part 1"
    assert calendar_of(reader.get("/de-AT/incidents/inc-1.ics"))["UID"]


def test_a_disruption_and_what_is_unknown_have_no_calendar_file(container: ApiContainer, reader: TestClient) -> None:
    publish_all(container, story.events()[0])
    assert reader.get(f"/nl/incidents/{story.INCIDENT_ID}.ics").status_code == 404
    assert reader.get("/nl/incidents/none.ics").status_code == 404
