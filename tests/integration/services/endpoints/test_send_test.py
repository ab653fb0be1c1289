from notifier.storage.database.engine import Database
from tests.integration.services.endpoints.test_manage import URL
from tests.integration.subscriber_lists import SUPPORT, endpoint, endpoints_of
from tests.integration.subscriber_lists import endpoint_changes as changes


def test_a_test_gets_what_it_needs_in_clear(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(
        endpoint(url=URL, headers={"Authorization": "Bearer hunter2"}, format="cloudevents"), SUPPORT
    )
    target = harness.target(created["id"])
    assert (target.url, target.format.value) == (URL, "cloudevents")
    assert dict(target.headers) == {"Authorization": "Bearer hunter2"}
    assert target.secrets == [created["secret"]]
    assert "hunter2" not in repr(target)
    assert created["secret"] not in repr(target)


def test_an_endpoint_that_must_prove_itself_becomes_active_by_its_first_good_test(database: Database) -> None:
    harness = endpoints_of(database, verify_first=True)
    created = harness.create(endpoint(url=URL, state="active"), SUPPORT)
    assert created["state"] == "pending"
    assert harness.record_test(created["id"], SUPPORT, succeeded=False, status=500)["state"] == "pending"
    assert harness.record_test(created["id"], SUPPORT, succeeded=True, status=204)["state"] == "active"
    assert harness.patch(created["id"], changes(description="the same place"), SUPPORT)["state"] == "active"
    assert harness.patch(created["id"], changes(url="https://elsewhere.example/"), SUPPORT)["state"] == "pending"


def test_a_good_test_does_not_enable_what_somebody_disabled(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(endpoint(url=URL), SUPPORT)
    harness.patch(created["id"], changes(state="disabled"), SUPPORT)
    assert harness.record_test(created["id"], SUPPORT, succeeded=True, status=200)["state"] == "disabled"
