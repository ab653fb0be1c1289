"""Reports of a source that may not announce: one draft per outage, its end proposed, nobody notified."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifier.bootstrap.api_container import ApiContainer
from tests.functional.api.api_client import Api, Json
from tests.functional.api.payloads import alert_group, an_alert, statuspage, statuspage_update

START = datetime(2026, 8, 1, 9, 57, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock(container_anywhere: ApiContainer) -> Clock:
    found = Clock()
    container_anywhere.clock = found
    return found


@pytest.fixture
def api(clock: Clock, api_anywhere: Api) -> Api:
    """On each database, under a clock that the test moves."""
    del clock
    return api_anywhere


def report(api: Api, *alerts: Json, group: str = "g1", source: str = "mon", kind: str = "alertmanager") -> Json:
    answer = api.post(f"/v1/inbound/{kind}/{source}", json=alert_group(*alerts, groupKey=group))
    assert answer.status_code == 202, answer.text
    found: Json = answer.json()
    return found


def drafts(api: Api, state: str = "open") -> list[Json]:
    items: list[Json] = api.get("/v1/drafts", params={"state": state}).json()["items"]
    return items


def signals(api: Api, **query: Any) -> list[Json]:
    items: list[Json] = api.get("/v1/signals", params=query).json()["items"]
    return items


def publish(api: Api, draft: Json) -> Json:
    answer = api.post(f"/v1/drafts/{draft['id']}/publish", json={"version": draft["version"]})
    assert answer.status_code == 202, answer.text
    found: Json = answer.json()
    return found


def firing(fingerprint: str = "a", **labels: str) -> Json:
    return an_alert(at=START, fingerprint=fingerprint, **labels)


def resolved(fingerprint: str = "a", **labels: str) -> Json:
    return an_alert("resolved", at=START, fingerprint=fingerprint, **labels)


@pytest.mark.parametrize("kind", ["alertmanager", "grafana"])
def test_a_report_becomes_a_signal_and_a_draft_and_nobody_is_told(api: Api, kind: str) -> None:
    answer = report(api, firing(), kind=kind)
    assert (answer["outcome"], answer["incident_id"], answer["recipients"]) == ("recorded", None, 0)
    (signal,), (draft,) = signals(api), drafts(api)
    assert (signal["id"], signal["draft_id"]) == (answer["signal_id"], answer["draft_id"])
    assert (signal["state"], signal["source"], draft["source"]) == ("firing", "mon", "mon")
    assert draft["incident"]["components"] == [{"key": "checkout", "status": None}]
    assert set(draft["update"]["body"]) == {"nl", "en", "de", "fr"}
    assert "5 %" not in str((draft["incident"], draft["update"]))
    assert draft["incident"]["links"] == []
    assert api.get("/v1/incidents").json()["items"] == []
    assert api.get("/v1/notifications/held").json()["items"] == []


def test_a_repeat_changes_only_when_it_was_last_seen(api: Api, clock: Clock) -> None:
    report(api, firing())
    (before,), (draft,) = signals(api), drafts(api)
    clock.advance(minutes=5)
    report(api, firing())
    (after,) = signals(api)
    assert after["last_seen_at"] > before["last_seen_at"]
    assert after | {"last_seen_at": before["last_seen_at"]} == before
    assert drafts(api) == [draft]


def test_ten_groups_of_one_outage_are_one_draft(api: Api, clock: Clock) -> None:
    for number in range(10):
        report(api, firing(str(number)), group=f"g{number}", source=f"mon{number % 2}")
        clock.advance(seconds=5)
    assert len(drafts(api)) == 1
    assert len(signals(api)) == 10


def test_groups_of_other_components_are_drafts_of_their_own(api: Api) -> None:
    report(api, firing(component="checkout"))
    report(api, firing("b", component="api"), group="g2")
    assert len(drafts(api)) == 2


def test_what_begins_long_after_another_signal_is_a_draft_of_its_own(api: Api, clock: Clock) -> None:
    report(api, firing())
    clock.advance(minutes=11)
    report(api, firing("b"), group="g2")
    assert len(drafts(api)) == 2


def test_an_alert_that_goes_on_under_another_group_stays_with_its_signal_and_ends_it(api: Api) -> None:
    first = report(api, firing(), group="A")
    assert report(api, firing(), group="B")["signal_id"] == first["signal_id"]
    report(api, resolved(), group="C")
    (signal,) = signals(api)
    assert signal["state"] == "ended"


def test_a_partial_end_shrinks_the_draft(api: Api) -> None:
    report(api, firing("a", component="api"), firing("b", component="checkout"))
    report(api, resolved("a", component="api"), firing("b", component="checkout"))
    (signal,), (draft,) = signals(api), drafts(api)
    assert (signal["state"], draft["version"]) == ("firing", 2)
    assert [item["key"] for item in draft["incident"]["components"]] == ["checkout"]


def test_an_alert_that_vanishes_from_its_group_has_ended(api: Api) -> None:
    report(api, firing("a", component="api"), firing("b"))
    report(api, firing("b"))
    (draft,) = drafts(api)
    assert [item["key"] for item in draft["incident"]["components"]] == ["checkout"]


def test_what_ends_before_publication_is_discarded_and_opens_again_when_it_flaps(api: Api, clock: Clock) -> None:
    report(api, firing())
    clock.advance(minutes=2)
    report(api, resolved())
    assert drafts(api) == []
    (gone,) = drafts(api, "discarded")
    assert "before anybody was notified" in gone["reason"]
    clock.advance(minutes=2)
    report(api, an_alert(at=START + timedelta(minutes=4), fingerprint="a"))
    (again,) = drafts(api)
    assert again["id"] == gone["id"]
    assert again["version"] > gone["version"]
    assert len(signals(api)) == 1


def test_what_fires_long_after_its_end_is_another_signal(api: Api, clock: Clock) -> None:
    report(api, firing())
    report(api, resolved())
    clock.advance(minutes=11)
    report(api, an_alert(at=clock.now, fingerprint="a"))
    assert [signal["state"] for signal in signals(api)] == ["firing", "ended"]
    assert len(drafts(api)) == 1


def test_what_a_person_discarded_stays_so_while_it_fires(api: Api, clock: Clock) -> None:
    report(api, firing())
    api.delete(f"/v1/drafts/{drafts(api)[0]['id']}")
    clock.advance(minutes=1)
    report(api, firing(), firing("b", component="api"))
    assert drafts(api) == []


def test_a_person_who_edited_a_draft_keeps_their_words(api: Api) -> None:
    report(api, firing())
    (draft,) = drafts(api)
    patch = {"version": 1, "incident": {"title": {"en": "Payments fail"}}}
    edited = api.patch(f"/v1/drafts/{draft['id']}", json=patch).json()
    report(api, firing("b"), group="g2")
    (now,) = drafts(api)
    assert (now["version"], now["incident"]) == (edited["version"], edited["incident"])
    report(api, resolved())
    report(api, resolved("b"), group="g2")
    (kept,) = drafts(api)
    assert (kept["version"], "before anybody was notified" in kept["reason"]) == (edited["version"], True)
    publish(api, kept)
    (end,) = drafts(api)
    assert end["update"]["status"] == "resolved"


def test_the_end_of_a_published_incident_is_proposed_once(api: Api, clock: Clock) -> None:
    report(api, firing())
    report(api, firing("b"), group="g2", source="other-mon")
    incident = publish(api, drafts(api)[0])["incident_id"]
    report(api, resolved())
    assert drafts(api) == []
    clock.advance(minutes=5)
    report(api, resolved("b"), group="g2", source="other-mon")
    report(api, resolved("b"), group="g2", source="other-mon")
    (end,) = drafts(api)
    assert (end["incident"]["id"], end["update"]["status"]) == (incident, "resolved")
    assert end["after"] == api.get(f"/v1/incidents/{incident}").json()["updates"][-1]["id"]
    assert publish(api, end)["outcome"] == "accepted"
    shown = api.get(f"/v1/incidents/{incident}").json()
    assert (shown["status"], shown["components"][0]["status"]) == ("resolved", "operational")
    assert drafts(api) == []


def test_a_proposed_end_is_taken_back_when_it_fires_again_and_comes_back(api: Api, clock: Clock) -> None:
    report(api, firing())
    publish(api, drafts(api)[0])
    report(api, resolved())
    (end,) = drafts(api)
    clock.advance(minutes=1)
    report(api, an_alert(at=clock.now, fingerprint="a"))
    assert drafts(api) == []
    again = clock.now
    clock.advance(minutes=1)
    report(api, an_alert("resolved", at=again, fingerprint="a"))
    (back,) = drafts(api)
    assert back["id"] == end["id"]
    assert back["version"] > end["version"]


def test_a_person_who_refuses_an_end_is_asked_again_only_after_it_fired(api: Api, clock: Clock) -> None:
    report(api, firing())
    publish(api, drafts(api)[0])
    report(api, resolved())
    api.delete(f"/v1/drafts/{drafts(api)[0]['id']}")
    report(api, resolved())
    assert drafts(api) == []
    clock.advance(minutes=1)
    again = clock.now
    report(api, an_alert(at=again, fingerprint="a"))
    report(api, an_alert("resolved", at=again, fingerprint="a"))
    assert [draft["update"]["status"] for draft in drafts(api)] == ["resolved"]


def test_a_signal_joins_an_incident_that_a_person_has_opened_and_proposes_its_end(api: Api) -> None:
    event = {
        "id": "evt-1",
        "incident": {"id": "inc-1", "title": {"en": "Slow"}, "impact": "major", "components": ["checkout"]},
        "update": {"id": "upd-1", "status": "investigating", "body": {"en": "We are looking."}},
    }
    assert api.post("/v1/events", json=event).status_code == 202
    assert report(api, firing())["incident_id"] == "inc-1"
    assert drafts(api) == []
    report(api, resolved())
    (end,) = drafts(api)
    assert (end["incident"]["id"], end["update"]["status"]) == ("inc-1", "resolved")


@pytest.mark.parametrize("labels", [{"alertname": "Watchdog"}, {"severity": "none"}, {"alertname": "DatasourceError"}])
def test_what_is_no_disruption_is_a_signal_without_a_draft(api: Api, labels: dict[str, str]) -> None:
    answer = report(api, firing(**labels))
    assert (answer["draft_id"], "only recorded" in answer["reason"]) == (None, True)
    (signal,) = signals(api, state="ignored")
    assert signal["reason"] == answer["reason"]
    assert drafts(api) == []


def test_a_page_that_is_not_configured_makes_a_draft_with_its_own_words(api: Api) -> None:
    first = statuspage_update(1, "investigating", "We are looking.", at=START)
    answer = api.post("/v1/inbound/statuspage/elsewhere", json=statuspage(first)).json()
    assert (answer["outcome"], answer["incident_id"]) == ("recorded", None)
    (draft,) = drafts(api)
    assert draft["incident"]["title"]["en"] == "Elevated 5xx from the Amsterdam edge"
    assert draft["incident"]["links"] == ["https://stspg.io/1x2y3z4w5v6u"]
    publish(api, draft)
    fixed = statuspage_update(2, "monitoring", "A fix is in.", at=START + timedelta(minutes=3))
    api.post("/v1/inbound/statuspage/elsewhere", json=statuspage(first, fixed))
    (progress,) = drafts(api)
    assert (progress["update"]["status"], progress["update"]["body"]["en"]) == ("monitoring", "A fix is in.")
    solved = statuspage_update(3, "resolved", "Solved.", at=START + timedelta(minutes=9))
    api.post("/v1/inbound/statuspage/elsewhere", json=statuspage(first, fixed, solved))
    (end,) = drafts(api)
    assert (end["id"], end["update"]["status"]) == (progress["id"], "resolved")
    assert end["update"]["body"]["en"] == "Solved."
    publish(api, end)
    assert drafts(api) == []


def test_mode_record_proposes_nothing_and_a_template_gives_its_words(api_with: Callable[[str], Api]) -> None:
    api = api_with(
        """
[[sources]]
name = "quiet"
kind = "alertmanager"
mode = "record"
[[sources]]
name = "worded"
kind = "alertmanager"
template = "slow"
[[templates]]
name = "slow"
title = { en = "{components} slow", nl = "{components} traag" }
body = { en = "Seen by {source}", nl = "Gezien door {source}" }
"""
    )
    assert report(api, firing(), source="quiet")["draft_id"] is None
    report(api, firing(), source="worded")
    (draft,) = drafts(api)
    assert draft["incident"]["title"] == {"en": "Checkout slow", "nl": "Afrekenen traag"}
    assert draft["update"]["body"]["nl"] == "Gezien door worded"
    refused = api.post("/v1/inbound/grafana/worded", json=alert_group(firing()))
    assert refused.status_code == 422
