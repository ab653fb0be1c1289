"""The form of an update: what it begins with, what it refuses, and what it keeps."""

from urllib.parse import parse_qs, urlsplit

from starlette.testclient import TestClient

from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from tests.functional.api.api_client import publish
from tests.functional.web.console_client import a_draft, admin, flash_message, hidden


def test_an_update_begins_with_what_stands_and_keeps_when_it_began(
    container: ApiContainer, browser: TestClient
) -> None:
    publish(container, story.events()[0])
    query = f"?incident={story.INCIDENT_ID}"
    page = admin(container, browser).get(f"/console/compose{query}").text
    assert "Verminderde performance" in page
    answer = browser.post("/console/send", data=a_draft(browser, query) | {"status": "identified"})
    assert flash_message(browser, answer).startswith("accepted")
    stored = container.history.incident(story.INCIDENT_ID)
    assert stored["status"] == "identified"
    assert stored["started_at"] == "2022-06-21T06:34:00Z"


def parts_after(browser: TestClient, container: ApiContainer, form: dict[str, str]) -> dict[str, str]:
    """Send a form by way of its preview, and return the components as they then stand."""
    sent = browser.post("/console/send", data=hidden(browser.post("/console/preview", data=form).text))
    (incident_id,) = parse_qs(urlsplit(sent.headers["location"]).query)["id"]
    return {part["key"]: part["status"] for part in container.history.incident(incident_id)["components"]}


def test_the_end_sets_components_to_operational_unless_another_state_is_chosen_with_it(
    container: ApiContainer, browser: TestClient
) -> None:
    admin(container, browser)
    began = a_draft(browser) | {"component.checkout": "partial_outage", "component.api": "major_outage"}
    incident = began["incident_id"]
    assert parts_after(browser, container, began) == {
        "storefront": "major_outage",
        "checkout": "partial_outage",
        "api": "major_outage",
    }
    page = browser.get(f"/console/compose?incident={incident}").text
    stands = {"component.storefront": "major_outage", "component.checkout": "partial_outage"}
    end = hidden(page) | stands | {"title.en": "Outage", "body.en": "Solved.", "impact": "major", "notify": "yes"}
    end |= {"status": "resolved", "component.api": "degraded_performance"}
    read = browser.post("/console/preview", data=end).text
    assert "Partial outage" not in read
    again = browser.post("/console/preview", data=hidden(read) | {"step": "change"}).text
    assert "was.storefront" not in again  # what stands in the form now was chosen for this very update
    assert parts_after(browser, container, end) == {
        "storefront": "operational",
        "checkout": "operational",
        "api": "degraded_performance",
    }


def test_planned_work_is_refused_without_its_window_whatever_impact_was_chosen(
    container: ApiContainer, browser: TestClient
) -> None:
    admin(container, browser)
    form = a_draft(browser) | {"status": "scheduled", "impact": "minor"}
    refused = browser.post("/console/preview", data=form)
    assert refused.status_code == 422
    assert "incident.scheduled_for" in refused.text
    assert "incident.scheduled_until" in refused.text
    window = {"scheduled_for": "2030-03-08T03:00", "scheduled_until": "2030-03-08T05:00"}
    read = browser.post("/console/preview", data=form | window).text
    assert "8 March 2030 03:00" in read
    assert "Since" not in read
    assert "Minor impact" not in read
    browser.post("/console/send", data=hidden(read))
    later = {"scheduled_for": "2030-03-10T03:00", "scheduled_until": "2030-03-10T05:00"}
    update = a_draft(browser, f"?incident={form['incident_id']}") | {"status": "scheduled"} | later
    read = browser.post("/console/preview", data=update).text
    assert "Maintenance moved" in read
    assert "8 March 2030 03:00" in read
    assert "10 March 2030 03:00" in read


def test_what_is_at_fault_is_named_and_what_was_typed_is_kept(container: ApiContainer, browser: TestClient) -> None:
    draft = a_draft(admin(container, browser)) | {"status": "gone", "scheduled_for": "soon"}
    answer = browser.post("/console/preview", data=draft)
    assert answer.status_code == 422
    assert "incident.scheduled_for" in answer.text
    assert "We zoeken de oorzaak." in answer.text
    assert browser.post("/console/send", data=draft | {"scheduled_for": ""}).status_code == 422
    assert container.history.incidents(limit=1) == []
