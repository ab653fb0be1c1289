"""Record keys of posts: TIDs, 63 bits of time and clock id (atproto.com/specs/tid)."""

import hashlib
from datetime import UTC, datetime, timedelta

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_LETTERS = 13
_CLOCK_BITS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def tid(moment: datetime, clock_id: int) -> str:
    """Return the TID of an aware time (to the microsecond) and a 10-bit clock id."""
    value = ((moment - _EPOCH) // _MICROSECOND) << _CLOCK_BITS | clock_id
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))


def record_key(account: str, key: str, posted_at: datetime) -> str:
    """Return the record key of a post: the same on every attempt and machine, unique per post.

    Updates often have times in whole seconds. With the ten bits of the clock id alone, one in a
    thousand pairs of posts of the same second would collide, and the later one replace the earlier.
    So the fraction of the second comes from the hash too.
    """
    digest = int.from_bytes(hashlib.sha256(f"{account}\0{key}".encode()).digest()[:8], "big")
    micros, clock_id = divmod(digest % (1_000_000 << _CLOCK_BITS), 1 << _CLOCK_BITS)
    return tid(posted_at.replace(microsecond=micros), clock_id)
