import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from notifier.channels.webhook.signing import (
    check_secret,
    public_key,
    sign,
    signature_headers,
)
from notifier.channels.webhook_keys import KeyPair, new_key_pair, new_secret
from notifier.domain.errors import InvalidInputError

# The reference vectors: standard-webhooks' own test suites (v1) and Svix' `test_asymmetric_key_signing` (v1a).
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SEED_ONLY = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
ASYMMETRIC_SIGNATURE = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)

JUNK = [
    "",
    "whsec_",
    "whsec_%",
    "whsec_wronglength",
    "whsec_\u00e9\u00e9\u00e9\u00e9",
    "whsec_" + "A" * 31,
    "whsec_" + base64.b64encode(b"x" * 23).decode(),
    "whsec_" + base64.b64encode(b"x" * 65).decode(),
    "whsec_" + "====",
    "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsk_",
    "whsk_" + base64.b64encode(b"x" * 31).decode(),
    "whsk_" + base64.b64encode(b"x" * 64).decode(),  # the public half is not the seed's
    PRIVATE[:-8],
    PUBLIC,
    "hwsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
]


def test_the_reference_vector_of_hmac_is_reproduced() -> None:
    assert sign(ID, TIMESTAMP, BODY, SECRET) == SIGNATURE


@pytest.mark.parametrize("key", [PRIVATE, SEED_ONLY])
def test_the_reference_vector_of_ed25519_is_reproduced(key: str) -> None:
    assert sign(ID, TIMESTAMP, BODY, key) == ASYMMETRIC_SIGNATURE


def test_the_partner_gets_the_public_half_of_a_key_and_nothing_of_a_shared_secret() -> None:
    assert public_key(PRIVATE) == PUBLIC
    assert public_key(SECRET) is None


def test_the_standardwebhooks_library_verifies_what_we_sign() -> None:
    body = json.dumps({"type": "incident.created", "data": {"title": "Storing \u2013 \u00e9\u00e9n"}}).encode()
    secret = new_secret()
    headers = signature_headers("dlv_1", datetime.now(UTC), body, [secret])
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "dlv_2"})


def test_both_secrets_verify_during_a_rotation() -> None:
    old, new, stranger = new_secret(), new_secret(), new_secret()
    headers = signature_headers("dlv_1", datetime.now(UTC), b"{}", [new, old])
    assert Webhook(new).verify(b"{}", headers) == {}
    assert Webhook(old).verify(b"{}", headers) == {}
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger).verify(b"{}", headers)


def test_a_rotation_from_hmac_to_ed25519_carries_both_kinds() -> None:
    pair, secret = new_key_pair(), new_secret()
    headers = signature_headers("dlv_1", datetime.now(UTC), b"{}", [pair.private, secret])
    asymmetric, symmetric = headers["webhook-signature"].split(" ")
    assert symmetric.startswith("v1,")
    signed = f"dlv_1.{headers['webhook-timestamp']}.{{}}".encode()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(pair.public.removeprefix("whpk_")))
    key.verify(base64.b64decode(asymmetric.removeprefix("v1a,")), signed)
    assert Webhook(secret).verify(b"{}", headers) == {}


def test_the_time_is_fresh_and_the_id_constant_on_a_later_attempt() -> None:
    secret = new_secret()
    first = signature_headers("dlv_1", NOW, b"{}", [secret])
    later = signature_headers("dlv_1", NOW + timedelta(hours=5), b"{}", [secret])
    assert first["webhook-id"] == later["webhook-id"]
    assert int(later["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 5 * 3600
    assert first["webhook-signature"] != later["webhook-signature"]


@pytest.mark.parametrize("secret", JUNK)
def test_a_junk_secret_is_refused_as_input_and_never_repeated(secret: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        sign(ID, TIMESTAMP, BODY, secret)
    assert [error.field for error in caught.value.errors] == ["secret"]
    assert len(secret) < 8 or secret[6:] not in str(caught.value)
    with pytest.raises(InvalidInputError):
        check_secret(secret)
    with pytest.raises(InvalidInputError):
        public_key(secret)


@given(st.text(max_size=120))
def test_no_text_at_all_makes_signing_fail_with_another_error(text: str) -> None:
    for secret in (text, "whsec_" + text, "whsk_" + text):
        with suppress(InvalidInputError):
            assert sign(ID, TIMESTAMP, BODY, secret).startswith("v1")


def test_an_endpoint_without_secrets_cannot_be_signed_for() -> None:
    with pytest.raises(InvalidInputError):
        signature_headers("dlv_1", NOW, b"{}", [])


@pytest.mark.parametrize("message_id", ["", "a.b", "dlv_1."])
def test_an_id_that_could_be_shifted_against_the_time_is_refused(message_id: str) -> None:
    with pytest.raises(InvalidInputError):
        sign(message_id, TIMESTAMP, BODY, SECRET)


def test_new_secrets_differ_and_hold_32_bytes() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {32}


def test_a_key_pair_does_not_show_its_private_half() -> None:
    pair = new_key_pair()
    assert pair.private not in repr(pair)
    assert public_key(pair.private) == pair.public
    check_secret(pair.private)
    assert isinstance(pair, KeyPair)


def test_unpadded_secrets_sign_as_padded_ones_do() -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 25).decode()
    assert sign(ID, TIMESTAMP, BODY, secret.rstrip("=")) == sign(ID, TIMESTAMP, BODY, secret)
