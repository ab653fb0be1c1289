"""Accepted mail: complete requests up to a size limit, and counts of everything."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from secrets import token_urlsafe
from typing import Any

import orjson

from notifier.sandbox.ledger import Ledger
from notifier.sandbox.live import Live
from notifier.sandbox.sendgrid.expand import Mail, expand
from notifier.sandbox.sendgrid.schedule import Schedule
from notifier.sandbox.sendgrid.suppression import Suppressions
from notifier.sandbox.sendgrid.validate import Validation

_LOCALE = "locale-"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """One accepted request. Mails are expanded from `body` only on demand."""

    message_id: str  # the X-Message-Id
    received_at: float
    body: bytes = field(repr=False)
    addresses: str = field(repr=False)  # lower case, one line per mail, leading and trailing LF
    count: int
    locale: str

    def has(self, address: str) -> bool:
        """Whether one of the mails goes to this address."""
        return f"\n{address.lower()}\n" in self.addresses.replace(" ", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Mails of one request, sent at once or as scheduled; the input of the event model."""

    message_id: str
    categories: Sequence[str]
    indexes: Sequence[int]
    recipients: Sequence[Sequence[str]]
    args: Sequence[Mapping[str, str]]
    dropped: Mapping[str, str]  # lower-case address -> reason
    bypass: bool


@dataclass(slots=True)
class MailStore:
    """Stores validated requests and finds received mail."""

    live: Live
    ledger: Ledger
    on_arrival: Callable[[Arrived, float], None]
    suppressions: Suppressions = field(default_factory=Suppressions)
    schedule: Schedule[Arrived] = field(default_factory=Schedule)
    retained: OrderedDict[str, MailRequest] = field(default_factory=OrderedDict)
    refusals: deque[dict[str, Any]] = field(default_factory=deque)
    requests: int = 0
    mails: int = 0
    dropped: int = 0
    discarded: int = 0
    _bytes: int = 0

    def accept(self, body: bytes, request: dict[str, Any], verdict: Validation, now: float) -> str:
        """Store a valid request; return its X-Message-Id (22 URL-safe characters)."""
        message_id = token_urlsafe(16)
        record = MailRequest(
            message_id=message_id,
            received_at=now,
            body=body,
            addresses="\n" + "\n".join(map(" ".join, verdict.recipients)).lower() + "\n",
            count=len(verdict.recipients),
            locale=next((c[len(_LOCALE) :] for c in request.get("categories", ()) if c.startswith(_LOCALE)), ""),
        )
        self._retain(record)
        self.requests += 1
        for due, arrived in _by_due_time(request, verdict, message_id, now):
            if due is None:
                self._arrive(arrived, record.locale, now)
            else:
                self.schedule.hold(due, request.get("batch_id"), arrived)
        return message_id

    def release(self, now: float) -> None:
        """Send scheduled mail that is due."""
        for _, arrived, fate in self.schedule.release(now):
            if fate == "discard":
                self.discarded += len(arrived.recipients)
            else:
                record = self.retained.get(arrived.message_id)
                self._arrive(arrived, record.locale if record else "", now)

    def refuse(self, status: int, errors: list[dict[str, Any]], now: float) -> None:
        """Record a refused request."""
        self.ledger.refuse("email", status)
        self.refusals.append({"at": now, "status": status, "errors": errors[:20]})
        while len(self.refusals) > min(self.live.config.record_limit, 200):
            self.refusals.popleft()

    def forget(self) -> None:
        """Drop received and scheduled mail; suppressions, batches and their states stay."""
        self.retained.clear()
        self.refusals.clear()
        self.schedule.forget()
        self.requests = self.mails = self.dropped = self.discarded = self._bytes = 0

    def find(self, mail_id: str) -> tuple[MailRequest, Mail] | None:
        """Return the mail with this id (`<message id>.<index>`) if its request is still stored."""
        message_id, _, index = mail_id.rpartition(".")
        record = self.retained.get(message_id)
        if record is None or not index.isdecimal() or int(index) >= record.count:
            return None
        return record, self.expand(record, int(index))

    def newest(self, *, address: str = "", locale: str = "") -> Iterator[tuple[MailRequest, int]]:
        """Yield stored mails (request, index), newest first, optionally of an address or locale."""
        for record in reversed(self.retained.values()):
            if (locale and record.locale != locale) or (address and not record.has(address)):
                continue
            lines = record.addresses[1:-1].split("\n") if address else None
            for index in range(record.count - 1, -1, -1):
                if lines is None or address.lower() in lines[index].split(" "):
                    yield record, index

    def expand(self, record: MailRequest, index: int) -> Mail:
        """Return one mail of a stored request."""
        merge = self.live.config.sendgrid.merge_headers
        return expand(_parsed(record.body), index, record.message_id, merge_headers=merge)

    def _retain(self, record: MailRequest) -> None:
        self.retained[record.message_id] = record
        self._bytes += len(record.body) + len(record.addresses)
        while len(self.retained) > 1 and self._bytes > self.live.config.retained_bytes:
            _, oldest = self.retained.popitem(last=False)
            self._bytes -= len(oldest.body) + len(oldest.addresses)

    def _arrive(self, arrived: Arrived, locale: str, now: float) -> None:
        addresses = [address.lower() for found in arrived.recipients for address in found]
        notifications = [args.get("notification_id", "") for args in arrived.args]
        self.mails += len(arrived.recipients)
        self.ledger.locales[locale] += len(arrived.recipients)
        self.ledger.deliver("email", [args.get("delivery_id") for args in arrived.args])
        self.ledger.notify("email", notifications, now)
        self.ledger.addresses.update(map(hash, addresses))
        first = [found[0].lower() for found in arrived.recipients]
        self.ledger.mails.update(map(hash, zip(first, notifications, strict=True)))
        if not arrived.bypass:
            arrived = replace(arrived, dropped=self.suppressions.drops(addresses))
            self.dropped += len(arrived.dropped)
        self.on_arrival(arrived, now)


@lru_cache(maxsize=8)
def _parsed(body: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(body)
    return parsed


def _by_due_time(
    request: dict[str, Any], verdict: Validation, message_id: str, now: float
) -> Iterator[tuple[float | None, Arrived]]:
    """Split a request by due time; None means now."""
    objects = request["personalizations"]
    groups: dict[float | None, list[int]] = {}
    if "send_at" not in request and not any("send_at" in entry for entry in objects):
        groups[None] = list(range(len(objects)))
    else:
        for index, entry in enumerate(objects):
            due = entry.get("send_at", request.get("send_at", 0))
            groups.setdefault(due if due > now else None, []).append(index)
    for group_due, indexes in groups.items():
        yield (
            group_due,
            Arrived(
                message_id=message_id,
                categories=request.get("categories", []),
                indexes=indexes,
                recipients=[verdict.recipients[index] for index in indexes],
                args=[verdict.args[index] for index in indexes],
                dropped={},
                bypass=bool(request.get("mail_settings", {}).get("bypass_list_management", {}).get("enable")),
            ),
        )
