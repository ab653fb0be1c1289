"""Record keys of posts: TIDs, 63 bits of time and clock id in 13 letters (atproto.com/specs/tid)."""

import hashlib
from datetime import UTC, datetime, timedelta

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_LETTERS = 13
_CLOCK_BITS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def tid(moment: datetime, clock_id: int) -> str:
    """Return the TID of an aware instant (to the microsecond) and a clock id of 10 bits."""
    value = ((moment - _EPOCH) // _MICROSECOND) << _CLOCK_BITS | clock_id
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))


def record_key(account: str, key: str, posted_at: datetime) -> str:
    """Return the record key of a post: the same on every attempt and machine, another for every other post.

    Times of updates are often whole seconds, and ten bits of clock id would let one in a thousand pairs of posts of the
    same second collide, the later one replacing the earlier. So the fraction of the second is taken from the hash too.
    """
    digest = int.from_bytes(hashlib.sha256(f"{account}\0{key}".encode()).digest()[:8], "big")
    micros, clock_id = divmod(digest % (1_000_000 << _CLOCK_BITS), 1 << _CLOCK_BITS)
    return tid(posted_at.replace(microsecond=micros), clock_id)
