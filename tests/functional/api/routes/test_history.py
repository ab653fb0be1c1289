import logging
from collections import Counter

import pytest

from notifier.domain.values import DeliveryState
from tests.functional.api.api_client import Api, a_subscriber, an_event, announced, deliveries_of, faults, plan_all


def test_an_incident_is_shown_with_its_timeline_oldest_first(api_anywhere: Api) -> None:
    api_anywhere.post("/v1/events", json=an_event(1))
    api_anywhere.post("/v1/events", json=an_event(2, update={"status": "identified"}))
    shown = api_anywhere.get("/v1/incidents/inc-1").json()
    assert (shown["status"], shown["impact"]) == ("identified", "major")
    assert [update["id"] for update in shown["updates"]] == ["upd-1", "upd-2"]
    assert shown["components"] == [{"key": "checkout", "status": None}]


def test_an_incident_whose_id_holds_slashes_is_found(api: Api) -> None:
    api.post("/v1/events", json=an_event(incident={"id": "2022/06/21"}))
    assert api.get("/v1/incidents/2022/06/21").json()["id"] == "2022/06/21"
    assert api.get("/v1/incidents/2022%2F06%2F21/notifications").status_code == 200


def test_notifications_count_their_deliveries_by_state(api_anywhere: Api) -> None:
    announced(api_anywhere, people=3)
    items = api_anywhere.get("/v1/incidents/inc-1/notifications").json()["items"]
    by_channel = {item["channel"]: item for item in items}
    assert by_channel["email"]["counts"] == {"accepted": 3}
    assert by_channel["email"]["update_ids"] == ["upd-1"]
    assert by_channel["email"]["sequence"] == 1


def test_deliveries_are_paged_and_filtered_by_state(api_anywhere: Api) -> None:
    notification = announced(api_anywhere, people=5)
    path = f"/v1/notifications/{notification}/deliveries"
    seen: Counter[str] = Counter()
    cursor = None
    while True:
        page = api_anywhere.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen.update(item["recipient"] for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == Counter({f"shop-{number}": 1 for number in range(1, 6)})
    assert deliveries_of(api_anywhere, notification, state="failed") == {}
    assert len(deliveries_of(api_anywhere, notification, state=["failed", "accepted"])) == 5


def test_a_delivery_is_shown_with_its_attempts(api: Api) -> None:
    delivery = deliveries_of(api, announced(api))["shop-1"]
    shown = api.get(f"/v1/deliveries/{delivery['id']}").json()
    assert shown["address"] == "owner-1@example.com"
    assert shown["attempts"] == []


def test_a_subscriber_is_explained(api: Api) -> None:
    announced(api)
    api.post("/v1/subscribers", json=a_subscriber(9))
    told = api.get("/v1/incidents/inc-1/explain?subscriber=shop-1").json()
    assert [item["told"] for item in told["notifications"]] == [True]
    untold = api.get("/v1/incidents/inc-1/explain?subscriber=shop-9").json()
    assert [item["told"] for item in untold["notifications"]] == [False]
    assert api.get("/v1/incidents/inc-1/explain?subscriber=nobody").status_code == 404
    assert list(faults(api.get("/v1/incidents/inc-1/explain"))) == ["subscriber"]


def test_an_address_is_explained_and_stands_in_no_log_and_no_refusal(
    api: Api, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    announced(api)
    caplog.set_level(logging.DEBUG)
    explain = "/v1/incidents/inc-1/explain"
    found = api.get(explain, params={"subscriber": "owner-1@example.com"}).json()
    assert (found["subscriber"], [item["told"] for item in found["notifications"]]) == ("shop-1", [True])
    reads = {"Authorization": f"Bearer {api.key('read')}"}
    masked = api.get(explain, params={"subscriber": "owner-1@example.com"}, headers=reads)
    assert masked.status_code == 200
    assert "owner-1" not in masked.text
    refused = api.get(explain, params={"subscriber": "owner-999@example.com"})
    assert refused.status_code == 404
    assert list(faults(refused)) == ["subscriber"]
    assert "owner-999" not in refused.text
    ours = [f"{record.getMessage()} {vars(record)}" for record in caplog.records if not record.name.startswith("http")]
    assert "owner-" not in "".join([*ours, *capsys.readouterr()])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/incidents/none",
        "/v1/incidents/none/notifications",
        "/v1/notifications/ntf_none/deliveries",
        "/v1/deliveries/none",
        "/v1/deliveries/dlv_none_aaaaaaaaaaabk",
        "/v1/deliveries/dlv_none_7777777777776",
        "/v1/deliveries/dlv_none_ééééééééééééé",
    ],
)
def test_what_was_never_there_is_not_found(api_anywhere: Api, path: str) -> None:
    assert api_anywhere.get(path).status_code == 404


