"""What an endpoint was sent, what it answered and how long it took; and sending it again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from notifier.bootstrap.worker import WorkerRuntime
from notifier.domain.values import QueueName
from tests.functional.api.api_client import Api, Json, an_event, faults
from tests.functional.api.receiver import Receiver, post_what_is_due


class Partner:
    """An endpoint at a real receiver, and a worker that posts what is due when it is told to."""

    def __init__(self, api: Api, receiver: Receiver) -> None:
        self.api, self.receiver = api, receiver
        self.worker = WorkerRuntime(api.container, [QueueName.WEBHOOK])
        body = {"url": receiver.url, "headers": {"X-Partner": "s3cret"}}
        self.id = api.post("/v1/endpoints", json=body).json()["id"]

    def publish(self, number: int = 1) -> None:
        self.api.post("/v1/events", json=an_event(number))
        self.work()

    def work(self) -> None:
        post_what_is_due(self.api.container, self.worker)

    def log(self, **query: str) -> list[Json]:
        items: list[Json] = self.api.get(f"/v1/endpoints/{self.id}/deliveries", params=query).json()["items"]
        return items

    def replay(self, **order: object) -> int:
        return int(self.api.post("/v1/deliveries/replay", json=order).json()["replayed"])


@pytest.fixture
def partner(api: Api, receiver: Receiver) -> Iterator[Partner]:
    made = Partner(api, receiver)
    yield made
    made.worker.close()


def test_the_log_shows_request_answer_and_timing_and_no_secret(api: Api, partner: Partner) -> None:
    partner.receiver.status, partner.receiver.says = 503, b"down for \x1b[31mmaintenance"
    partner.receiver.takes = 0.05
    partner.publish()
    (item,) = partner.log()
    assert (item["state"], item["reason"], item["recipient"]) == ("queued", "server_error", partner.id)
    shown = api.get(f"/v1/deliveries/{item['id']}").json()
    (attempt,) = shown["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["status"]) == (1, "retry", 503)
    assert attempt["answer"] == "down for  [31mmaintenance"
    assert attempt["duration_ms"] >= 50
    request = shown["request"]
    assert (request["method"], request["url"]) == ("POST", partner.receiver.url)
    assert request["headers"]["webhook-id"] == item["id"] == partner.receiver.got[0][0]["webhook-id"]
    assert request["headers"]["X-Partner"] == "********"
    assert request["body"].encode() == partner.receiver.got[0][1]
    assert "s3cret" not in json.dumps(shown)


def test_the_log_is_paged_newest_first(api: Api, partner: Partner) -> None:
    for number in (1, 2, 3):
        partner.publish(number)
    first = api.get(f"/v1/endpoints/{partner.id}/deliveries", params={"limit": 2}).json()
    rest = api.get(f"/v1/endpoints/{partner.id}/deliveries", params={"limit": 2, "cursor": first["next"]}).json()
    assert [item["sequence"] for item in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None
    assert partner.log(state="failed") == []
    assert api.get("/v1/endpoints/end_none/deliveries").status_code == 404


def test_one_is_sent_again_with_its_id_and_says_so(partner: Partner) -> None:
    partner.publish()
    (item,) = partner.log()
    assert partner.replay(delivery_ids=[item["id"]]) == 0  # nothing of it failed
    assert partner.replay(delivery_ids=[item["id"]], states=["accepted"]) == 1
    partner.work()
    (first, again) = partner.receiver.got
    assert first[0]["webhook-id"] == again[0]["webhook-id"]
    assert json.loads(first[1])["data"]["is_replay"] is False
    assert json.loads(again[1])["data"]["is_replay"] is True
    assert partner.log()[0]["state"] == "accepted"


def test_a_span_of_time_is_sent_again_in_order(api: Api, partner: Partner) -> None:
    for number in (1, 2, 3):
        partner.publish(number)
    notices = api.get("/v1/incidents/inc-1/notifications").json()["items"]
    times = [item["created_at"] for item in notices if item["channel"] == "webhook"]
    assert partner.replay(endpoint_id=partner.id, states=["accepted"], since=times[0], until=times[2]) == 2
    for _ in range(2):  # the second waits for the first
        partner.work()
    assert [json.loads(body)["data"]["sequence"] for _, body in partner.receiver.got] == [1, 2, 3, 1, 2]


def test_everything_that_failed_is_sent_again(partner: Partner) -> None:
    partner.receiver.status = 410
    partner.publish()
    partner.receiver.status = 204
    assert partner.replay(channel="webhook", until=(datetime.now(UTC) - timedelta(hours=1)).isoformat()) == 0
    assert partner.replay(channel="webhook") == 1
    partner.api.post(f"/v1/endpoints/{partner.id}/enable")
    partner.work()
    assert partner.log()[0]["state"] == "accepted"


def test_a_replay_names_one_thing_and_a_span_that_is_one(api: Api) -> None:
    both = {"endpoint_id": "end_1", "channel": "webhook"}
    assert set(faults(api.post("/v1/deliveries/replay", json=both))) == {"notification_id"}
    backwards = {"channel": "webhook", "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    assert set(faults(api.post("/v1/deliveries/replay", json=backwards))) == {"until"}
