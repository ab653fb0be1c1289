import io
import json

from sqlalchemy import delete, select

from notifier.domain.recipients.subscriber import SuppressionReason
from notifier.services.security.address_hash import AddressHasher
from notifier.services.subscribers.bulk_export import ExportSubscribers
from notifier.services.subscribers.bulk_import import ImportReport, ImportSubscribers, ListFormat
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.integration.subscriber_lists import (
    SUPPORT,
    VOCABULARY,
    Clock,
    a_subscriber,
    changes,
    parsed_subscriber,
    subscribers_of,
)

CONTRACT_HEADER = "external_id,kind,email,name,locale,timezone,state,channels,components,min_impact,updates,maintenance"


def populate(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    people.create(a_subscriber("shop-2", name='Quotes "and", commas; ü', email="b@shop.example"), SUPPORT)
    people.create(
        parsed_subscriber(external_id="partner-7", kind="partner", preferences={"channels": ["webhook"]}), SUPPORT
    )
    people.create(parsed_subscriber(external_id="silent", preferences={"channels": []}), SUPPORT)
    people.create(a_subscriber("dead", email="dead@shop.example"), SUPPORT)
    people.create(a_subscriber("gone", email="gone@shop.example", preferences={"max_per_hour": 3}), SUPPORT)
    people.patch("gone", changes(state="unsubscribed"), SUPPORT)
    Lifecycle(database, Clock(), people.addresses).suppress(
        "dead@shop.example", SUPPORT, reason=SuppressionReason.BOUNCED, detail="550 no such user"
    )


def shown(database: Database) -> list[dict[str, object]]:
    return subscribers_of(database).list(limit=100)[0]


def exported(database: Database, list_format: ListFormat, *, every_column: bool = False) -> bytes:
    return b"".join(ExportSubscribers(database).run(list_format, every_column=every_column))


def bring(database: Database, raw: bytes, list_format: ListFormat) -> ImportReport:
    order = ImportSubscribers(database, Clock(), VOCABULARY, AddressHasher(database))
    return order.run(io.BytesIO(raw), list_format, SUPPORT)


def clear(database: Database) -> None:
    with database.write() as connection:
        for table in (t.subscriber, t.suppression, t.preference):
            connection.execute(delete(table))


def without(items: list[dict[str, object]], *names: str) -> list[dict[str, object]]:
    return sorted(
        ({key: value for key, value in item.items() if key not in names} for item in items),
        key=lambda item: str(item["external_id"]),
    )


def test_ndjson_carries_everything_into_an_empty_house_suppressions_included(database: Database) -> None:
    populate(database)
    before, raw = shown(database), exported(database, ListFormat.NDJSON)
    clear(database)
    report = bring(database, raw, ListFormat.NDJSON)
    assert (report.created, report.rejected) == (6, 0)
    assert without(shown(database)) == without(before)
    (dead,) = [json.loads(line) for line in raw.splitlines() if b'"dead"' in line]
    assert dead["suppressions"] == [
        {"channel": "email", "reason": "bounced", "since": "2026-03-29T12:00:00Z", "detail": "550 no such user"}
    ]


def test_csv_with_every_column_carries_every_choice_into_an_empty_house(database: Database) -> None:
    populate(database)
    before, raw = shown(database), exported(database, ListFormat.CSV, every_column=True)
    clear(database)
    assert bring(database, raw, ListFormat.CSV).created == 6
    history = ("suppressions", "legal_basis")
    assert without(shown(database), *history) == without(before, *history)


def test_bringing_an_export_back_into_the_same_house_changes_nothing(database: Database) -> None:
    populate(database)
    for list_format in ListFormat:
        report = bring(database, exported(database, list_format), list_format)
        assert (report.unchanged, report.rows) == (6, 6)


def test_csv_has_the_columns_of_the_contract_in_its_order(database: Database) -> None:
    populate(database)
    lines = exported(database, ListFormat.CSV).decode().split("\r\n")
    assert lines[0] == CONTRACT_HEADER
    assert lines[1] == (
        "shop-1001,merchant,owner@bloemenhuis.example,Bloemenhuis Jansen,nl,Europe/Amsterdam,active,"
        "email,checkout;storefront,minor,all,true"
    )
    assert lines[-1] == ""


def test_the_proof_of_consent_is_part_of_the_list_that_carries_everything(database: Database) -> None:
    populate(database)
    proof = {"wording": "2026-01", "asked_at": "2026-01-01T00:00:00+00:00"}
    with database.write() as connection:
        connection.execute(t.subscriber.update().where(t.subscriber.c.external_id == "gone").values(consent=proof))
    raw = exported(database, ListFormat.NDJSON)
    clear(database)
    bring(database, raw, ListFormat.NDJSON)
    with database.read() as connection:
        consent = select(t.subscriber.c.consent).where(t.subscriber.c.external_id == "gone")
        assert connection.execute(consent).scalar_one() == proof


def test_an_empty_house_exports_a_header_or_nothing(database: Database) -> None:
    assert exported(database, ListFormat.CSV).decode() == CONTRACT_HEADER + "\r\n"
    assert exported(database, ListFormat.NDJSON) == b""


def test_a_list_of_several_pages_is_whole(database: Database) -> None:
    lines = ["external_id,email", *(f"shop-{number},s{number}@shop.example" for number in range(2_345))]
    bring(database, "\n".join(lines).encode(), ListFormat.CSV)
    names = {json.loads(line)["external_id"] for line in exported(database, ListFormat.NDJSON).splitlines()}
    assert names == {f"shop-{number}" for number in range(2_345)}
