"""Who comes by a list is told at once on somebody's word, or is asked first."""

import io
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from notifier.domain.messages.transactional_mail import TransactionalKind
from notifier.domain.recipients.consent import CONFIRM_WITHIN
from notifier.services.security.address_hash import AddressHasher
from notifier.services.subscribers.bulk_import import ImportSubscribers, ListFormat
from notifier.services.subscribers.expire_sign_ups import ExpireSignUps
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import transactional_mail
from tests.integration.subscriber_lists import NOON, SUPPORT, VOCABULARY, Clock, audit_of, subscribers_of

LIST = """external_id,email,state
new,new@shop.example,
sure,sure@shop.example,active
odd,nobody,
"""


def bring(database: Database, clock: Clock, *, invite: bool, text: str = LIST, chunk: int = 5_000) -> dict[str, Any]:
    order = ImportSubscribers(database, clock, VOCABULARY, AddressHasher(database), chunk=chunk)
    return order.run(io.BytesIO(text.encode()), ListFormat.CSV, SUPPORT, invite=invite).counts()


def written(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        statement = select(t.outbox.c.kind, t.subscriber.c.external_id).join(
            t.subscriber, t.subscriber.c.id == t.outbox.c.subject_id
        )
        return sorted((row.kind, row.external_id) for row in connection.execute(statement))


def test_who_is_invited_gets_one_letter_and_is_pending_until_they_confirm(database: Database) -> None:
    clock = Clock()
    assert bring(database, clock, invite=True)["created"] == 2
    assert written(database) == [(TransactionalKind.SUBSCRIPTION_CONFIRM, "new")]
    people = subscribers_of(database)
    assert (people.get("new")["state"], people.get("sure")["state"]) == ("pending", "active")
    with database.write() as connection:
        (mail,) = transactional_mail.claim(connection, owner="worker", now=NOON, lease=timedelta(minutes=1), limit=10)
    assert mail.expires_at == NOON + CONFIRM_WITHIN
    assert mail.address_key == AddressHasher(database).of("new@shop.example")


def test_an_interrupted_list_that_is_brought_again_writes_no_second_letter(database: Database) -> None:
    clock = Clock()
    bring(database, clock, invite=True, text=LIST.partition("sure")[0])
    clock.advance(minutes=5)
    bring(database, clock, invite=True, chunk=1)
    assert written(database) == [(TransactionalKind.SUBSCRIPTION_CONFIRM, "new")]


def test_who_never_confirms_an_invitation_is_forgotten(database: Database) -> None:
    clock = Clock()
    bring(database, clock, invite=True)
    clock.now = NOON + CONFIRM_WITHIN
    ExpireSignUps(database, clock, AddressHasher(database)).run()
    assert [item["external_id"] for item in subscribers_of(database).list(limit=10)[0]] == ["sure"]


def test_without_an_invitation_the_legal_basis_stands_for_it_and_no_letter_is_written(database: Database) -> None:
    bring(database, Clock(), invite=False)
    assert written(database) == []
    people = subscribers_of(database)
    assert {people.get(name)["legal_basis"] for name in ("new", "sure")} == {"import"}
    detail = audit_of(database).entries(limit=1)[0]["detail"]
    assert (detail["legal_basis"], detail["invited"]) == ("import", False)
