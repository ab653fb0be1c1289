"""Standard Webhooks 1.0 signatures.

HMAC-SHA256 (`v1`, secrets `whsec_...`) and ed25519 (`v1a`, keys `whsk_...`).

Source: the specification's chapter "Verifying webhook authenticity"
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notifier.channels.webhook_keys import HMAC_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX, SEED_BYTES, encoded, public_bytes
from notifier.domain.errors import FieldError, InvalidInputError

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
HMAC_BYTES = range(24, 65)  # the specification: between 192 and 512 bits
_KNOWN_KEYS = 32_768
_PAIR_BYTES = 64  # seed and public key: the secret key format of libsodium and Svix


def public_key(secret: str) -> str | None:
    """Return the public key `whpk_...` of a private key, or None for a shared secret.

    Raises:
        InvalidInputError: the secret is invalid.
    """
    if secret.startswith(PRIVATE_PREFIX):
        return PUBLIC_PREFIX + encoded(public_bytes(_seed(secret)))
    check_secret(secret)
    return None


def check_secret(secret: str) -> None:
    """Reject a secret that cannot sign when it is stored, not when the first message is due.

    Raises:
        InvalidInputError: unknown prefix, not base64, wrong length, or a public half that does not
            match the private half.
    """
    sign("check", 0, b"", secret)


def sign(message_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """Return one signature, `v1,<base64>` or `v1a,<base64>`, of `<id>.<timestamp>.<body>`.

    Args:
        message_id: The delivery's id. Must not contain a dot, which separates it from the time.
        timestamp: Unix seconds of this attempt.
        body: The exact bytes sent.
        secret: `whsec_...` (24 to 64 bytes) or `whsk_...` (seed, or seed and public key).

    Raises:
        InvalidInputError: the secret or the id is invalid. Never quotes the secret.
    """
    if not message_id or "." in message_id:
        raise InvalidInputError([FieldError("id", "a webhook id may not be empty or hold a dot")])
    signed = f"{message_id}.{timestamp}.".encode() + body
    if secret.startswith(HMAC_PREFIX):
        return "v1," + encoded(hmac.digest(_hmac_key(secret), signed, "sha256"))
    if secret.startswith(PRIVATE_PREFIX):
        return "v1a," + encoded(Ed25519PrivateKey.from_private_bytes(_seed(secret)).sign(signed))
    raise _refused(f"must begin with {HMAC_PREFIX} or {PRIVATE_PREFIX}")


def signature_headers(message_id: str, now: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the three signature headers of one attempt.

    Signs with every secret, so that verification works before and after a rotation.

    Args:
        message_id: The same on every attempt.
        now: Aware time of this attempt; a receiver would refuse an old one as a replay.
        body: The exact bytes sent.
        secrets: At least one, newest first.

    Raises:
        InvalidInputError: no secret, or an invalid one.
    """
    if not secrets:
        raise _refused("an endpoint needs at least one")
    timestamp = int(now.timestamp())
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join([sign(message_id, timestamp, body, secret) for secret in secrets]),
    }


@lru_cache(maxsize=_KNOWN_KEYS)
def _hmac_key(secret: str) -> bytes:
    key = _decoded(secret[len(HMAC_PREFIX) :])
    if len(key) not in HMAC_BYTES:
        raise _refused(f"must hold {HMAC_BYTES.start} to {HMAC_BYTES.stop - 1} bytes")
    return key


def _seed(secret: str) -> bytes:
    key = _decoded(secret[len(PRIVATE_PREFIX) :])
    if len(key) not in (SEED_BYTES, _PAIR_BYTES):
        raise _refused(f"must hold {SEED_BYTES} or {_PAIR_BYTES} bytes")
    seed, public = key[:SEED_BYTES], key[SEED_BYTES:]
    if public and public != public_bytes(seed):
        raise _refused("the public half does not belong to the private half")
    return seed


def _decoded(text: str) -> bytes:
    """Decode base64 strictly, padded or not; the reference library accepts both."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: non-ASCII characters
        raise _refused("is not base64") from None


def _refused(why: str) -> InvalidInputError:
    return InvalidInputError([FieldError("secret", why)])
