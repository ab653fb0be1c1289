import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.errors import ConfigError
from notifier.services.security.secretbox import derive
from notifier.services.security.signed_tokens import (
    ExpiredTokenError,
    ForeignPurposeError,
    Purpose,
    TamperedTokenError,
    Tokens,
)

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
YEARS_LATER = NOON + timedelta(days=4_000)


def tokens(*keys: str) -> Tokens:
    return Tokens(keys or ("key",), lambda: NOON)


@given(
    st.sampled_from(Purpose),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.binary(max_size=40),
    st.datetimes(datetime(2026, 4, 1), datetime(2100, 1, 1), timezones=st.just(UTC)) | st.none(),  # noqa: DTZ001
)
def test_what_was_signed_is_read_back(
    purpose: Purpose, subject: int, detail: int, extra: bytes, expires_at: datetime | None
) -> None:
    token = tokens().sign(purpose, subject, detail, extra=extra, expires_at=expires_at)
    claim = tokens().read(purpose, token, NOON)
    assert (claim.subject, claim.detail, claim.extra) == (subject, detail, extra)
    if expires_at is None:
        assert claim.expires_at is None
    else:
        assert claim.expires_at is not None
        assert timedelta(0) <= claim.expires_at - expires_at < timedelta(seconds=1)


def test_a_token_is_short_and_needs_no_escaping_in_a_url() -> None:
    token = tokens().unsubscribe(2**40, 2**40)
    assert len(token) == 50
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.data())
def test_a_token_with_any_bit_changed_opens_nothing(data: st.DataObject) -> None:
    token = tokens().unsubscribe(7, 9)
    raw = bytearray(base64.urlsafe_b64decode(token + "=="))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    for purpose in Purpose:
        with pytest.raises(TamperedTokenError):
            tokens().read(purpose, changed, NOON)


@given(st.text(max_size=80))
def test_no_text_that_we_did_not_make_opens_anything(text: str) -> None:
    with pytest.raises(TamperedTokenError):
        tokens().read(Purpose.UNSUBSCRIBE, text, NOON)


@pytest.mark.parametrize("spelled", ["{}=", "{}\n", " {}", "{}A", "{}!"])
def test_only_the_spelling_we_made_counts(spelled: str) -> None:
    with pytest.raises(TamperedTokenError):
        tokens().read(Purpose.UNSUBSCRIBE, spelled.format(tokens().unsubscribe(7, 9)), NOON)


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.UNSUBSCRIBE])
def test_an_unsubscribe_link_opens_nothing_else(purpose: Purpose) -> None:
    with pytest.raises(ForeignPurposeError, match="unsubscribe"):
        tokens().read(purpose, tokens().unsubscribe(7, 9), NOON)


def test_a_token_opens_nothing_from_the_moment_it_expires() -> None:
    token = tokens().expiring(Purpose.CONFIRM, 7, lifetime=timedelta(hours=48))
    assert tokens().read(Purpose.CONFIRM, token, NOON + timedelta(hours=47, minutes=59)).subject == 7
    with pytest.raises(ExpiredTokenError):
        tokens().read(Purpose.CONFIRM, token, NOON + timedelta(hours=48))


def test_an_unsubscribe_link_never_expires_and_names_its_notification() -> None:
    claim = tokens().read(Purpose.UNSUBSCRIBE, tokens().unsubscribe(7, 9), YEARS_LATER)
    assert (claim.subject, claim.detail) == (7, 9)


def test_a_preferences_link_is_the_same_all_day_and_expires_after_months() -> None:
    later = Tokens(("key",), lambda: NOON + timedelta(hours=8))
    assert tokens().preferences(7, 9) == later.preferences(7, 9)
    assert tokens().read(Purpose.PREFERENCES, tokens().preferences(7, 9), NOON + timedelta(days=90)).subject == 7
    with pytest.raises(ExpiredTokenError):
        tokens().read(Purpose.PREFERENCES, tokens().preferences(7, 9), NOON + timedelta(days=92))


def test_keys_rotate_the_first_signs_and_all_verify() -> None:
    old = tokens("old").unsubscribe(7, 9)
    both = tokens("new", "old")
    assert both.read(Purpose.UNSUBSCRIBE, old, NOON).subject == 7
    assert both.unsubscribe(7, 9) == tokens("new").unsubscribe(7, 9)
    with pytest.raises(TamperedTokenError):
        tokens("new").read(Purpose.UNSUBSCRIBE, old, NOON)


def test_without_a_key_nothing_starts_and_no_key_shows_in_a_repr() -> None:
    with pytest.raises(ConfigError, match="NOTIFIER_SECRET_KEYS"):
        Tokens((), lambda: NOON)
    assert "hunter2" not in repr(tokens("hunter2"))


MANY_BYTES = "k" * 100  # longer than a block of SHA-256


@pytest.mark.parametrize(
    ("key", "unsubscribe", "of_an_address", "preferences", "signed"),
    [
        (
            "key",
            "AQAAAAAAAAAAAAAABwAAAAAAAAAJOmfCWyqbfwxTedqAnSaTKw",
            "AQAAAAAAAAAAAAAABwAAAAAAAAAJAAAAAAAAAAvQa2rBflabi6azQW1DCRIa",
            "AmpAZAAAAAAAAAAABwAAAAAAAAAJByVlwqhHV4SjGmA5ugx9lw",
            "A2nJFEAAAAEAAAAAAAAAAAAAAAADZXh0cmEeIA0xqk_9mhirM_H_Prd9",
        ),
        (
            MANY_BYTES,
            "AQAAAAAAAAAAAAAABwAAAAAAAAAJHfPkPddion4TBtwhfCc8Vg",
            "AQAAAAAAAAAAAAAABwAAAAAAAAAJAAAAAAAAAAvuxaxCSuBdHxxoAw5B8YEH",
            "AmpAZAAAAAAAAAAABwAAAAAAAAAJgqAudKPDXI88YabwWKy44w",
            "A2nJFEAAAAEAAAAAAAAAAAAAAAADZXh0cmFL1vFA-mrI2TYQl3VJVkNK",
        ),
    ],
)
def test_links_of_mails_already_sent_stay_the_same_to_the_bit(
    key: str, unsubscribe: str, of_an_address: str, preferences: str, signed: str
) -> None:
    one = tokens(key)
    assert one.unsubscribe(7, 9) == unsubscribe
    assert one.unsubscribe(7, 9, 11) == of_an_address
    assert one.preferences(7, 9) == preferences
    assert one.sign(Purpose.CONFIRM, 2**40, 3, extra=b"extra", expires_at=NOON) == signed


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_the_signature_is_hmac_sha256_of_the_token_under_the_key_of_its_purpose(subject: int, detail: int) -> None:
    raw = base64.urlsafe_b64decode(tokens("key").unsubscribe(subject, detail) + "==")
    key = derive("key", "token unsubscribe")
    assert raw[-16:] == hmac.digest(key, raw[:-16], hashlib.sha256)[:16]


def test_tokens_made_in_series_are_those_made_one_by_one() -> None:
    one = tokens()
    assert [*map(one.unsubscriber(9), (1, 2), (5, 6))] == [one.unsubscribe(1, 9, 5), one.unsubscribe(2, 9, 6)]
    assert one.read(Purpose.UNSUBSCRIBE, one.unsubscribe(1, 9, 5), NOON).address_key == 5
    assert one.read(Purpose.UNSUBSCRIBE, one.unsubscribe(1, 9), NOON).address_key is None
    assert [*map(one.preference_opener(), (1, 2), (8, 9))] == [one.preferences(1, 8), one.preferences(2, 9)]
