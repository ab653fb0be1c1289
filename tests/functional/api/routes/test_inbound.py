from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from notifier.rendering.text.markdown import to_text
from notifier.services.public_pages.incident import PublicIncident
from notifier.services.public_pages.status import PublicStatus
from notifier.storage import tables as t
from tests.functional.api.api_client import Api, an_event, faults
from tests.functional.api.payloads import COMPONENT_NEWS, statuspage, statuspage_update

START = datetime.now(UTC) - timedelta(hours=1)
FIRST = statuspage_update(1, "investigating", "We are looking into elevated errors.", at=START)
SECOND = statuspage_update(
    2, "identified", "A faulty line card was found.\r\nTraffic is <b>moved</b>.", at=START + timedelta(minutes=4)
)
THIRD = statuspage_update(3, "resolved", "Fixed.", at=START + timedelta(minutes=20))
CLOUD = "/v1/inbound/statuspage/cloud"
INCIDENT = "/v1/incidents/cloud.p31zjtct2jer"


def outcomes(api: Api) -> list[tuple[str, str]]:
    return [(item["status"], item["outcome"]) for item in api.get(INCIDENT).json()["updates"]]


def announced_updates(api: Api) -> list[list[str]]:
    items = api.get(f"{INCIDENT}/notifications").json()["items"]
    return [item["update_ids"] for item in items if item["channel"] == "email"]


def test_a_new_incident_is_announced(api_anywhere: Api) -> None:
    answer = api_anywhere.post(CLOUD, json=statuspage(FIRST))
    assert answer.status_code == 202
    told = answer.json()
    assert (told["outcome"], told["incident_id"], told["update_id"]) == (
        "accepted",
        "cloud.p31zjtct2jer",
        "update000001",
    )
    shown = api_anywhere.get(INCIDENT).json()
    assert (shown["title"], shown["impact"]) == ({"en": "Elevated 5xx from the Amsterdam edge"}, "major")
    assert shown["components"] == []
    assert shown["links"] == ["https://stspg.io/1x2y3z4w5v6u"]


def test_the_first_sight_of_a_running_incident_announces_no_history(api_anywhere: Api) -> None:
    told = api_anywhere.post(CLOUD, json=statuspage(FIRST, SECOND)).json()
    assert (told["outcome"], told["earlier_updates"]) == ("accepted", 1)
    assert outcomes(api_anywhere) == [("investigating", "recorded"), ("identified", "accepted")]
    assert announced_updates(api_anywhere) == [["update000002"]]


def test_an_incident_is_followed_to_its_end(api: Api) -> None:
    for timeline in ((FIRST,), (FIRST, SECOND), (FIRST, SECOND, THIRD)):
        told = api.post(CLOUD, json=statuspage(*timeline)).json()
        assert (told["outcome"], told["earlier_updates"]) == ("accepted", 0)
    assert outcomes(api) == [("investigating", "accepted"), ("identified", "accepted"), ("resolved", "accepted")]


def test_a_webhook_that_comes_again_changes_nothing(api_anywhere: Api) -> None:
    for _ in range(3):
        api_anywhere.post(CLOUD, json=statuspage(FIRST, SECOND))
    assert api_anywhere.post(CLOUD, json=statuspage(FIRST, SECOND)).json()["outcome"] == "duplicate"
    assert len(outcomes(api_anywhere)) == 2
    assert len(announced_updates(api_anywhere)) == 1


def test_a_webhook_that_was_overtaken_is_a_duplicate(api: Api) -> None:
    api.post(CLOUD, json=statuspage(FIRST, SECOND))
    assert api.post(CLOUD, json=statuspage(FIRST)).json()["outcome"] == "duplicate"


def test_words_edited_in_place_are_kept_and_not_announced(api: Api) -> None:
    api.post(CLOUD, json=statuspage(FIRST))
    later = (START + timedelta(minutes=2)).isoformat()
    edited = FIRST | {"body": "We are looking into elevated 5xx errors.", "updated_at": later}
    assert api.post(CLOUD, json=statuspage(edited)).json()["outcome"] == "recorded"
    (update,) = api.get(INCIDENT).json()["updates"]
    assert (update["revision"], update["body"]["en"]) == (2, "We are looking into elevated 5xx errors.")


