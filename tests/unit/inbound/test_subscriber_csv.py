import io

import pytest

from notifier.domain.errors import InvalidInputError
from notifier.domain.recipients.subscriber import QuietHours, Subscriber, Vocabulary
from notifier.domain.values import Channel, Impact, SubscriberKind, SubscriberState, UpdateLevel
from notifier.inbound.list_lines import BadRow, GoodRow
from notifier.inbound.subscriber_csv import COLUMNS, SubscriberCsv

VOCABULARY = Vocabulary(
    components=frozenset({"storefront", "checkout", "api"}),
    locales=frozenset({"nl", "en"}),
    default_locale="en",
    default_timezone="Europe/Amsterdam",
)
HEADER = ",".join(COLUMNS)


def read(*lines: str, header: str = HEADER) -> list[GoodRow | BadRow]:
    return list(SubscriberCsv(io.BytesIO("\n".join([header, *lines]).encode()), VOCABULARY))


def one(line: str, header: str = HEADER) -> Subscriber:
    (row,) = read(line, header=header)
    assert isinstance(row, GoodRow), row
    return row.subscriber


def faults(line: str, header: str = HEADER) -> dict[str, str]:
    (row,) = read(line, header=header)
    assert isinstance(row, BadRow), row
    return {fault.field: fault.message for fault in row.errors}


def test_every_column_of_the_contract_is_read() -> None:
    line = (
        "shop-1,partner,a@b.example,Jansen,nl,Europe/Berlin,pending,"
        "email;webhook,storefront;checkout,major,milestones,false"
    )
    found = one(line)
    assert found.kind is SubscriberKind.PARTNER
    assert (found.external_id, found.email, found.name) == ("shop-1", "a@b.example", "Jansen")
    assert (found.locale, found.timezone, found.state) == ("nl", "Europe/Berlin", SubscriberState.PENDING)
    assert found.preferences.channels == {Channel.EMAIL, Channel.WEBHOOK}
    assert found.preferences.components == {"storefront", "checkout"}
    assert (found.preferences.min_impact, found.preferences.updates) == (Impact.MAJOR, UpdateLevel.MILESTONES)
    assert found.preferences.maintenance is False


def test_missing_columns_and_empty_cells_take_the_defaults() -> None:
    few = one("shop-1,a@b.example", header="external_id,email")
    assert few == one("shop-1,,a@b.example,,,,,,,,,")
    assert few == Subscriber(external_id="shop-1", email="a@b.example", locale="en", timezone="Europe/Amsterdam")


def test_columns_come_in_any_order_and_may_be_padded() -> None:
    found = one(" nl , a@b.example , shop-1 ", header="locale, email ,external_id")
    assert (found.external_id, found.email, found.locale) == ("shop-1", "a@b.example", "nl")


def test_quiet_hours_and_the_hourly_limit_have_columns_of_their_own() -> None:
    header = "external_id,email,quiet_from,quiet_to,max_per_hour"
    found = one("shop-1,a@b.example,22:00,07:00,3", header=header)
    assert (found.quiet_hours, found.max_per_hour) == (QuietHours(start=1320, end=420), 3)
    assert faults("shop-1,a@b.example,22:00,,0", header=header).keys() == {"quiet_from", "max_per_hour"}
    assert faults("shop-1,a@b.example,25:00,07:00,9999999999999", header=header).keys() == {
        "quiet_from",
        "max_per_hour",
    }


def test_who_wants_no_channel_at_all_says_none() -> None:
    assert one("shop-1,none", header="external_id,channels").preferences.channels == frozenset()


def test_every_fault_of_a_row_is_named_by_its_column() -> None:
    line = "bad\x07id,boss,nobody,x,xx,Mars/Olympus,asleep,fax,telex,huge,some,maybe"
    assert faults(line).keys() == {
        "external_id",
        "kind",
        "email",
        "locale",
        "timezone",
        "state",
        "channels",
        "components",
        "min_impact",
        "updates",
        "maintenance",
    }
    assert "'Mars/Olympus'" in faults(line)["timezone"]
    assert "'telex'" in faults(line)["components"]


