"""Posts: their text, place and cost, per social account. One row per post, past or present."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, case, func, select, update

from notifier.domain.messages.message import PostReceipt
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.types import AnyRow

INTENDED, PUBLISHED, WITHDRAWN = "intended", "published", "withdrawn"
_MILLION = 1_000_000


class AccountRow(NamedTuple):
    """One account of a social batch."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPost:
    """One post. `part` is its index within its delivery; an empty receipt id: location unknown."""

    id: int
    notification_id: int
    recipient_key: int
    part: int
    incident_id: str
    account: str
    platform: str
    locale: str
    text: str
    receipt: PostReceipt
    state: str
    published_at: datetime
    changed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    """A post about to be sent, or just published."""

    notification_id: int
    recipient_key: int
    part: int
    incident_id: str
    account: str
    platform: str
    locale: str
    text: str
    receipt: PostReceipt


def intend(connection: Connection, post: NewPost, wording: dict[str, Any], now: datetime) -> None:
    """Store the exact text of a post about to be sent."""
    _write(connection, post, {"state": INTENDED, "extra": {"wording": wording}}, now)


def add(connection: Connection, post: NewPost, now: datetime) -> None:
    """Store a post. A withdrawn post that is published again reuses its row."""
    _write(connection, post, {"state": PUBLISHED, "extra": dict(post.receipt.extra)}, now)


def _write(connection: Connection, post: NewPost, more: dict[str, Any], now: datetime) -> None:
    receipt = post.receipt
    facts: dict[str, Any] = {
        "locale": post.locale,
        "text": post.text,
        "provider_id": receipt.id,
        "url": receipt.url,
        "cost": int(Decimal(receipt.extra.get("cost_usd", "0")) * _MILLION),
        "published_at": now,
        "changed_at": None,
        **more,
    }
    statement = insert(connection, t.post).values(
        notification_id=post.notification_id,
        recipient_key=post.recipient_key,
        part=post.part,
        incident_id=post.incident_id,
        account=post.account,
        platform=post.platform,
        **facts,
    )
    again = {**facts, "cost": t.post.c.cost + facts["cost"]}
    keys = ["notification_id", "recipient_key", "part"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=again))


def _stored(row: AnyRow) -> StoredPost:
    return StoredPost(
        id=row.id,
        notification_id=row.notification_id,
        recipient_key=row.recipient_key,
        part=row.part,
        incident_id=row.incident_id,
        account=row.account,
        platform=row.platform,
        locale=row.locale,
        text=row.text,
        receipt=PostReceipt(id=row.provider_id, url=row.url, extra=row.extra),
        state=row.state,
        published_at=row.published_at,
        changed_at=row.changed_at,
    )


def get(connection: Connection, post_id: int) -> StoredPost | None:
    """Return a post by its id."""
    statement = select(t.post).where(t.post.c.id == post_id, t.post.c.state != INTENDED)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _stored(row)


def of_delivery(connection: Connection, notification_id: int, recipient_key: int) -> list[StoredPost]:
    """Return the public posts of one delivery, in order."""
    p = t.post.c
    statement = (
        select(t.post)
        .where(p.notification_id == notification_id, p.recipient_key == recipient_key, p.state == PUBLISHED)
        .order_by(p.part)
    )
    return [_stored(row) for row in connection.execute(statement)]


def intended(connection: Connection, notification_id: int, recipient_key: int) -> dict[int, dict[str, Any]]:
    """Return, by part, the text of posts whose outcome is not known yet."""
    p = t.post.c
    statement = select(p.part, p.extra).where(
        p.notification_id == notification_id, p.recipient_key == recipient_key, p.state == INTENDED
    )
    return {row.part: row.extra["wording"] for row in connection.execute(statement)}


def thread(connection: Connection, incident_id: str, recipient_key: int) -> list[PostReceipt]:
    """Return an account's public posts about an incident, oldest first: the thread to reply to."""
    p = t.post.c
    statement = (
        select(p.provider_id, p.url, p.extra)
        .where(p.incident_id == incident_id, p.recipient_key == recipient_key, p.state == PUBLISHED)
        .where(p.provider_id != "")  # it exists, but its location is unknown
        .order_by(p.id)
    )
    return [PostReceipt(id=row.provider_id, url=row.url, extra=row.extra) for row in connection.execute(statement)]


def page(connection: Connection, *, incident_id: str | None, before: int | None, limit: int) -> Sequence[StoredPost]:
    """Return posts, newest first, with ids below `before`."""
    p = t.post.c
    statement = select(t.post).where(p.state != INTENDED).order_by(p.id.desc()).limit(limit)
    if incident_id is not None:
        statement = statement.where(p.incident_id == incident_id)
    if before is not None:
        statement = statement.where(p.id < before)
    return [_stored(row) for row in connection.execute(statement)]


def edited(connection: Connection, post_id: int, text: str, receipt: PostReceipt, now: datetime) -> None:
    """Store a new text; a platform may give an edited post a new id and URL."""
    values = {"text": text, "provider_id": receipt.id, "url": receipt.url, "changed_at": now}
    connection.execute(update(t.post).where(t.post.c.id == post_id).values(**values, extra=dict(receipt.extra)))


def withdrawn(connection: Connection, post_id: int, now: datetime) -> None:
    """Record that a post is no longer public."""
    connection.execute(update(t.post).where(t.post.c.id == post_id).values(state=WITHDRAWN, changed_at=now))


def spending(connection: Connection) -> dict[str, tuple[int, int, Decimal]]:
    """Return, per account, the number of posts, how many cost something, and their cost in USD."""
    p = t.post.c
    paid = func.sum(case((p.cost > 0, 1), else_=0))
    published = select(p.account, func.count(), paid, func.sum(p.cost)).where(p.state != INTENDED)
    statement = published.group_by(p.account)
    return {
        account: (posts, int(paying), Decimal(int(cost)) / _MILLION)
        for account, posts, paying, cost in connection.execute(statement)
    }


def account_rows(connection: Connection, batch_id: int) -> Sequence[AccountRow]:
    """Return the batch's accounts."""
    d, a = t.delivery.c, t.account.c
    statement = (
        select(a.id, a.name)
        .join(t.delivery, a.id == d.recipient_id)
        .where(d.batch_id == batch_id, d.state.is_(None))
        .order_by(a.id)
    )
    return [AccountRow._make(row) for row in connection.execute(statement)]
