import io
import json
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from notifier.domain.errors import InvalidInputError, UnavailableError
from notifier.domain.recipients.subscriber import LegalBasis, SuppressionReason
from notifier.inbound.list_lines import BadRow
from notifier.services.security.address_hash import AddressHasher
from notifier.services.subscribers.bulk_import import ImportReport, ImportSubscribers, ListFormat, format_of
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import suppressions
from tests.integration.subscriber_lists import (
    NOON,
    SUPPORT,
    VOCABULARY,
    Clock,
    a_subscriber,
    audit_of,
    changes,
    parsed_subscriber,
    subscriber_body,
    subscribers_of,
)

HEADER = "external_id,kind,email,name,locale,timezone,state,channels,components,min_impact,updates,maintenance"


def importer(database: Database, clock: Clock | None = None, chunk: int = 5_000) -> ImportSubscribers:
    return ImportSubscribers(database, clock or Clock(), VOCABULARY, AddressHasher(database), chunk)


def bring(database: Database, *lines: str, chunk: int = 5_000, **options: Any) -> ImportReport:
    return importer(database, chunk=chunk).run(
        io.BytesIO("\n".join(lines).encode()), ListFormat.CSV, SUPPORT, **options
    )


def bring_ndjson(database: Database, *lines: bytes) -> ImportReport:
    return importer(database).run(io.BytesIO(b"\n".join(lines)), ListFormat.NDJSON, SUPPORT)


def row_of(name: str, *, email: str = "", state: str = "", locale: str = "") -> str:
    return f"{name},,{email or name + '@shop.example'},,{locale},,{state},,,,,"


def counts(report: ImportReport) -> dict[str, int]:
    numbers = report.counts()
    assert numbers["rows"] == sum(numbers[name] for name in ("created", "updated", "unchanged", "repeated", "rejected"))
    return {name: number for name, number in numbers.items() if number and name != "rows"}


def test_a_list_is_stored_as_the_api_would_store_it(database: Database) -> None:
    line = (
        "shop-1001,merchant,owner@bloemenhuis.example,Bloemenhuis Jansen,nl,Europe/Amsterdam,active,"
        "email,storefront;checkout,minor,all,true"
    )
    assert counts(bring(database, HEADER, line)) == {"created": 1}
    people = subscribers_of(database)
    found = people.get("shop-1001")
    people.remove("shop-1001", SUPPORT)
    given = subscriber_body()
    given["preferences"]["quiet_hours"] = None
    expected = people.create(parsed_subscriber(**given), SUPPORT)
    assert found == expected | {"legal_basis": "import"}
    with database.read() as connection:
        assert connection.execute(select(t.subscriber.c.address_key)).scalar_one() == people.addresses.of(
            "owner@bloemenhuis.example"
        )


def test_ndjson_is_read_as_the_api_reads_it(database: Database) -> None:
    report = bring_ndjson(
        database,
        b"\xef\xbb\xbf" + json.dumps(subscriber_body("shop-1")).encode(),
        b"",
        b'{"external_id": "shop-2", "email": "nobody", "colour": 1}\r',
        b'{"external_id": "shop-3", "email": "a@b.example", "locale": "xx"}',
        b'{"external_id": "shop-4"',
        b'{"external_id": "shop-5", "email": "a@b.example"}',
    )
    assert counts(report) == {"created": 2, "rejected": 3}
    assert [(bad.line, [fault.field for fault in bad.errors]) for bad in report.errors] == [
        (3, ["email", "colour"]),
        (4, ["locale"]),
        (5, ["row"]),
    ]
    found = subscribers_of(database).get("shop-1")
    assert found["preferences"]["quiet_hours"] == {"from": "22:00", "to": "07:00"}


def test_bad_rows_are_reported_by_line_field_and_reason_and_good_ones_kept(database: Database) -> None:
    told: list[BadRow] = []
    report = bring(
        database,
        HEADER,
        row_of("shop-1"),
        row_of("shop-2", email="nobody"),
        row_of("shop-3", locale="xx"),
        "too,few",
        row_of("shop-4"),
        on_bad_row=told.append,
    )
    assert counts(report) == {"created": 2, "rejected": 3}
    shown = report.as_json()["errors"]
    assert [(item["line"], item["errors"][0]["field"]) for item in shown] == [(3, "email"), (4, "locale"), (5, "row")]
    assert "'xx' is not offered" in shown[1]["errors"][0]["message"]
    assert told == report.errors


def test_progress_is_shown_after_every_chunk(database: Database) -> None:
    seen: list[int] = []
    lines = [row_of(f"shop-{number}") for number in range(5)]
    bring(database, HEADER, *lines, chunk=2, on_progress=lambda report: seen.append(report.created))
    assert seen == [2, 4, 5]


