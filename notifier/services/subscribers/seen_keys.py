"""Track the external ids of a long list, in 16 bytes each."""

from array import array

_EMPTY = 0
_FIRST_SIZE = 1 << 12


class SeenKeys:
    """A set of hashes: the chance of a collision among a million keys is 1 in 37 million.

    A Python set of a million ids takes 100 MB; this takes 16. Used for counting only.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._slots = _empty(_FIRST_SIZE)
        self._mask = _FIRST_SIZE - 1
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, text: str) -> bool:
        """Add a text; True if it was present."""
        fingerprint = (hash(text) & 0xFFFF_FFFF_FFFF_FFFF) or 1
        slots, mask = self._slots, self._mask
        index = fingerprint & mask
        while (found := slots[index]) != fingerprint:  # open addressing, linear probing
            if found == _EMPTY:
                slots[index] = fingerprint
                self._used += 1
                if self._used * 2 > mask:
                    self._grow()
                return False
            index = index + 1 & mask
        return True

    def _grow(self) -> None:
        old = self._slots
        self._slots = slots = _empty(len(old) * 2)
        self._mask = mask = len(slots) - 1
        for fingerprint in old:
            if fingerprint != _EMPTY:
                index = fingerprint & mask
                while slots[index] != _EMPTY:
                    index = index + 1 & mask
                slots[index] = fingerprint


def _empty(size: int) -> "array[int]":
    """Return an array of empty slots, without a temporary bytes object of the same size."""
    return array("Q", [_EMPTY]) * size
