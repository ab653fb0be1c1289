"""The pictures of posts, stored with their alternative texts for the pages and for tests."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_KEPT = 500  # the newest; a long run must not exhaust memory


@dataclass(slots=True)
class Kept:
    """One picture. `kind` is its media type."""

    kind: str
    data: bytes
    alt: str = ""


class Pictures:
    """Pictures by the platform's id."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, key: str, kind: str, data: bytes, alt: str = "") -> None:
        """Store a picture."""
        self._kept[key] = Kept(kind, data, alt)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def describe(self, key: str, alt: str) -> bool:
        """Set a picture's alternative text; return False if there is no such picture."""
        found = self._kept.get(key)
        if found is not None:
            found.alt = alt
        return found is not None

    def find(self, key: str) -> Kept | None:
        """Return a picture if it is still stored."""
        return self._kept.get(key)

    def rows(self, keys: Iterable[str], alts: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return the pictures of a post as JSON; `alts` if the post itself has their texts."""
        given = list(alts) if alts is not None else None
        rows = []
        for index, key in enumerate(keys):
            found = self._kept.get(key, Kept("", b""))
            alt = given[index] if given is not None else found.alt
            rows.append({"url": f"/sandbox/pictures/{key}", "type": found.kind, "bytes": len(found.data), "alt": alt})
        return rows

    def clear(self) -> None:
        """Drop all."""
        self._kept.clear()
