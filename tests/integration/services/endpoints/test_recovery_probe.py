"""A disabled endpoint is asked by signed tests, and gets everything once it answers."""

from notifier.domain.values import Status
from tests.integration.services.endpoints.watched import Watched, gone
from tests.support.fake_endpoints import url_of


def test_a_disabled_endpoint_is_asked_by_signed_tests_and_gets_everything_once_it_answers(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak")
    watched.fail_until_disabled("weak")
    for status in (Status.IDENTIFIED, Status.RESOLVED):
        harness.pipeline.post(status)
        harness.work()
    before = len(harness.posted("weak"))
    watched.hours(3)
    asked = harness.posted("weak")[before:]
    assert {request.delivery_id[:4] for request in asked} == {"tst_"}
    assert [b"endpoint.test" in request.body for request in asked] == [True, True]
    assert harness.row("weak").state == "disabled"
    harness.line.answers.clear()
    watched.hours(4)
    assert harness.row("weak").state == "active"
    received = [message for message in harness.received("weak")[before + 2 :] if message["type"] != "endpoint.test"]
    assert [message["type"] for message in received] == ["incident.created", "incident.updated", "incident.resolved"]
    assert [message["data"]["sequence"] for message in received] == [1, 2, 3]
    assert [state for state, _, _ in harness.states("weak")] == ["accepted"] * 3


def test_one_that_wants_the_latest_gets_the_present_state_of_each_incident(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak", mode="latest")
    watched.fail_until_disabled("weak")
    for status in (Status.IDENTIFIED, Status.MONITORING):
        harness.pipeline.post(status)
        harness.work()
    harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")
    harness.work()
    before = len(harness.posted("weak"))
    harness.line.answers.clear()
    watched.hours(2)
    received = [message for message in harness.received("weak")[before:] if message["type"] != "endpoint.test"]
    assert sorted((message["data"]["incident"]["id"], message["data"]["sequence"]) for message in received) == [
        ("inc-1", 3),
        ("inc-2", 1),
    ]
    newest = next(message for message in received if message["data"]["incident"]["id"] == "inc-1")
    assert [update["status"] for update in newest["data"]["updates"]] == ["investigating", "identified", "monitoring"]


def test_an_endpoint_that_says_it_is_gone_is_not_asked_again(watched: Watched) -> None:
    harness = watched.harness
    harness.endpoint("weak")
    watched.fail_until_disabled("weak")
    harness.line.answers[url_of("weak")] = gone
    watched.hours(2)
    asked = len(harness.posted("weak"))
    watched.hours(48)
    assert len(harness.posted("weak")) == asked
    assert (harness.row("weak").state, harness.row("weak").probe_at) == ("disabled", None)
