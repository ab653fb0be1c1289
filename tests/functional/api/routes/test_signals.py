from datetime import UTC, datetime

from tests.functional.api.api_client import Api
from tests.functional.api.payloads import alert_group, an_alert

START = datetime(2026, 8, 1, 9, 57, 30, tzinfo=UTC)


def report(api: Api, name: str, status: str = "firing", source: str = "mon") -> str:
    group = alert_group(an_alert(status, at=START, fingerprint=name), groupKey=name)
    return str(api.post(f"/v1/inbound/alertmanager/{source}", json=group).json()["signal_id"])


def test_signals_are_listed_page_by_page_and_by_state_and_source(api_anywhere: Api) -> None:
    api = api_anywhere
    ids = [report(api, f"g{number}") for number in range(5)]
    report(api, "g0", "resolved")
    elsewhere = report(api, "x", source="elsewhere")
    seen, cursor = [], None
    while True:
        page = api.get("/v1/signals", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [elsewhere, *reversed(ids)]
    assert [item["id"] for item in api.get("/v1/signals?state=ended").json()["items"]] == [ids[0]]
    assert [item["id"] for item in api.get("/v1/signals?source=elsewhere").json()["items"]] == [elsewhere]
    assert api.get(f"/v1/signals/{ids[3]}").json()["state"] == "firing"
    assert api.get("/v1/signals/sig_none").status_code == 404


def test_an_ignored_signal_loses_its_draft_and_goes_on_ignored(api_anywhere: Api) -> None:
    api = api_anywhere
    signal = report(api, "a")
    ignored = api.post(f"/v1/signals/{signal}/ignore").json()
    assert (ignored["state"], ignored["reason"]) == ("ignored", "ignored by key:admin")
    assert api.post(f"/v1/signals/{signal}/ignore").json() == ignored
    assert api.get("/v1/drafts").json()["items"] == []
    report(api, "a", "resolved")
    assert api.get(f"/v1/signals/{signal}").json()["state"] == "ignored"
    assert api.get("/v1/drafts").json()["items"] == []
    assert [entry["action"] for entry in api.get("/v1/audit?object_kind=signal").json()["items"]] == ["signal.ignored"]


def test_an_ignored_signal_leaves_the_draft_to_the_others_that_fire(api_anywhere: Api) -> None:
    api = api_anywhere
    first, _ = report(api, "a"), report(api, "b")
    api.post(f"/v1/signals/{first}/ignore")
    assert len(api.get("/v1/drafts").json()["items"]) == 1


def test_a_persons_draft_for_a_signal_takes_the_place_of_the_suggested_one_and_gets_its_end(api_anywhere: Api) -> None:
    api = api_anywhere
    signal = report(api, "a")
    (suggested,) = api.get("/v1/drafts").json()["items"]
    mine = {"title": {"en": "Checkout is slow"}, "impact": "major"}
    update = {"status": "investigating", "body": {"en": "We are looking into it."}}
    draft = api.post("/v1/drafts", json={"signal_id": signal, "incident": mine, "update": update}).json()
    assert [item["id"] for item in api.get("/v1/drafts").json()["items"]] == [draft["id"]]
    assert api.get(f"/v1/drafts/{suggested['id']}").json()["reason"] == f"answered by {draft['id']}"
    api.post(f"/v1/drafts/{draft['id']}/publish", json={"version": 1})
    assert api.get(f"/v1/signals/{signal}").json()["incident_id"] == draft["incident"]["id"]
    report(api, "a", "resolved")
    (end,) = api.get("/v1/drafts").json()["items"]
    assert (end["incident"]["id"], end["update"]["status"]) == (draft["incident"]["id"], "resolved")


def test_a_draft_that_others_share_stays_when_a_person_answers_one_signal(api: Api) -> None:
    first, _ = report(api, "a"), report(api, "b")
    (shared,) = api.get("/v1/drafts").json()["items"]
    mine = api.post("/v1/drafts", json={"signal_id": first}).json()
    assert {item["id"] for item in api.get("/v1/drafts").json()["items"]} == {shared["id"], mine["id"]}
