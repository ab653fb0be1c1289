"""Session tokens: JWTs signed with HMAC-SHA256, which any client can decode."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from secrets import token_bytes, token_hex
from typing import Any

import orjson

from notifier.sandbox.bluesky.errors import Refused

ACCESS, REFRESH = "com.atproto.appPass", "com.atproto.refresh"
_TYPES = {ACCESS: "at+jwt", REFRESH: "refresh+jwt"}
_GRACE = 7_200.0  # seconds that a used refresh token stays valid
_PARTS = 3


class Tokens:
    """Issues and verifies the tokens of one server."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._used: dict[str, float] = {}  # jti of a used refresh token -> its expiry

    def issue(self, did: str, scope: str, now: float, life: float) -> str:
        """Return a token for an account. `life` is in seconds."""
        header = {"typ": _TYPES[scope], "alg": "HS256"}
        payload = {
            "scope": scope,
            "sub": did,
            "aud": "did:web:sandbox.example",
            "iat": int(now),
            "exp": int(now + life),
        }
        signed = b".".join(_part(one) for one in (header, payload | {"jti": token_hex(16)}))
        return (signed + b"." + _trimmed(hmac.digest(self._key, signed, sha256))).decode()

    def subject(self, token: str, scope: str, now: float) -> str:
        """Return the DID of a token's account.

        Raises:
            Refused: 400 `InvalidToken` or `ExpiredToken`.
        """
        payload = self._payload(token)
        if payload.get("scope") != scope:
            raise Refused(400, "InvalidToken", "Bad token scope")
        if payload["exp"] <= now:
            raise Refused(400, "ExpiredToken", "Token has expired")
        if self._used.get(payload["jti"], now + 1) <= now:
            raise Refused(400, "ExpiredToken", "Token has been revoked")
        subject: str = payload["sub"]
        return subject

    def use(self, token: str, now: float) -> None:
        """Mark a refresh token as used: it stays valid for `_GRACE` seconds only."""
        self._used.setdefault(self._payload(token)["jti"], now + _GRACE)

    def revoke(self, token: str, now: float) -> None:
        """Revoke a refresh token at once."""
        self._used[self._payload(token)["jti"]] = now

    def _payload(self, token: str) -> dict[str, Any]:
        signed, _, signature = token.encode().rpartition(b".")
        expected = _trimmed(hmac.digest(self._key, signed, sha256))
        if token.count(".") != _PARTS - 1 or not hmac.compare_digest(signature, expected):
            raise Refused(400, "InvalidToken", "Token could not be verified")
        middle = signed.split(b".")[1]
        try:
            payload: dict[str, Any] = orjson.loads(urlsafe_b64decode(middle + b"=" * (-len(middle) % 4)))
        except (Base64Error, orjson.JSONDecodeError):
            raise Refused(400, "InvalidToken", "Token could not be verified") from None
        return payload


def _part(value: dict[str, Any]) -> bytes:
    return _trimmed(orjson.dumps(value))


def _trimmed(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
