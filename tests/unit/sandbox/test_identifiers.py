"""TIDs, content identifiers, account ids, credentials."""

import pytest
from libipld import decode_cid, encode_dag_cbor

from notifier.domain.values import Platform
from notifier.sandbox import credentials
from notifier.sandbox.bluesky.cid import _encode, cid_of_blob, cid_of_record
from notifier.sandbox.bluesky.tid import is_tid, make_tid
from notifier.settings import sandbox as product


def test_tid_of_a_moment_is_the_one_of_the_specification() -> None:
    assert make_tid(1_785_578_400_000_000, 517) == "3mrz7j62e22k7"
    assert make_tid(0, 0) == "2222222222222"


def test_tids_grow_with_time_and_are_tids() -> None:
    tids = [make_tid(microseconds, 3) for microseconds in (0, 1, 1_785_578_400_000_000, 2**53 - 1)]
    assert tids == sorted(tids)
    assert all(is_tid(tid) for tid in tids)


@pytest.mark.parametrize(
    "value",
    [
        {"text": "Störung", "createdAt": "2026-08-01T10:00:00.000Z"},
        {"bb": 1, "a": {"c": None, "aaa": [True, False, 1.5]}, "$type": "x"},
        {"numbers": [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53, -1, -24, -25, -(2**33)]},
        {"long": "é" * 300, "list": list(range(300))},
    ],
)
def test_records_are_encoded_as_the_reference_library_does(value: dict[str, object]) -> None:
    assert _encode(value) == encode_dag_cbor(value)


def test_content_identifiers_can_be_read_by_the_reference_library() -> None:
    record = decode_cid(cid_of_record({"a": 1}))
    assert (record["version"], record["codec"], record["hash"]["code"]) == (1, 0x71, 0x12)
    assert decode_cid(cid_of_blob(b"x"))["codec"] == 0x55
    link = {"root": {"$link": cid_of_record({"a": 1})}}
    assert cid_of_record(link) != cid_of_record({"root": cid_of_record({"a": 1})})


def test_product_and_sandbox_derive_the_same_credentials() -> None:
    keys = {
        platform: {
            name: secret.get_secret_value() for name, secret in product.sandbox_credentials(platform, "x-nl").items()
        }
        for platform in Platform
    }
    x, mastodon, bluesky = (
        credentials.x_account("x-nl"),
        credentials.mastodon_account("x-nl"),
        credentials.bluesky_account("x-nl"),
    )
    assert keys[Platform.X] == {
        "CONSUMER_KEY": x.consumer_key,
        "CONSUMER_SECRET": x.consumer_secret,
        "ACCESS_TOKEN": x.access_token,
        "ACCESS_TOKEN_SECRET": x.access_token_secret,
    }
    assert keys[Platform.MASTODON] == {"ACCESS_TOKEN": mastodon.access_token}
    assert keys[Platform.BLUESKY] == {"HANDLE": bluesky.handle, "APP_PASSWORD": bluesky.app_password}
    assert product.SENDGRID_API_KEY.get_secret_value() == credentials.SENDGRID_API_KEY


@pytest.mark.parametrize("name", ["x-nl", "a", "met-streepjes-123", "x-sandbox-token-y"])
def test_account_is_found_again_by_what_was_derived_from_its_name(name: str) -> None:
    x, mastodon, bluesky = (
        credentials.x_account(name),
        credentials.mastodon_account(name),
        credentials.bluesky_account(name),
    )
    assert credentials.x_account_of(x.access_token) == x
    assert credentials.x_account_of_bearer(x.bearer_token) == x
    assert credentials.mastodon_account_of(mastodon.access_token) == mastodon
    assert credentials.bluesky_account_of(bluesky.handle) == bluesky


@pytest.mark.parametrize(
    "token", ["", "nonsense", "sandbox-token-", "12-sandbox-token-x-nl", "sandbox-bearer-", ".sandbox.example"]
)
def test_anything_else_is_no_account(token: str) -> None:
    assert credentials.x_account_of(token) is None
    assert credentials.x_account_of_bearer(token) is None
    assert credentials.mastodon_account_of(token) is None
    assert credentials.bluesky_account_of(token) is None


def test_secrets_do_not_show() -> None:
    account = credentials.x_account("x-nl")
    assert account.consumer_secret not in repr(account)
    assert account.access_token_secret not in repr(account)
    assert credentials.mastodon_account("m").access_token not in repr(credentials.mastodon_account("m"))


def test_did_is_well_formed_and_differs_by_handle() -> None:
    one, other = credentials.bluesky_account("a").did, credentials.bluesky_account("b").did
    assert one != other
    assert one.startswith("did:plc:")
    assert len(one) == 32
