"""All rows with encrypted columns: for re-encryption and for counting by key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from notifier.domain.values import Channel
from notifier.storage import tables as t

_PAGE = 200


@dataclass(frozen=True, slots=True)
class SealedEndpoint:
    """The encrypted columns of a partner's endpoint."""

    id: int
    public_id: str
    secrets: Sequence[Mapping[str, str | None]]
    headers: Mapping[str, str]

    @property
    def texts(self) -> list[str]:
        """Their ciphertexts."""
        return [item["sealed"] or "" for item in self.secrets] + list(self.headers.values())


def endpoints(connection: Connection, *, after: int, lock: bool = False) -> list[SealedEndpoint]:
    """Return some endpoints by ascending internal id, starting after `after`."""
    c = t.endpoint.c
    statement = select(c.id, c.public_id, c.secrets, c.headers).where(c.id > after).order_by(c.id).limit(_PAGE)
    rows = connection.execute(statement.with_for_update() if lock else statement)
    return [SealedEndpoint(row.id, row.public_id, list(row.secrets), dict(row.headers)) for row in rows]


def every_endpoint(connection: Connection) -> Iterator[SealedEndpoint]:
    """Yield all endpoints, a page at a time."""
    after = 0
    while some := endpoints(connection, after=after):
        yield from some
        after = some[-1].id


def replace_endpoint(connection: Connection, found: SealedEndpoint) -> None:
    """Store the encrypted columns. The endpoint itself did not change, nor does `updated_at`."""
    values: dict[str, Any] = {"secrets": found.secrets, "headers": found.headers}
    connection.execute(update(t.endpoint).where(t.endpoint.c.id == found.id).values(values))


def sessions(connection: Connection, *, lock: bool = False) -> dict[str, str]:
    """Return each account's encrypted session."""
    statement = select(t.account_session.c.account, t.account_session.c.sealed)
    rows = connection.execute(statement.with_for_update() if lock else statement)
    return {row.account: row.sealed for row in rows}


def replace_session(connection: Connection, account: str, sealed: str) -> None:
    """Store a re-encrypted session."""
    c = t.account_session.c
    connection.execute(update(t.account_session).where(c.account == account).values(sealed=sealed))


def has_signed_links(connection: Connection) -> bool:
    """Whether mail with signed links may have been sent."""
    n = t.notification.c
    return connection.execute(select(n.id).where(n.channel == Channel.EMAIL.value).limit(1)).first() is not None
