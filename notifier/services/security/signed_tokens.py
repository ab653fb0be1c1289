"""Signed tokens for links: each has a subject and a purpose, cannot be forged, and may expire.

A token is base64url of

    purpose (1 byte) | expiry, Unix seconds, 0 = never (4) | subject (8) | detail (8) | extra (0 or more) | MAC (16)

The MAC is HMAC-SHA256 truncated to 128 bits (RFC 2104 section 5), under a key derived for the
purpose, so a token is invalid for any other purpose. It has no email address. Signing takes a few
microseconds: each recipient of each mail needs two.
"""

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from notifier.domain.errors import ConfigError, NotifierError
from notifier.services.ports import Clock
from notifier.services.security.secretbox import derive

_BODY = struct.Struct(">BIQQ")
_BODY_AND_ADDRESS = struct.Struct(">BIQQQ")
_ADDRESS_BYTES = 8
_MAC_BYTES = 16
_MAX_LENGTH = 500
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")
_DAY = 86_400
_PREFERENCES_DAYS = 90
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(IntEnum):
    """A link's purpose. The numbers are in mails already sent: never change or reuse one."""

    UNSUBSCRIBE = 1  # never expires: a mail may be read years later (RFC 8058)
    PREFERENCES = 2
    CONFIRM = 3
    ADDRESS_CHANGE = 4
    MANAGE = 5
    FORM = 6
    RESUBSCRIBE = 7  # one hour, on the confirmation page of an unsubscription


class TokenError(NotifierError):
    """An invalid link. The subclasses differ for logs and tests; readers see the same answer."""


class TamperedTokenError(TokenError):
    """Forged, altered, or signed with a key that is not listed any more."""


class ForeignPurposeError(TokenError):
    """A token for another purpose."""


class ExpiredTokenError(TokenError):
    """A valid token that has expired."""


class _Key:
    """HMAC-SHA256 under one key, truncated to 128 bits; keeps the state after hashing the key."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def mac(self, body: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(body)
        return keyed.digest()[:_MAC_BYTES]


@dataclass(frozen=True, slots=True)
class Claim:
    """A token's content: `subject` is a subscriber's row id; `detail`, `extra` vary by purpose."""

    subject: int
    detail: int
    extra: bytes
    expires_at: datetime | None

    @property
    def address_key(self) -> int | None:
        """The hash of an unsubscribe link's address; None for an older link without one."""
        return int.from_bytes(self.extra, "big") if len(self.extra) == _ADDRESS_BYTES else None


class Tokens:
    """Signs with the first key; verifies with all keys."""

    def __init__(self, keys: Sequence[str], clock: Clock) -> None:
        """Derive the keys once; `keys` are NOTIFIER_SECRET_KEYS, newest first.

        Raises:
            ConfigError: there is no key.
        """
        if not keys:
            raise ConfigError("NOTIFIER_SECRET_KEYS", "at least one key is needed")
        self._clock = clock
        self._keys = {
            purpose: tuple(_Key(derive(key, f"token {purpose.name.lower()}")) for key in keys) for purpose in Purpose
        }

    def __repr__(self) -> str:
        return f"Tokens({len(self._keys[Purpose.UNSUBSCRIBE])} keys)"

    def sign(
        self, purpose: Purpose, subject: int, detail: int = 0, *, extra: bytes = b"", expires_at: datetime | None = None
    ) -> str:
        """Return a token; `expires_at` is an aware instant, rounded up to a second; None: never."""
        expiry = 0 if expires_at is None else -int(-expires_at.timestamp() // 1)
        return self._signed(purpose, expiry, subject, detail, extra)

    def _signed(self, purpose: Purpose, expiry: int, subject: int, detail: int, extra: bytes = b"") -> str:
        body = _BODY.pack(purpose, expiry, subject, detail) + extra
        return _encoded(body + self._keys[purpose][0].mac(body))

    def read(self, purpose: Purpose, token: str, now: datetime) -> Claim:
        """Verify a token and return its content.

        Raises:
            TamperedTokenError, ForeignPurposeError, ExpiredTokenError: it is invalid, for another
                purpose, or expired.
        """
        raw = _decode(token)
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        found, expiry, subject, detail = _BODY.unpack_from(body)
        if found not in self._keys or not self._is_ours(Purpose(found), body, mac):
            raise TamperedTokenError("not a link of ours")
        if found != purpose:
            raise ForeignPurposeError(f"a link for {Purpose(found).name.lower()}, not for {purpose.name.lower()}")
        expires_at = datetime.fromtimestamp(expiry, tz=UTC) if expiry else None
        if expires_at is not None and now >= expires_at:
            raise ExpiredTokenError("this link has expired")
        return Claim(subject, detail, body[_BODY.size :], expires_at)

    def _is_ours(self, purpose: Purpose, body: bytes, mac: bytes) -> bool:
        """Compare with every key in constant time, without stopping at a match."""
        matches = [hmac.compare_digest(key.mac(body), mac) for key in self._keys[purpose]]
        return any(matches)

    def unsubscribe(self, subscriber_id: int, notification_id: int, address_key: int | None = None) -> str:
        """Return the permanent token of a mail's unsubscribe link; `detail`: notification or 0.

        It has the hash of the mail's address, which it unsubscribes even if the subscriber moves.
        None: as in mails sent before November 2026, whose links have no address.
        """
        if address_key is None:
            return self.sign(Purpose.UNSUBSCRIBE, subscriber_id, notification_id)
        return self.unsubscriber(notification_id)(subscriber_id, address_key)

    def unsubscriber(self, notification_id: int) -> Callable[[int, int], str]:
        """Return a function that makes such tokens for many subscribers and addresses."""
        mac, pack = self._keys[Purpose.UNSUBSCRIBE][0].mac, _BODY_AND_ADDRESS.pack

        def signed(subject: int, address_key: int) -> str:
            body = pack(Purpose.UNSUBSCRIBE, 0, subject, notification_id, address_key)
            return _encoded(body + mac(body))

        return signed

    def preferences(self, subscriber_id: int, address_key: int) -> str:
        """Return a token for the preferences page: valid for 90 days, the same all day for retries.

        `detail` is the hash of the link's address: it does not work for a subscriber who has moved,
        nor for the address's next owner. 0 for a subscriber without address.
        """
        return self.preference_opener()(subscriber_id, address_key)

    def preference_opener(self) -> Callable[[int, int], str]:
        """Return a function that makes such tokens for many subscribers and addresses."""
        day = int(self._clock().timestamp()) // _DAY
        expiry = (day + _PREFERENCES_DAYS + 1) * _DAY
        mac, pack = self._keys[Purpose.PREFERENCES][0].mac, _BODY.pack

        def signed(subject: int, detail: int) -> str:
            body = pack(Purpose.PREFERENCES, expiry, subject, detail)
            return _encoded(body + mac(body))

        return signed

    def expiring(self, purpose: Purpose, subject: int, detail: int = 0, *, lifetime: timedelta) -> str:
        """Return a token that is valid for `lifetime` from now."""
        return self.sign(purpose, subject, detail, expires_at=self._clock() + lifetime)


def _encoded(raw: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5)."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def _decode(token: str) -> bytes:
    refused = TamperedTokenError("not a link of ours")
    if len(token) > _MAX_LENGTH or not _ALPHABET.fullmatch(token):
        raise refused
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError) as error:
        raise refused from error
    # The last character has spare bits: accept only the canonical encoding.
    if len(raw) < _BODY.size + _MAC_BYTES or _encoded(raw) != token:
        raise refused
    return raw
