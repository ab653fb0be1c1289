"""Verify Standard Webhooks signatures (standardwebhooks.com, "Verifying webhook authenticity")."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from hashlib import sha256

TOLERANCE = 300.0


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: float) -> str | None:
    """Return why verification fails, or None if it succeeds.

    Args:
        headers: By lower-case name.
        body: The raw body.
        secrets: `whsec_` + base64; one must match (there are two during a rotation).
        now: Unix seconds; refuse timestamps more than five minutes off.
    """
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split()
    if not message_id or not stamp or not signatures:
        return "a webhook-* header is missing"
    if not stamp.isdecimal():
        return "webhook-timestamp is not a number"
    if abs(int(stamp) - now) > TOLERANCE:
        return "webhook-timestamp is more than five minutes away"
    signed = f"{message_id}.{stamp}.".encode() + body
    expected = [f"v1,{b64encode(hmac.digest(key_of(secret), signed, sha256)).decode()}" for secret in secrets]
    if any(hmac.compare_digest(one.encode(), given.encode()) for one in expected for given in signatures):
        return None
    return "no signature matches"


def key_of(secret: str) -> bytes:
    """Return the key bytes of a `whsec_` secret.

    Raises:
        ValueError: Not base64.
    """
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except Base64Error as error:
        raise ValueError("the secret is not whsec_ followed by base64") from error
