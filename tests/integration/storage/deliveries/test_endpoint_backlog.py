"""What a disabled endpoint missed comes when it is enabled: all of it, at once, in order, and nothing twice."""

from collections.abc import Mapping

import pytest

from notifier.domain.errors import DeliveryError, PermanentDeliveryError
from notifier.domain.messages.message import HookRequest
from notifier.domain.recipients.endpoint import EndpointState
from notifier.domain.values import Reason, Status
from notifier.services.endpoints.manage import Endpoints
from notifier.services.security.audit import SYSTEM
from notifier.storage.database.engine import Database
from tests.integration.subscriber_lists import VOCABULARY
from tests.support.fake_endpoints import EndpointHarness, endpoint_harness, url_of


def gone(_request: HookRequest) -> DeliveryError:
    return PermanentDeliveryError(Reason.GONE, "HTTP 410", status=410)


def check(headers: Mapping[str, str]) -> Mapping[str, str]:
    return headers


def endpoints_service(harness: EndpointHarness) -> Endpoints:
    pipeline = harness.pipeline
    return Endpoints(pipeline.database, pipeline.clock, VOCABULARY, harness.hooks.secrets, vet=str, check_headers=check)


def received(harness: EndpointHarness, name: str) -> list[tuple[str, int]]:
    """Return incident and sequence of what an endpoint took, in order."""
    data = [message["data"] for message in harness.received(name)]
    return [(each["incident"]["id"], each["sequence"]) for each in data]


def post_updates(harness: EndpointHarness, incident: str, *statuses: Status) -> None:
    for status in statuses:
        harness.later(1)
        harness.pipeline.post(status, incident_id=incident)
        harness.work()


def settle(harness: EndpointHarness) -> None:
    for _ in range(3):
        harness.later(1)


@pytest.mark.parametrize("how", ["410", "by hand", "patch"])
def test_all_of_it_comes_at_once_and_in_order(database: Database, how: str) -> None:
    harness = endpoint_harness(database)
    for name in ("partner", "other"):
        harness.endpoint(name)
    post_updates(harness, "inc-1", Status.INVESTIGATING)
    if how == "410":
        harness.line.answers[url_of("partner")] = gone
    elif how == "patch":
        endpoints_service(harness).patch("end_partner", {"state": EndpointState.DISABLED}, SYSTEM)
    else:
        endpoints_service(harness).disable("end_partner", SYSTEM, reason="maintenance of theirs")
    post_updates(harness, "inc-1", Status.IDENTIFIED, Status.MONITORING)
    post_updates(harness, "inc-2", Status.INVESTIGATING, Status.IDENTIFIED, Status.RESOLVED)
    assert harness.row("partner").state == "disabled"
    met = len(harness.posted("partner"))
    harness.line.answers.clear()
    endpoints_service(harness).enable("end_partner", SYSTEM)
    settle(harness)
    post_updates(harness, "inc-1", Status.RESOLVED)
    news = received(harness, "partner")[met:]
    by_incident = {name: [number for which, number in news if which == name] for name in ("inc-1", "inc-2")}
    assert by_incident == {"inc-1": [2, 3, 4], "inc-2": [1, 2, 3]}
    assert news[-1] == ("inc-1", 4)
    assert len(received(harness, "other")) == 7
    ids = [request.delivery_id for request in harness.posted("partner")][met:]
    assert len(set(ids)) == len(ids)


def test_an_endpoint_that_never_was_active_missed_nothing(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("imported", state="disabled")
    post_updates(harness, "inc-1", Status.INVESTIGATING)
    endpoints_service(harness).enable("end_imported", SYSTEM)
    settle(harness)
    assert received(harness, "imported") == []


def test_who_wants_the_latest_gets_the_present_state_of_each_incident(database: Database) -> None:
    harness = endpoint_harness(database)
    harness.endpoint("partner", mode="latest")
    post_updates(harness, "inc-1", Status.INVESTIGATING)
    endpoints_service(harness).disable("end_partner", SYSTEM, reason="")
    post_updates(harness, "inc-1", Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED)
    endpoints_service(harness).enable("end_partner", SYSTEM)
    settle(harness)
    assert received(harness, "partner") == [("inc-1", 1), ("inc-1", 4)]
