import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.ids import (
    address_key,
    delivery_id,
    identifier,
    new_ulid,
    normalize_address,
    parse_delivery_id,
    ulid_time,
)

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
NOTIFICATION = "ntf_01h455vb4pex5vsknk084sn02q"
RECIPIENT_KEYS = st.integers(min_value=0, max_value=2**63 - 1)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_ulid_tells_the_millisecond_it_was_made(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert abs(ulid_time(new_ulid(aware)) - aware) <= timedelta(milliseconds=1)


def test_ulids_have_26_letters_and_sort_by_time() -> None:
    ulids = [new_ulid(NOON + timedelta(milliseconds=number)) for number in range(50)]
    assert ulids == sorted(ulids)
    assert {len(ulid) for ulid in ulids} == {26}


def test_two_ulids_of_one_instant_differ() -> None:
    assert len({new_ulid(NOON) for _ in range(1000)}) == 1000


@given(RECIPIENT_KEYS)
def test_a_delivery_id_is_read_back(recipient_key: int) -> None:
    assert parse_delivery_id(delivery_id(NOTIFICATION, recipient_key)) == (NOTIFICATION, recipient_key)


@given(RECIPIENT_KEYS, RECIPIENT_KEYS)
def test_two_recipients_of_a_notification_have_two_ids(one: int, other: int) -> None:
    assert (delivery_id(NOTIFICATION, one) == delivery_id(NOTIFICATION, other)) == (one == other)


@given(st.text(max_size=60) | st.from_regex(r"dlv_[a-z0-9]{0,26}_[a-z2-7]{13}", fullmatch=True))
def test_only_an_id_we_would_write_ourselves_is_read(text: str) -> None:
    found = parse_delivery_id(text)
    assert found is None or (delivery_id(*found) == text and found[1] < 2**63)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dlv_",
        "dlv_x",
        "dlv_x_",
        "x_aaaaaaaaaaaaa",
        "dlv_x_aaaaaaaaaaaa",  # 12 letters
        "dlv_x_aaaaaaaaaaaaaa",  # 14 letters
        "dlv_x_aaaaaaaaaaaa1",  # 1 is no letter of base 32
        "dlv_x_aaaaaaaaaaaab",  # a spare bit is set
        "dlv_x_AAAAAAAAAAAAA",
        "dlv_x_7777777777776",  # 64 bits, more than a key has
        "dlv_x_ééééééééééééé",
    ],
)
def test_what_is_no_delivery_id_is_refused(text: str) -> None:
    assert parse_delivery_id(text) is None


@pytest.mark.parametrize("spelling", ["owner@shop.example", " Owner@Shop.Example\n", "OWNER@SHOP.EXAMPLE"])
def test_spellings_of_one_mailbox_have_one_key(spelling: str) -> None:
    assert normalize_address(spelling) == "owner@shop.example"
    assert address_key(b"pepper", spelling) == address_key(b"pepper", "owner@shop.example")


def test_the_key_of_an_address_never_changes() -> None:
    """The ledger of an installation holds such keys: another formula would tell everybody twice."""
    assert address_key(b"pepper", "owner@shop.example") == 5407079101130301111


def test_another_pepper_gives_another_key() -> None:
    assert address_key(b"pepper", "owner@shop.example") != address_key(b"salt", "owner@shop.example")


@given(st.emails())
def test_a_key_fits_63_bits(email: str) -> None:
    assert 0 <= address_key(b"pepper", email) < 2**63


def test_keys_split_an_audience_evenly() -> None:
    halves = sum(address_key(b"pepper", f"shop-{number}@shop.example") < 2**62 for number in range(10_000))
    assert 4_800 < halves < 5_200


@given(st.integers(0, 2**63 - 1))
def test_a_delivery_id_ends_with_its_key_in_the_base_32_of_rfc_4648(key: int) -> None:
    expected = base64.b32encode(key.to_bytes(8, "big")).decode().rstrip("=").lower()
    assert delivery_id("ntf_01", key) == f"dlv_01_{expected}"


def test_identifiers_fit_their_column_and_stay_apart() -> None:
    assert identifier("cloud", "a", "b") == "cloud:a:b"
    long = identifier("x" * 150, "y" * 150)
    assert len(long) <= 200
    assert long != identifier("x" * 150, "y" * 151)
