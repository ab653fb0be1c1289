import base64
import json

import pytest
from sqlalchemy import select

from notifier.domain.errors import InvalidInputError, NotFoundError
from notifier.domain.recipients.endpoint import EndpointState
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import preferences
from tests.integration.subscriber_lists import SUPPORT, Clock, audit_of, endpoint, endpoints_of, faults
from tests.integration.subscriber_lists import endpoint_changes as changes

URL = "https://partner.example/hooks/s3cret-path?token=s3cret"


def test_a_new_endpoint_is_active_and_shows_its_secret_once(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(endpoint(url=URL, subscriber="partner-7"), SUPPORT)
    secret = created.pop("secret")
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert created["id"].startswith("end_")
    assert created["state"] == "active"
    assert harness.get(created["id"]) == created
    assert "secret" not in harness.get(created["id"])
    assert (created["format"], created["mode"], created["min_impact"], created["updates"]) == (
        "standard",
        "every",
        "none",
        "all",
    )


def test_every_fault_of_an_endpoint_is_named(database: Database) -> None:
    harness = endpoints_of(database)
    with pytest.raises(InvalidInputError) as refused:
        harness.create(endpoint(url=URL, format="xml", min_impact="huge", colour="red", owner_email="nobody"), SUPPORT)
    assert set(faults(refused.value)) == {"format", "min_impact", "colour", "owner_email"}
    with pytest.raises(InvalidInputError) as refused:
        harness.create(endpoint(url=URL, description="a\x00b"), SUPPORT)
    assert set(faults(refused.value)) == {"description"}
    with pytest.raises(InvalidInputError) as refused:
        harness.create(endpoint(url=URL, components=["storefront", "telex"]), SUPPORT)
    assert "'telex'" in faults(refused.value)["components"]
    with pytest.raises(InvalidInputError) as refused:
        harness.create(endpoint(url="http://127.0.0.1/", headers={"Host": "other.example", "X-Ok": "a\r\nb"}), SUPPORT)
    assert set(faults(refused.value)) == {"url", "headers.Host", "headers.X-Ok"}
    assert harness.list(limit=10) == ([], None)


def test_nothing_secret_is_readable_in_the_ledger(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(
        endpoint(url="https://partner.example/", headers={"Authorization": "Bearer hunter2"}), SUPPORT
    )
    harness.rotate(created["id"], SUPPORT)
    with database.read() as connection:
        everything = str([connection.execute(select(table)).all() for table in t.metadata.sorted_tables])
    assert created["secret"] not in everything
    assert created["secret"].removeprefix("whsec_")[:12] not in everything
    assert "hunter2" not in everything
    assert "hunter2" not in json.dumps(harness.get(created["id"]))


def test_a_patch_keeps_what_it_does_not_name_and_lays_headers_over_the_present_ones(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(
        endpoint(url=URL, components=["api"], headers={"X-One": "1", "X-Two": "2"}, types=["incident.resolved"]),
        SUPPORT,
    )
    changed = harness.patch(
        created["id"], changes(min_impact="major", headers={"X-Two": None, "X-Three": "3"}), SUPPORT
    )
    assert (changed["url"], changed["components"], changed["min_impact"]) == (URL, ["api"], "major")
    assert changed["types"] == ["incident.resolved"]
    assert dict(harness.target(created["id"]).headers) == {"X-One": "1", "X-Three": "3"}
    harness.patch(created["id"], changes(headers=None, types=None), SUPPORT)
    assert dict(harness.target(created["id"]).headers) == {}
    assert harness.get(created["id"])["types"] == []


def test_a_patch_judges_a_new_url_and_new_headers(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(endpoint(url=URL), SUPPORT)
    with pytest.raises(InvalidInputError) as refused:
        harness.patch(created["id"], changes(url="http://127.0.0.1/", headers={"Cookie\n": "x"}), SUPPORT)
    assert "url" in faults(refused.value)
    assert len(faults(refused.value)) == 2
    assert harness.get(created["id"])["url"] == URL


def test_the_filters_of_an_endpoint_are_a_set_of_preferences_for_webhooks(database: Database) -> None:
    harness = endpoints_of(database)
    harness.create(endpoint(url=URL, components=["api"], min_impact="major", updates="milestones"), SUPPORT)
    with database.read() as connection:
        text = connection.execute(
            select(t.preference.c.canonical).join(t.endpoint, t.endpoint.c.preference_id == t.preference.c.id)
        ).scalar_one()
    stored = preferences.parse(text)
    assert {channel.value for channel in stored.channels} == {"webhook"}
    assert (stored.components, stored.min_impact.value, stored.updates.value) == (
        frozenset({"api"}),
        "major",
        "milestones",
    )


def test_enabling_wipes_the_record_of_failures(database: Database) -> None:
    clock = Clock()
    harness = endpoints_of(database, clock)
    created = harness.create(endpoint(url=URL), SUPPORT)
    harness.disable(created["id"], SUPPORT, reason="failing for five days")
    with database.write() as connection:
        connection.execute(t.endpoint.update().values(failing_since=clock(), failed_attempts=40, warned_at=clock()))
    assert harness.get(created["id"])["state_reason"] == "failing for five days"
    enabled = harness.enable(created["id"], SUPPORT)
    assert (enabled["state"], enabled["state_reason"], enabled["disabled_at"]) == ("active", "", None)
    with database.read() as connection:
        row = connection.execute(select(t.endpoint)).one()
    assert (row.failing_since, row.failed_attempts, row.warned_at) == (None, 0, None)


def test_a_removed_endpoint_is_gone(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(endpoint(url=URL), SUPPORT)
    harness.remove(created["id"], SUPPORT)
    with pytest.raises(NotFoundError, match=created["id"]):
        harness.get(created["id"])


def test_endpoints_are_paged_and_filtered_by_state(database: Database) -> None:
    harness = endpoints_of(database)
    made = [harness.create(endpoint(url=f"https://partner.example/{number}"), SUPPORT)["id"] for number in range(3)]
    harness.disable(made[1], SUPPORT, reason="by hand")
    first, after = harness.list(limit=2)
    assert [item["id"] for item in first] == made[:2]
    assert after is not None
    rest, end = harness.list(limit=2, after=after)
    assert ([item["id"] for item in rest], end) == (made[2:], None)
    disabled, _ = harness.list(limit=5, state=EndpointState.DISABLED)
    assert [item["id"] for item in disabled] == [made[1]]


def test_the_audit_trail_shows_neither_paths_nor_secrets_nor_header_values(database: Database) -> None:
    harness = endpoints_of(database)
    created = harness.create(endpoint(url=URL, headers={"X-Key": "hunter2"}), SUPPORT)
    harness.patch(created["id"], changes(url="https://partner.example/other", headers={"X-Key": "hunter3"}), SUPPORT)
    harness.rotate(created["id"], SUPPORT)
    harness.remove(created["id"], SUPPORT)
    entries = audit_of(database).entries(limit=10, kind="endpoint")
    assert [entry["action"] for entry in entries] == [
        "endpoint.removed",
        "endpoint.rotated",
        "endpoint.changed",
        "endpoint.created",
    ]
    assert entries[2]["detail"] == {"url": "(changed)", "headers": "(changed)"}
    assert entries[3]["detail"]["url"] == "https://partner.example"
    shown = json.dumps(entries)
    for secret in ("s3cret", "hunter", created["secret"]):
        assert secret not in shown