def test_the_report_keeps_the_first_thousand_bad_rows_and_the_caller_hears_of_all(database: Database) -> None:
    told: list[int] = []
    lines = [row_of(f"shop-{number}", email="nobody") for number in range(1_500)]
    report = bring(database, HEADER, *lines, row_of("good"), on_bad_row=lambda bad: told.append(bad.line))
    assert told == list(range(2, 1_502))
    assert len(report.errors) == 1_000
    assert report.as_json()["errors_left_out"] == 500
    assert counts(report) == {"created": 1, "rejected": 1_500}


def test_a_header_at_fault_stores_nothing(database: Database) -> None:
    with pytest.raises(InvalidInputError, match="colour"):
        bring(database, HEADER + ",colour", row_of("shop-1") + ",red")
    assert subscribers_of(database).list(limit=1) == ([], None)


def test_a_second_import_changes_what_differs_and_leaves_the_rest_untouched(database: Database) -> None:
    clock = Clock()
    importer(database, clock).run(
        io.BytesIO("\n".join([HEADER, row_of("a"), row_of("b")]).encode()), ListFormat.CSV, SUPPORT
    )
    clock.advance(hours=1)
    lines = [HEADER, row_of("a"), row_of("b", locale="de"), row_of("c")]
    report = importer(database, clock).run(io.BytesIO("\n".join(lines).encode()), ListFormat.CSV, SUPPORT)
    assert counts(report) == {"created": 1, "updated": 1, "unchanged": 1}
    people = subscribers_of(database)
    assert people.get("a")["updated_at"] == "2026-03-29T12:00:00Z"
    changed = people.get("b")
    assert (changed["locale"], changed["created_at"], changed["updated_at"]) == (
        "de",
        "2026-03-29T12:00:00Z",
        "2026-03-29T13:00:00Z",
    )


def test_rows_numbers_are_not_used_up_by_importing_the_same_list_again(database: Database) -> None:
    lines = [HEADER, *(row_of(f"shop-{number}") for number in range(50))]
    for _ in range(5):
        bring(database, *lines)
    bring(database, HEADER, row_of("new"))
    with database.read() as connection:
        assert connection.execute(select(func.max(t.subscriber.c.id))).scalar_one() == 51


def test_columns_a_list_does_not_have_keep_what_a_subscriber_chose(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber(), SUPPORT)
    bring(database, "external_id,email,locale", "shop-1001,new@bloemenhuis.example,de")
    found = people.get("shop-1001")
    assert (found["email"], found["locale"]) == ("new@bloemenhuis.example", "de")
    assert found["name"] == "Bloemenhuis Jansen"
    assert found["preferences"]["components"] == ["checkout", "storefront"]
    assert found["preferences"]["quiet_hours"] == {"from": "22:00", "to": "07:00"}


def test_of_rows_with_one_name_the_last_counts_within_a_chunk_and_across_chunks(database: Database) -> None:
    lines = [row_of("a"), row_of("b"), row_of("a", locale="nl"), row_of("c"), row_of("b", locale="de"), row_of("b")]
    report = bring(database, HEADER, *lines, chunk=2)
    assert counts(report) == {"created": 3, "repeated": 3}
    people = subscribers_of(database)
    assert [people.get(name)["locale"] for name in "abc"] == ["nl", "en", "en"]


@pytest.mark.parametrize("state", ["active", "", "pending"])
def test_a_list_never_brings_back_who_unsubscribed_or_is_suppressed(database: Database, state: str) -> None:
    people = subscribers_of(database)
    life = Lifecycle(database, Clock(), people.addresses)
    bring(database, HEADER, row_of("gone"), row_of("dead"), row_of("by-hand"), row_of("fine"))
    with database.read() as connection:
        number = connection.execute(select(t.subscriber.c.id).where(t.subscriber.c.external_id == "gone")).scalar_one()
    life.unsubscribe(number, SUPPORT)
    life.suppress("dead@shop.example", SUPPORT, reason=SuppressionReason.BOUNCED)
    people.patch("by-hand", changes(state="unsubscribed"), SUPPORT)
    report = bring(
        database,
        HEADER,
        row_of("gone", state=state, email="other@shop.example"),
        row_of("dead", state=state),
        row_of("by-hand", state=state),
        row_of("fine", state=state),
        row_of("second-shop", email="gone@shop.example", state=state),
    )
    assert report.kept_unsubscribed == 4
    states = {name: people.get(name)["state"] for name in ("gone", "dead", "by-hand", "fine", "second-shop")}
    assert states == {
        "gone": "unsubscribed",
        "dead": "suppressed",
        "by-hand": "unsubscribed",
        "fine": state or "active",
        "second-shop": "unsubscribed",
    }


def test_a_row_that_says_suppressed_suppresses_its_address(database: Database) -> None:
    bring(
        database, HEADER, row_of("dead", email="x@shop.example", state="suppressed"), row_of("un", state="unsubscribed")
    )
    people = subscribers_of(database)
    assert [item["reason"] for item in people.get("dead")["suppressions"]] == ["imported"]
    assert people.get("un")["state"] == "unsubscribed"
    assert people.get("un")["suppressions"] == []
    assert people.create(a_subscriber("new", email="X@shop.example"), SUPPORT)["state"] == "suppressed"