def test_an_end_that_is_dated_back_is_told_with_its_own_words_and_shown_last(api_anywhere: Api) -> None:
    api = api_anywhere
    fixed = statuspage_update(2, "monitoring", "A fix is in.", at=START + timedelta(minutes=20))
    shown_at = START + timedelta(minutes=10)
    solved = statuspage_update(
        3, "resolved", "All solved at ten past.", at=START + timedelta(minutes=30), display_at=shown_at.isoformat()
    )
    api.post(CLOUD, json=statuspage(FIRST, fixed))
    told = api.post(CLOUD, json=statuspage(FIRST, fixed, solved)).json()
    assert (told["outcome"], told["update_id"]) == ("accepted", "update000003")
    updates = api.get(INCIDENT).json()["updates"]
    assert [(item["id"], item["status"]) for item in updates[1:]] == [
        ("update000002", "monitoring"),
        ("update000003", "resolved"),
    ]
    assert datetime.fromisoformat(updates[-1]["posted_at"]) == shown_at
    assert api.get(INCIDENT).json()["status"] == "resolved"
    assert announced_updates(api) == [["update000002"], ["update000003"]]
    page = PublicIncident(api.container.database, api.container.renderer).page(INCIDENT.rpartition("/")[2], "en")
    assert page.index("All solved at ten past.") < page.index("A fix is in.")
    feed = PublicStatus(api.container.database, api.container.renderer).feed("en").decode()
    assert feed.index("All solved at ten past.") < feed.index("A fix is in.")
    assert api.post(CLOUD, json=statuspage(FIRST, fixed, solved)).json()["outcome"] == "duplicate"


def test_an_edit_that_changes_facts_and_the_time_shown_is_told_and_keeps_its_place(api_anywhere: Api) -> None:
    api = api_anywhere
    api.post(CLOUD, json=statuspage(FIRST))
    shown_at = START + timedelta(minutes=15)
    edited = FIRST | {"display_at": shown_at.isoformat(), "updated_at": shown_at.isoformat()}
    assert api.post(CLOUD, json=statuspage(edited, impact="critical")).json()["outcome"] == "accepted"
    told = api.post(CLOUD, json=statuspage(edited, SECOND, impact="critical")).json()
    assert (told["outcome"], told["earlier_updates"]) == ("accepted", 0)
    updates = api.get(INCIDENT).json()["updates"]
    assert [item["id"] for item in updates] == ["update000001", "update000002"]
    assert datetime.fromisoformat(updates[0]["posted_at"]) == shown_at


@pytest.mark.parametrize(("incident", "update"), [({"backfilled": True}, {}), ({}, {"deliver_notifications": False})])
def test_what_the_page_itself_kept_quiet_is_recorded(
    api: Api, incident: dict[str, Any], update: dict[str, Any]
) -> None:
    assert api.post(CLOUD, json=statuspage(FIRST | update, **incident)).json()["outcome"] == "recorded"
    assert announced_updates(api) == []


def test_html_of_a_page_becomes_markdown(api: Api) -> None:
    api.post(CLOUD, json=statuspage(SECOND))
    (update,) = api.get(INCIDENT).json()["updates"]
    assert to_text(update["body"]["en"]) == "A faulty line card was found.\nTraffic is moved."
    assert update["body"]["en"].endswith("Traffic is **moved**.")


def test_maintenance_is_maintenance(api: Api) -> None:
    window = {
        "impact": "maintenance",
        "scheduled_for": "2026-12-01T01:00:00-06:00",
        "scheduled_until": "2026-12-01T03:00:00-06:00",
    }
    planned = statuspage_update(1, "scheduled", "We will replace a router.", at=START)
    assert api.post(CLOUD, json=statuspage(planned, **window)).json()["outcome"] == "accepted"
    shown = api.get(INCIDENT).json()
    assert (shown["impact"], shown["scheduled_for"]) == ("maintenance", "2026-12-01T07:00:00Z")


def test_a_page_that_names_none_of_our_components_claims_nothing_about_any(api_anywhere: Api) -> None:
    api = api_anywhere
    api.post(CLOUD, json=statuspage(FIRST))
    end = an_event(incident={"id": "cloud.p31zjtct2jer", "components": []}, update={"status": "resolved"})
    assert api.post("/v1/events", json=end).json()["outcome"] == "accepted"
    with api.container.database.read() as connection:
        said = connection.execute(select(t.incident_update.c.incident).order_by(t.incident_update.c.number)).scalars()
        assert [(item["components"], item["components_known"]) for item in said] == [([], False)] * 2
    page = PublicIncident(api.container.database, api.container.renderer).page("cloud.p31zjtct2jer", "en")
    assert "The whole platform" not in page


MOVED = {
    "impact": "maintenance",
    "scheduled_for": "2026-12-03T01:00:00-06:00",
    "scheduled_until": "2026-12-03T03:00:00-06:00",
}


