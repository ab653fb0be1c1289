"""One account's repository: records by collection and key, each with its CID, and revisions."""

from dataclasses import dataclass, field
from typing import Any

from notifier.sandbox.bluesky.cid import cid_of_record
from notifier.sandbox.bluesky.errors import Refused
from notifier.sandbox.bluesky.tid import make_tid
from notifier.sandbox.credentials import BlueskyAccount
from notifier.sandbox.limits import Window

Place = tuple[str, str]  # collection, record key


@dataclass(slots=True, kw_only=True)
class Record:
    """One record. Times are Unix seconds; `replaced` counts changes of its content."""

    place: Place
    value: dict[str, Any]
    cid: str
    written_at: float
    replaced: int = 0
    deleted_at: float | None = None


@dataclass(slots=True)
class Repo:
    """The records and rate windows of one account."""

    account: BlueskyAccount
    records: dict[Place, Record] = field(default_factory=dict)
    deleted: list[Record] = field(default_factory=list)
    windows: dict[str, Window] = field(default_factory=dict)
    commits: int = 0
    repeats: int = 0  # puts of unchanged content

    def forget(self) -> None:
        """Drop all records."""
        self.records.clear()
        self.deleted.clear()
        self.repeats = 0

    @property
    def head(self) -> dict[str, str]:
        """The newest commit: `cid` and `rev`."""
        rev = make_tid(1_600_000_000_000_000 + self.commits, 0)
        return {"cid": cid_of_record({"did": self.account.did, "rev": rev, "version": 3}), "rev": rev}

    def uri(self, place: Place) -> str:
        """Return a record's at-uri."""
        return f"at://{self.account.did}/{place[0]}/{place[1]}"

    def check_swap(self, place: Place, body: dict[str, Any]) -> None:
        """Check the `swapRecord` and `swapCommit` of a write.

        Raises:
            Refused: 400 `InvalidSwap`.
        """
        found = self.records.get(place)
        there = found.cid if found else None
        if "swapRecord" in body and body["swapRecord"] != there:
            raise Refused(400, "InvalidSwap", f"Record was at {there or 'null'}")
        if body.get("swapCommit") not in (None, self.head["cid"]):
            raise Refused(400, "InvalidSwap", f"Commit was at {self.head['cid']}")

    def put(self, place: Place, value: dict[str, Any], now: float) -> tuple[Record, bool]:
        """Write a record; return it and whether anything changed."""
        cid = cid_of_record(value)
        found = self.records.get(place)
        if found is not None and found.cid == cid:
            self.repeats += 1
            return found, False
        self.commits += 1
        if found is None:
            found = self.records[place] = Record(place=place, value=value, cid=cid, written_at=now)
        else:
            found.value, found.cid, found.replaced = value, cid, found.replaced + 1
        return found, True

    def delete(self, place: Place, now: float) -> bool:
        """Delete a record; return False if there was none."""
        found = self.records.pop(place, None)
        if found is None:
            return False
        found.deleted_at = now
        self.deleted.append(found)
        self.commits += 1
        return True