def test_an_address_is_never_repeated_in_a_fault() -> None:
    assert "hans@" not in str(faults("shop-1,,hans@@shop.example,,,,,,,,,"))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (",,a@b.example,,,,,,,,,", "external_id"),
        ("shop-1,,,,,,,,,,,", "email"),
        ("shop-1,,a@b.example,,,,,,,maintenance,,", "min_impact"),
        ("shop-1,,a@b.example," + "x" * 201 + ",,,,,,,,", "name"),
        ("x" * 201 + ",,a@b.example,,,,,,,,,", "external_id"),
        ("shop-1,,a@b.example", "row"),
        ("shop-1,,a@b.example,,,,,,,,,,", "row"),
    ],
)
def test_a_row_that_cannot_be_is_refused(line: str, field: str) -> None:
    assert list(faults(line)) == [field]


def test_a_bad_row_does_not_teach_the_next_one_its_faults() -> None:
    rows = read(
        "shop-1,,a@b.example,,,,,,telex,,,",
        "shop-2,,a@b.example,,,,,,telex,,,",
        "shop-3,,a@b.example,,,,,,api,,,",
        "shop-4,,nobody,,,,,,api,,,",
    )
    assert [isinstance(row, GoodRow) for row in rows] == [False, False, True, False]


def test_control_characters_are_stripped_from_names() -> None:
    header = "external_id,email,name"
    assert one('shop-1,a@b.example,"Jan\x00\tde\nBoer\u202e  BV"', header=header).name == "Jan de Boer BV"


def test_text_that_is_no_utf8_is_refused_by_column() -> None:
    raw = b"external_id,email,name\nshop-1,a@b.example,M\xfcller\nshop-2,a@b.example,M\xc3\xbcller\n"
    bad, good = SubscriberCsv(io.BytesIO(raw), VOCABULARY)
    assert isinstance(bad, BadRow)
    assert [(fault.field, fault.message) for fault in bad.errors] == [("name", "is not UTF-8")]
    assert isinstance(good, GoodRow)
    assert good.subscriber.name == "Müller"


@pytest.mark.parametrize(
    ("header", "field", "words"),
    [
        ("external_id,colour", "colour", "unknown column 'colour'"),
        ("email,name", "external_id", "is needed"),
        ("external_id,email,email", "email", "twice"),
        ("external_id;email;name", "external_id;email;name", "separated by commas"),
        ("", "header", "empty"),
        ('"external_id', "header", "not well-formed"),
    ],
)
def test_a_header_that_is_not_understood_stops_the_file_by_name(header: str, field: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        SubscriberCsv(io.BytesIO(header.encode()), VOCABULARY)
    messages = {fault.field: fault.message for fault in refused.value.errors}
    assert words in messages[field]


def test_a_row_with_broken_quoting_is_one_bad_row_between_good_ones() -> None:
    rows = read("shop-1,,a@b.example,,,,,,,,,", '"shop-2,,a@b.example,,,,,,,,,', "shop-3,,a@b.example,,,,,,,,,")
    assert [(row.line, isinstance(row, GoodRow)) for row in rows] == [(2, True), (3, False), (4, True)]


def test_a_list_with_endless_sets_of_preferences_is_read_in_bounded_memory() -> None:
    source = io.BytesIO(
        ("external_id,email,components\n" + "".join(f"s-{n},a@b.example,{'api;' * n}\n" for n in range(1, 30))).encode()
    )
    reader = SubscriberCsv(source, VOCABULARY, remembered=4)
    rows = list(reader)
    assert all(isinstance(row, GoodRow) and row.subscriber.preferences.components == {"api"} for row in rows)
    assert len(rows) == 29
    assert len(reader._preferences) <= 4