def test_a_window_that_its_page_corrects_without_an_update_is_told_as_moved(api_anywhere: Api) -> None:
    api = api_anywhere
    first = MOVED | {"scheduled_for": "2026-12-01T01:00:00-06:00", "scheduled_until": "2026-12-01T03:00:00-06:00"}
    planned = statuspage_update(1, "scheduled", "We will replace a router.", at=START)
    api.post(CLOUD, json=statuspage(planned, **first))
    assert api.post(CLOUD, json=statuspage(planned, **first)).json()["outcome"] == "duplicate"
    assert api.post(CLOUD, json=statuspage(planned, **MOVED)).json()["outcome"] == "accepted"
    assert api.post(CLOUD, json=statuspage(planned, **MOVED)).json()["outcome"] == "duplicate"
    (update,) = api.get(INCIDENT).json()["updates"]
    assert (update["scheduled_for"], update["previous_scheduled_for"]) == (
        "2026-12-03T07:00:00Z",
        "2026-12-01T07:00:00Z",
    )


def test_a_postmortem_of_maintenance_is_one_of_maintenance_whatever_its_page_calls_it(api: Api) -> None:
    planned = statuspage_update(1, "scheduled", "We will replace a router.", at=START)
    done = statuspage_update(2, "completed", "Done.", at=START + timedelta(minutes=5))
    api.post(CLOUD, json=statuspage(planned, **MOVED))
    api.post(CLOUD, json=statuspage(planned, done, **MOVED))
    after = statuspage_update(3, "postmortem", "What we learned.", at=START + timedelta(minutes=9))
    told = api.post(CLOUD, json=statuspage(planned, done, after, impact="none"))
    assert told.json()["outcome"] == "accepted"
    shown = api.get(INCIDENT).json()
    assert (shown["status"], shown["impact"]) == ("postmortem", "maintenance")
    assert shown["scheduled_for"] == "2026-12-03T07:00:00Z"


def test_a_disruption_that_its_page_calls_maintenance_makes_no_claim_of_severity(api: Api) -> None:
    assert api.post(CLOUD, json=statuspage(FIRST, impact="maintenance")).json()["outcome"] == "accepted"
    assert api.get(INCIDENT).json()["impact"] == "none"


def test_maintenance_whose_page_says_no_time_is_recorded_and_says_why(api: Api) -> None:
    planned = statuspage_update(1, "scheduled", "We will replace a router.", at=START)
    told = api.post(CLOUD, json=statuspage(planned, impact="maintenance")).json()
    assert told["outcome"] == "recorded"
    assert "neither a start nor an end of the planned work" in told["reason"]


def test_components_that_are_ours_by_name_are_ours(api: Api) -> None:
    ours = [{"code": "x", "name": "Shop - Webwinkel", "old_status": "operational", "new_status": "major_outage"}]
    api.post(CLOUD, json=statuspage(FIRST | {"affected_components": ours}))
    assert api.get(INCIDENT).json()["components"] == [{"key": "storefront", "status": "major_outage"}]


def test_a_page_in_another_language_says_so_in_its_address(api: Api) -> None:
    api.post(f"{CLOUD}?locale=nl", json=statuspage(FIRST))
    assert list(api.get(INCIDENT).json()["title"]) == ["nl"]
    assert list(faults(api.post(f"{CLOUD}?locale=xx", json=statuspage(FIRST)))) == ["locale"]


def test_two_pages_with_one_id_are_two_incidents(api: Api) -> None:
    api.post(CLOUD, json=statuspage(FIRST))
    told = api.post("/v1/inbound/statuspage/other", json=statuspage(FIRST)).json()
    assert (told["outcome"], told["incident_id"]) == ("accepted", "other.p31zjtct2jer")


def test_a_component_by_itself_is_recorded_once(api_anywhere: Api) -> None:
    first = api_anywhere.post(CLOUD, json=COMPONENT_NEWS)
    assert (first.status_code, first.json()["outcome"], first.json()["incident_id"]) == (202, "recorded", None)
    assert api_anywhere.post(CLOUD, json=COMPONENT_NEWS).json()["outcome"] == "duplicate"
    assert api_anywhere.get("/v1/incidents").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "body"),
        (b"{}", 422, "incident"),
        (b"[]", 422, "body"),
        (b'{"incident": {"id": "a b", "name": "x", "status": "gone"}}', 422, "incident.status"),
    ],
)
def test_what_is_no_webhook_is_refused_by_name(api: Api, body: bytes, status: int, field: str) -> None:
    answer = api.post(CLOUD, content=body)
    assert answer.status_code == status
    assert field in faults(answer)


@pytest.mark.parametrize("source", ["Cloud", "-cloud", "a.b", "x" * 65, "é"])
def test_a_source_needs_a_plain_name(api: Api, source: str) -> None:
    answer = api.post(f"/v1/inbound/statuspage/{source}", json=statuspage(FIRST))
    assert list(faults(answer)) == ["source"]
