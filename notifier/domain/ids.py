"""Create and parse public identifiers."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime

MAX_ID = 200  # the limit of the database columns
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_DELIVERY_PREFIX = "dlv_"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648, in lower case
_PAIRS = tuple(first + second for first in _BASE32 for second in _BASE32)


def new_ulid(now: datetime) -> str:
    """Return a ULID: 26 characters that sort by time (48 bits of Unix ms, 80 random bits)."""
    value = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def ulid_time(ulid: str) -> datetime:
    """Return the aware UTC time at which a ULID was created."""
    value = 0
    for letter in ulid[:10]:
        value = value << 5 | _CROCKFORD.index(letter)
    return datetime.fromtimestamp(value / 1000, tz=UTC)


def delivery_id(notification_public_id: str, recipient_key: int) -> str:
    """Return a delivery's id: the same for this recipient on every retry and every machine."""
    # Base 32 of the key's 8 bytes, two letters at a time: base64.b32encode takes five times as
    # long, and this runs for every recipient of every mail.
    bits = recipient_key << 1
    return (
        f"{_DELIVERY_PREFIX}{notification_public_id.removeprefix('ntf_')}_"
        f"{_PAIRS[bits >> 55]}{_PAIRS[bits >> 45 & 1023]}{_PAIRS[bits >> 35 & 1023]}{_PAIRS[bits >> 25 & 1023]}"
        f"{_PAIRS[bits >> 15 & 1023]}{_PAIRS[bits >> 5 & 1023]}{_BASE32[bits & 31]}"
    )


def parse_delivery_id(text: str) -> tuple[str, int] | None:
    """Return (notification public id, recipient key), or None if `text` is not a delivery id."""
    notification, separator, key = text.removeprefix(_DELIVERY_PREFIX).rpartition("_")
    if not text.startswith(_DELIVERY_PREFIX) or not separator or len(key) != 13:  # noqa: PLR2004 - 8 bytes in base 32
        return None
    try:
        number = int.from_bytes(base64.b32decode(key.upper() + "==="), "big")
    except ValueError:
        return None
    found = f"ntf_{notification}", number
    # 13 letters encode more than 64 bits, and the ledger's keys have 63: accept only what
    # re-encodes to the same text.
    return found if number < 1 << 63 and delivery_id(*found) == text else None


def normalize_address(email: str) -> str:
    """Normalize an address so that spellings of one mailbox compare equal: trimmed, lower case."""
    return email.strip().lower()


def address_key(pepper: bytes, email: str) -> int:
    """Return the 63-bit keyed hash that represents a mailbox in the ledger.

    It cannot be reversed without the installation's pepper, so the ledger holds no personal data.
    Equal addresses give equal keys, so one address is one delivery. Keys are evenly distributed, so
    ranges of keys split an audience evenly. Two of 10 million addresses collide with probability
    5e-6 (docs/decisions/0004).
    """
    digest = hmac.digest(pepper, normalize_address(email).encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") >> 1


def digest(*parts: str) -> str:
    """Return 32 hexadecimal digits that identify these texts in this order."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def identifier(*parts: str) -> str:
    """Join parts with colons to an id of at most 200 characters; hashes the end if too long."""
    whole = ":".join(parts)
    return whole if len(whole) <= MAX_ID else f"{whole[: MAX_ID - 33]}:{digest(whole)}"
