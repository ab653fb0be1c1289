from datetime import timedelta

import pytest
from sqlalchemy import select

from notifier.domain.errors import ConflictError, InvalidInputError
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.integration.services.endpoints.test_manage import URL
from tests.integration.subscriber_lists import SUPPORT, Clock, endpoint, endpoints_of, faults
from tests.integration.subscriber_lists import endpoint_changes as changes


def signing(database: Database, public_id: str, clock: Clock) -> list[str]:
    harness = endpoints_of(database, clock)
    with database.read() as connection:
        column = connection.execute(
            select(t.endpoint.c.secrets).where(t.endpoint.c.public_id == public_id)
        ).scalar_one()
    return list(harness.secrets.open(column, clock()))


def test_during_a_rotation_both_secrets_sign_newest_first_and_afterwards_the_new_one_alone(database: Database) -> None:
    clock = Clock()
    harness = endpoints_of(database, clock)
    first = harness.create(endpoint(url=URL), SUPPORT)
    second = harness.rotate(first["id"], SUPPORT)
    assert signing(database, first["id"], clock) == [second["secret"], first["secret"]]
    clock.advance(hours=23, minutes=59)
    assert signing(database, first["id"], clock) == [second["secret"], first["secret"]]
    clock.advance(minutes=1)
    assert signing(database, first["id"], clock) == [second["secret"]]


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(database: Database) -> None:
    clock = Clock()
    harness = endpoints_of(database, clock)
    first = harness.create(endpoint(url=URL), SUPPORT)
    second = harness.rotate(first["id"], SUPPORT, overlap=timedelta(0))
    assert signing(database, first["id"], clock) == [second["secret"]]


def test_a_second_rotation_does_not_lengthen_the_life_of_the_first_secret(database: Database) -> None:
    clock = Clock()
    harness = endpoints_of(database, clock)
    first = harness.create(endpoint(url=URL), SUPPORT)
    second = harness.rotate(first["id"], SUPPORT)
    clock.advance(hours=20)
    third = harness.rotate(first["id"], SUPPORT)
    assert signing(database, first["id"], clock) == [third["secret"], second["secret"], first["secret"]]
    clock.advance(hours=5)
    assert signing(database, first["id"], clock) == [third["secret"], second["secret"]]


def test_rotating_over_and_over_keeps_the_signature_header_short(database: Database) -> None:
    clock = Clock()
    harness = endpoints_of(database, clock)
    first = harness.create(endpoint(url=URL), SUPPORT)
    newest = [harness.rotate(first["id"], SUPPORT)["secret"] for _ in range(9)]
    assert signing(database, first["id"], clock) == newest[:-5:-1]


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
def test_an_overlap_out_of_bounds_is_refused(database: Database, overlap: timedelta) -> None:
    harness = endpoints_of(database)
    created = harness.create(endpoint(url=URL), SUPPORT)
    with pytest.raises(InvalidInputError) as refused:
        harness.rotate(created["id"], SUPPORT, overlap=overlap)
    assert list(faults(refused.value)) == ["overlap"]


def test_an_endpoint_whose_secret_no_key_opens_asks_to_be_rotated_and_works_again_then(database: Database) -> None:
    made = endpoints_of(database, keys=("dropped",)).create(endpoint(url=URL, headers={"X-Token": "t"}), SUPPORT)
    harness = endpoints_of(database)
    for refused in (
        lambda: harness.target(made["id"]),
        lambda: harness.patch(made["id"], changes(description="x"), SUPPORT),
    ):
        with pytest.raises(ConflictError, match="rotate this endpoint's secret"):
            refused()
    harness.rotate(made["id"], SUPPORT)
    with pytest.raises(ConflictError, match="X-Token"):
        harness.patch(made["id"], changes(description="x"), SUPPORT)
    harness.patch(made["id"], changes(headers={"X-Token": "new"}), SUPPORT)
    assert harness.target(made["id"]).headers == {"X-Token": "new"}
    assert len(harness.target(made["id"]).secrets) == 1