def test_a_state_nobody_knows_is_named(api: Api) -> None:
    answer = api.get("/v1/notifications/ntf_1/deliveries?state=lost")
    assert answer.status_code == 422
    assert list(faults(answer)) == ["state.0"]


def test_what_failed_is_sent_again_under_the_same_id(api_anywhere: Api) -> None:
    notification = announced(api_anywhere)
    plan_all(api_anywhere.container, DeliveryState.FAILED)
    before = {item["id"] for item in deliveries_of(api_anywhere, notification, state="failed").values()}
    answer = api_anywhere.post("/v1/deliveries/replay", json={"notification_id": notification})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 3})
    assert {item["id"] for item in deliveries_of(api_anywhere, notification, state="queued").values()} == before


def test_single_deliveries_are_sent_again(api: Api) -> None:
    delivery = deliveries_of(api, announced(api))["shop-2"]["id"]
    order = {"delivery_ids": [delivery], "states": ["accepted"]}
    assert api.post("/v1/deliveries/replay", json=order).json() == {"replayed": 1}


@pytest.mark.parametrize(
    ("order", "status", "field"),
    [
        ({}, 422, "notification_id"),
        ({"notification_id": "ntf_1", "endpoint_id": "end_1"}, 422, "notification_id"),
        ({"notification_id": "ntf_1", "states": ["queued"]}, 422, "states"),
        ({"notification_id": "ntf_1", "states": ["lost"]}, 422, "states.0"),
        ({"notification_id": "ntf_1", "since": "2022-06-21T08:36:00"}, 422, "since"),
        ({"notification_id": "ntf_1", "all": True}, 422, "all"),
    ],
)
def test_an_order_at_fault_is_refused_by_name(api: Api, order: dict[str, object], status: int, field: str) -> None:
    answer = api.post("/v1/deliveries/replay", json=order)
    assert answer.status_code == status
    assert list(faults(answer)) == [field]


def test_an_order_for_nothing_is_not_found(api: Api) -> None:
    assert api.post("/v1/deliveries/replay", json={"endpoint_id": "end_none"}).status_code == 404
    assert api.post("/v1/deliveries/replay", json={"delivery_ids": ["dlv_x_7777777777776"]}).status_code == 404


def test_a_broken_order_is_malformed(api: Api) -> None:
    answer = api.post("/v1/deliveries/replay", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_closure_says_who_was_told_of_the_end(api_anywhere: Api) -> None:
    api = api_anywhere
    path = "/v1/incidents/inc-1/closure"
    assert api.get(path).status_code == 404
    announced(api, people=3)
    refused = api.get(path)
    assert (refused.status_code, "is not over" in refused.json()["detail"]) == (409, True)
    api.post("/v1/events", json=an_event(2, update={"status": "resolved"}))
    (owed,) = api.get(path).json()["incidents"]
    waiting = "waiting: its recipients are being found"
    mails = [each for each in owed["exceptions"] if each["channel"] == "email"]
    assert sorted(each["recipient"] for each in mails) == ["shop-1", "shop-2", "shop-3"]
    assert {each["reason"] for each in mails} == {waiting}
    plan_all(api.container)
    (closed,) = api.get(path).json()["incidents"]
    assert closed["exceptions"] == []
    assert closed["told_start"] == closed["told_end"] >= 3
