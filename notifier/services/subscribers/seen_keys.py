"""Which names a long list has brought already, in 16 bytes each."""

from array import array

_EMPTY = 0
_FIRST_SIZE = 1 << 12


class SeenKeys:
    """A set of texts that remembers hashes only: two of a million differ with a chance of 1 in 37 million.

    A Python set of a million names takes 100 MB; this takes 16. It only counts, nothing is decided by it.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._slots = _empty(_FIRST_SIZE)
        self._mask = _FIRST_SIZE - 1
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, text: str) -> bool:
        """Remember a text; True when it was known already."""
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
    """Return so many empty slots, without making as many bytes first."""
    return array("Q", [_EMPTY]) * size
