"""Drafts and templates by the API: nobody is told, and nothing is shown, before one is published."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.api.api_client import Api

Json = dict[str, Any]
INCIDENT = {
    "title": {"en": "Checkout is slow", "nl": "Afrekenen is traag"},
    "impact": "major",
    "components": ["checkout"],
}
UPDATE = {"status": "investigating", "body": {"en": "We are looking into it.", "nl": "We zoeken het uit."}}


def a_subscriber(name: str, **changes: Any) -> Json:
    whole = {"external_id": name, "kind": "merchant", "email": f"{name}@shop.example", "locale": "nl"}
    return whole | {"timezone": "Europe/Amsterdam"} | changes


def a_draft(api: Api, **parts: Any) -> Json:
    made = api.post("/v1/drafts", json={"incident": INCIDENT, "update": UPDATE} | parts)
    assert made.status_code == 201, made.text
    found: Json = made.json()
    return found


def published(api: Api, draft: Json, **more: Any) -> Any:
    return api.post(f"/v1/drafts/{draft['id']}/publish", json={"version": draft["version"]} | more)


def test_nothing_is_shown_or_told_before_a_draft_is_published_and_then_it_is_the_event(api_anywhere: Api) -> None:
    api = api_anywhere
    draft = a_draft(api)
    incident_id = draft["incident"]["id"]
    assert (draft["state"], draft["version"], draft["author"]) == ("open", 1, "key:admin")
    assert api.get(f"/v1/incidents/{incident_id}").status_code == 404
    receipt = published(api, draft)
    assert receipt.status_code == 202
    assert (receipt.json()["outcome"], receipt.json()["incident_id"]) == ("accepted", incident_id)
    timeline = api.get(f"/v1/incidents/{incident_id}").json()
    assert timeline["title"] == INCIDENT["title"]
    assert api.get(f"/v1/drafts/{draft['id']}").json()["state"] == "published"
    actions = [entry["action"] for entry in api.get("/v1/audit").json()["items"]]
    assert {"draft.created", "draft.published", "event.published"} <= set(actions)


def test_publishing_twice_answers_the_same_and_makes_one_update(api_anywhere: Api) -> None:
    draft = a_draft(api_anywhere)
    first, again = published(api_anywhere, draft), published(api_anywhere, draft)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api_anywhere.get(f"/v1/incidents/{draft['incident']['id']}").json()["updates"]) == 1


def test_who_saw_an_older_version_neither_changes_nor_publishes(api_anywhere: Api) -> None:
    draft = a_draft(api_anywhere)
    path = f"/v1/drafts/{draft['id']}"
    changed = api_anywhere.patch(path, json={"version": 1, "update": {"body": {"en": "It is the bank."}}})
    assert changed.json()["version"] == 2
    assert changed.json()["update"]["body"] == {"en": "It is the bank.", "nl": "We zoeken het uit."}
    assert changed.headers["etag"] == '"2"'
    refused = api_anywhere.patch(path, json={"version": 1, "update": {"body": {"en": "No."}}})
    assert (refused.status_code, refused.json()["code"], refused.json()["version"]) == (409, "version_conflict", 2)
    assert published(api_anywhere, draft).status_code == 409
    by_header = api_anywhere.post(f"{path}/publish", headers={"If-Match": '"2"'})
    assert by_header.status_code == 202


def test_a_change_that_names_no_version_is_refused_by_name(api: Api) -> None:
    draft = a_draft(api)
    refused = api.patch(f"/v1/drafts/{draft['id']}", json={"notify": False})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "version")


def test_null_removes_a_part_and_what_is_missing_is_named_when_it_is_published(api: Api) -> None:
    draft = a_draft(api)
    patch = {"version": 1, "incident": {"impact": None}, "update": {"body": {"en": None, "nl": None}}}
    changed = api.patch(f"/v1/drafts/{draft['id']}", json=patch).json()
    refused = published(api, changed)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["errors"]] == ["incident.impact", "update.body"]
    assert api.get(f"/v1/drafts/{draft['id']}").json()["state"] == "open"


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"incident": {"components": ["till"]}}, "incident.components.0"),
        ({"incident": {"impact": "huge"}}, "incident.impact"),
        ({"incident": {"title": {"sv": "Hej"}}}, "incident.title.sv"),
        ({"update": {"colour": "red"}}, "update.colour"),
        ({"template": "none"}, "template"),
        ({"signal_id": "sig_none"}, "signal_id"),
        ({"incident": 3}, "incident"),
        ({"version": 1}, "version"),
    ],
)
def test_a_part_that_no_event_could_have_is_refused_by_name(api: Api, parts: Json, field: str) -> None:
    refused = api.post("/v1/drafts", json=parts)
    assert refused.status_code == 422
    assert field in [fault["field"] for fault in refused.json()["errors"]]
    assert api.get("/v1/drafts").json()["items"] == []


def test_ids_stay_and_are_not_removed(api: Api) -> None:
    draft = a_draft(api)
    refused = api.patch(f"/v1/drafts/{draft['id']}", json={"version": 1, "incident": {"id": None}, "update": None})
    assert {fault["field"] for fault in refused.json()["errors"]} == {"incident.id", "update"}


def test_a_draft_for_an_incident_of_ours_takes_what_it_leaves_out_from_it(api: Api) -> None:
    first = a_draft(api)
    published(api, first)
    incident_id = first["incident"]["id"]
    follow_up = a_draft(api, incident={"id": incident_id}, update={"status": "resolved", "body": {"en": "Over."}})
    assert follow_up["incident"]["title"] == INCIDENT["title"]
    assert published(api, follow_up).json()["incident_id"] == incident_id
    assert api.get(f"/v1/incidents/{incident_id}").json()["status"] == "resolved"


def test_a_draft_whose_incident_went_on_is_not_published_over_it(api: Api) -> None:
    first = a_draft(api)
    published(api, first)
    known = {"incident": {"id": first["incident"]["id"]}, "after": first["update"]["id"]}
    mine = a_draft(api, **known, update={"status": "resolved", "body": {"en": "Over."}})
    theirs = a_draft(api, **known, update={"status": "identified", "body": {"en": "It is the bank."}})
    assert published(api, theirs).status_code == 202
    refused = published(api, mine)
    assert (refused.status_code, refused.json()["newest"]["id"]) == (409, theirs["update"]["id"])
    assert api.get(f"/v1/drafts/{mine['id']}").json()["state"] == "open"


def test_a_discarded_draft_is_listed_by_its_state_and_never_published(api: Api) -> None:
    draft = a_draft(api)
    gone = api.delete(f"/v1/drafts/{draft['id']}").json()
    assert (gone["state"], gone["reason"]) == ("discarded", "discarded by key:admin")
    assert api.delete(f"/v1/drafts/{draft['id']}").status_code == 200
    assert published(api, draft).status_code == 409
    assert api.get("/v1/drafts").json()["items"] == []
    assert [item["id"] for item in api.get("/v1/drafts?state=discarded").json()["items"]] == [draft["id"]]


def test_drafts_are_paged_by_cursor(api: Api) -> None:
    made = [a_draft(api)["id"] for _ in range(3)]
    first = api.get("/v1/drafts?limit=2").json()
    rest = api.get(f"/v1/drafts?limit=2&cursor={first['next']}").json()
    assert [item["id"] for item in (*first["items"], *rest["items"])] == made[::-1]
    assert rest["next"] is None


def test_a_key_that_may_only_read_looks_and_changes_nothing(api: Api) -> None:
    draft = a_draft(api)
    headers = {"Authorization": f"Bearer {api.key('read')}"}
    assert api.get(f"/v1/drafts/{draft['id']}", headers=headers).status_code == 200
    assert api.post("/v1/drafts", json={}, headers=headers).status_code == 403
    assert api.post(f"/v1/drafts/{draft['id']}/publish", json={"version": 1}, headers=headers).status_code == 403


def test_the_guard_stands_before_a_published_draft_too(api_with: Callable[[str], Api]) -> None:
    api = api_with("[guard]\nneeds_announce = true\n")
    draft = a_draft(api)
    headers = {"Authorization": f"Bearer {api.key('publish', 'read')}"}
    receipt = api.post(f"/v1/drafts/{draft['id']}/publish", json={"version": 1}, headers=headers)
    assert receipt.json()["held"] is True


def test_reach_counts_channels_languages_quiet_hours_and_who_is_suppressed(api_anywhere: Api) -> None:
    api = api_anywhere
    always = {"quiet_hours": {"from": "00:00", "to": "23:59"}}
    people = [
        a_subscriber("nl-1"),
        a_subscriber("en-1", locale="en"),
        a_subscriber("quiet", preferences=always),
        a_subscriber("other", preferences={"components": ["pos"]}),
        a_subscriber("end-only", preferences={"updates": "resolution"}),
        a_subscriber("gone", state="suppressed"),
    ]
    for person in people:
        assert api.post("/v1/subscribers", json=person).status_code == 201
    draft = a_draft(api)
    found = api.get(f"/v1/drafts/{draft['id']}/reach").json()
    mail = found["channels"]["email"]
    assert (mail["recipients"], mail["locales"]) == (3, {"en": 1, "nl": 2})
    assert mail["suppressed"] == 1
    assert mail["quiet_hours"] in (0, 1)  # one minute of the day is not quiet
    assert found["recipients"] == sum(each["recipients"] for each in found["channels"].values())
    assert found["recipients"] == published(api, draft).json()["recipients"]


def test_a_silent_draft_reaches_nobody(api: Api) -> None:
    api.post("/v1/subscribers", json=a_subscriber("nl-1"))
    draft = a_draft(api, notify=False)
    assert api.get(f"/v1/drafts/{draft['id']}/reach").json()["recipients"] == 0
    assert published(api, draft).json()["outcome"] == "recorded"


def test_a_preview_is_what_would_be_sent(api: Api) -> None:
    draft = a_draft(api)
    path = f"/v1/drafts/{draft['id']}/preview"
    mail = api.get(f"{path}?channel=email&locale=nl").json()
    assert "Afrekenen is traag" in mail["subject"]
    assert "We zoeken het uit." in mail["text"]
    assert "<html" in mail["html"]
    post = api.get(f"{path}?channel=x&locale=en").json()
    assert 0 < post["count"] <= post["limit"] == 280
    body = api.get(f"{path}?channel=webhook").json()["body"]
    assert body["data"]["incident"]["id"] == draft["incident"]["id"]
    refused = api.get(f"{path}?locale=sv")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "locale")


def test_a_template_fills_a_draft_in_every_language_and_what_is_given_wins(api: Api) -> None:
    template = {
        "name": "Bank",
        "title": {"en": "Trouble at the bank", "nl": "Storing bij de bank"},
        "body": {"en": "Affected: {components}.", "nl": "Getroffen: {components}."},
        "impact": "minor",
        "components": ["checkout"],
    }
    made = api.post("/v1/templates", json=template)
    assert made.status_code == 201
    draft = api.post("/v1/drafts", json={"template": made.json()["id"], "incident": {"impact": "major"}}).json()
    assert draft["incident"]["title"] == template["title"]
    assert draft["update"]["body"] == {"en": "Affected: Checkout.", "nl": "Getroffen: Afrekenen."}
    assert (draft["incident"]["impact"], draft["template"]) == ("major", made.json()["id"])
    assert published(api, draft).json()["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"body": {"en": "{customer}"}}, "body.en"),
        ({"title": {"sv": "Hej"}}, "title.sv"),
        ({"components": ["till"]}, "components.0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_template_is_refused_by_name(api: Api, change: Json, field: str) -> None:
    template = {"name": "Bank", "title": {"en": "T"}, "body": {"en": "B"}} | change
    refused = api.post("/v1/templates", json=template)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


def test_templates_are_changed_removed_and_those_of_the_file_are_left_alone(api_with: Callable[[str], Api]) -> None:
    api = api_with('[[templates]]\nname = "own"\ntitle = { en = "T" }\nbody = { en = "B" }\n')
    made = api.post("/v1/templates", json={"name": "Bank", "title": {"en": "T"}, "body": {"en": "B"}}).json()
    changed = api.patch(f"/v1/templates/{made['id']}", json={"title": {"nl": "Titel"}, "impact": "major"}).json()
    assert (changed["title"], changed["impact"]) == ({"en": "T", "nl": "Titel"}, "major")
    assert [item["id"] for item in api.get("/v1/templates").json()["items"]] == ["own", made["id"]]
    assert api.patch("/v1/templates/own", json={"name": "x"}).status_code == 409
    assert api.delete("/v1/templates/own").status_code == 409
    assert api.delete(f"/v1/templates/{made['id']}").status_code == 204
    assert api.get(f"/v1/templates/{made['id']}").status_code == 404


def test_placeholders_without_a_signal_take_what_the_draft_itself_says(api: Api) -> None:
    body = {"en": "{components}, {link}, {time}"}
    made = api.post("/v1/templates", json={"name": "Bank", "title": {"en": "T"}, "body": body}).json()
    incident = {"components": ["api"], "links": ["https://bank.example"], "started_at": "2026-12-01T09:00:00+01:00"}
    draft = api.post("/v1/drafts", json={"template": made["id"], "incident": incident}).json()
    assert draft["update"]["body"]["en"] == "API, https://bank.example, 1 December 2026 09:00 CET"