def test_a_confirmed_sign_up_does_not_lapse_because_a_list_made_it_active(database: Database) -> None:
    bring(database, HEADER, row_of("invited"), invite=True)
    assert subscribers_of(database).get("invited")["state"] == "pending"
    with database.write() as connection:
        connection.execute(t.subscriber.update().values(expires_at=NOON))
    bring(database, HEADER, row_of("invited", state="active"))
    with database.read() as connection:
        assert connection.execute(select(t.subscriber.c.state, t.subscriber.c.expires_at)).one() == ("active", None)


def test_the_legal_basis_and_the_counts_are_recorded(database: Database) -> None:
    bring(database, HEADER, row_of("a"), row_of("b", email="nobody"), legal_basis=LegalBasis.CONTRACT)
    assert subscribers_of(database).get("a")["legal_basis"] == "contract"
    entry = audit_of(database).entries(limit=1)[0]
    assert (entry["action"], entry["actor"]) == ("subscribers.imported", "key:support")
    assert entry["detail"]["legal_basis"] == "contract"
    assert (entry["detail"]["created"], entry["detail"]["rejected"]) == (1, 1)


class _Broken(io.BytesIO):
    """A file whose medium fails after some lines."""

    def __init__(self, lines: list[str], good: int) -> None:
        super().__init__("\n".join(lines).encode())
        self._left = good

    def readline(self, limit: int | None = -1, /) -> bytes:
        if not self._left:
            message = "the line was cut"
            raise ConnectionResetError(message)
        self._left -= 1
        return super().readline(limit)


def test_an_import_that_was_cut_is_run_again_and_completes(database: Database) -> None:
    lines = [HEADER, *(row_of(f"shop-{number}") for number in range(25))]
    with pytest.raises(ConnectionResetError):
        importer(database, chunk=10).run(_Broken(lines, good=17), ListFormat.CSV, SUPPORT)
    assert counts(bring(database, *lines, chunk=10)) == {"unchanged": 10, "created": 15}


def test_a_database_that_is_gone_is_reported_after_a_few_tries(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = importer(sqlite_database)
    order.addresses.load()
    tries = []

    def write(_: Database) -> Iterator[None]:
        tries.append(1)
        message = "database: gone"
        raise UnavailableError(message)

    monkeypatch.setattr(Database, "write", write)
    with pytest.raises(UnavailableError):
        order.run(io.BytesIO(f"{HEADER}\n{row_of('a')}".encode()), ListFormat.CSV, SUPPORT)
    assert len(tries) == 3


def test_memory_does_not_grow_with_the_list(sqlite_database: Database) -> None:
    def peak(rows: int) -> int:
        def lines() -> Iterator[bytes]:
            yield HEADER.encode() + b"\n"
            for number in range(rows):
                yield f"{row_of(f'shop-{number}')}\n".encode()

        class Generated:
            def __init__(self) -> None:
                self._lines = lines()

            def readline(self, limit: int = -1, /) -> bytes:
                return next(self._lines, b"")

        tracemalloc.start()
        importer(sqlite_database, chunk=500).run(Generated(), ListFormat.CSV, SUPPORT)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(600)  # first use fills caches
    few, many = peak(1_000), peak(8_000)
    assert many < few + 800_000


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b'{"external_id"', ListFormat.NDJSON),
        (b'\xef\xbb\xbf\n {"a"', ListFormat.NDJSON),
        (b"external_id,email", ListFormat.CSV),
        (b'"external_id"', ListFormat.CSV),
        (b"", ListFormat.CSV),
    ],
)
def test_the_format_is_told_by_the_first_bytes(start: bytes, expected: ListFormat) -> None:
    assert format_of(start) is expected


def test_a_name_taken_from_a_list_never_reaches_the_ledger_with_what_postgresql_cannot_store(
    database: Database,
) -> None:
    report = bring(database, "external_id,email,name", 'shop-1,a@b.example,"Nul\x00l"')
    assert counts(report) == {"created": 1}
    assert subscribers_of(database).get("shop-1")["name"] == "Nul l"
    assert counts(bring(database, "external_id,email", "shop\x00,a@b.example")) == {"rejected": 1}
    with database.read() as connection:
        assert suppressions.of_addresses(connection, [1]) == {}


def test_two_lists_of_the_same_people_in_opposite_order_get_along(database: Database) -> None:
    names = [f"shop-{number}" for number in range(400)]
    reports: list[ImportReport] = []

    def run(order: list[str], locale: str) -> None:
        reports.append(bring(database, HEADER, *(row_of(name, locale=locale) for name in order), chunk=50))

    threads = [
        threading.Thread(target=run, args=(names, "nl")),
        threading.Thread(target=run, args=(names[::-1], "de")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=50)
    assert sum(report.created for report in reports) == 400
    assert sum(report.rows for report in reports) == 800
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.subscriber)).scalar_one() == 400
