"""An erasure by the operator lasts: no list brings the person back, a person does; and nothing keeps their address."""

import io

import pytest
from sqlalchemy import Connection, select

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel, QueueName, Reason
from notifier.services.security.address_hash import AddressHasher
from notifier.services.subscribers.bulk_import import ImportReport, ImportSubscribers, ListFormat
from notifier.services.subscribers.sign_up import SignUpRequest
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import attempts
from notifier.storage.deliveries.batches import Batch
from tests.integration.services.subscribers.test_sign_up import FORM, link, sign_ups
from tests.integration.subscriber_lists import NOON, SUPPORT, VOCABULARY, Clock, a_subscriber, changes, subscribers_of

ADDRESS = "tmpuniq@bloemenhuis.example"
OLD = ("shop-1", ADDRESS)


def bring(database: Database, *people: tuple[str, str], chunk: int = 5_000) -> ImportReport:
    lines = ["external_id,email", *(f"{name},{email}" for name, email in people)]
    importing = ImportSubscribers(database, Clock(), VOCABULARY, AddressHasher(database), chunk)
    return importing.run(io.BytesIO("\n".join(lines).encode()), ListFormat.CSV, SUPPORT)


def names(database: Database) -> set[str]:
    return {str(item["external_id"]) for item in subscribers_of(database).list(limit=50)[0]}


def erased(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber("shop-1", email=ADDRESS), SUPPORT)
    people.remove("shop-1", SUPPORT)


@pytest.mark.parametrize(
    "row", [OLD, ("shop-1", "another@bloemenhuis.example"), ("shop-77", "TmpUniq@Bloemenhuis.example")]
)
def test_the_next_list_does_not_bring_back_who_was_erased(database: Database, row: tuple[str, str]) -> None:
    erased(database)
    report = bring(database, ("shop-2", "other@shop.example"), row)
    assert (report.created, report.rejected) == (1, 1)
    (bad,) = report.errors
    assert (bad.line, "was erased" in bad.errors[0].message) == (3, True)
    assert names(database) == {"shop-2"}


def test_a_list_that_names_who_was_erased_twice_is_counted_right(database: Database) -> None:
    erased(database)
    report = bring(database, OLD, ("shop-2", "other@shop.example"), OLD, chunk=2)
    found = report.counts()
    assert found["rows"] == found["created"] + found["repeated"] + found["rejected"] == 3


def test_an_address_that_somebody_else_still_bears_is_not_kept_from_lists(database: Database) -> None:
    subscribers_of(database).create(a_subscriber("shop-2", email=ADDRESS), SUPPORT)
    erased(database)
    report = bring(database, ("shop-2", ADDRESS), OLD)
    assert (report.rejected, names(database)) == (1, {"shop-2"})


def test_who_is_added_by_hand_is_back_and_lists_may_name_them_again(database: Database) -> None:
    erased(database)
    people = subscribers_of(database)
    assert people.create(a_subscriber("shop-1", email=ADDRESS), SUPPORT)["state"] == "active"
    assert bring(database, OLD).rejected == 0


def test_an_address_that_somebody_is_moved_to_by_hand_is_back(database: Database) -> None:
    erased(database)
    people = subscribers_of(database)
    people.create(a_subscriber("shop-2", email="other@shop.example"), SUPPORT)
    people.patch("shop-2", changes(email=ADDRESS), SUPPORT)
    assert bring(database, ("shop-2", ADDRESS)).rejected == 0


def test_who_signs_up_and_confirms_is_back(database: Database) -> None:
    erased(database)
    clock = Clock()
    ups = sign_ups(database, clock)
    asked = ups.ask(SignUpRequest(email=ADDRESS, form=FORM, chosen=Preferences()))
    assert asked is not None
    assert bring(database, ("shop-9", ADDRESS)).rejected == 1  # not before they confirm
    ups.confirm(link(ups, asked), SUPPORT)
    assert bring(database, ("shop-9", ADDRESS)).rejected == 0


def test_nothing_that_a_provider_said_of_the_person_is_left(database: Database) -> None:
    people = subscribers_of(database)
    people.create(a_subscriber("shop-1", email=ADDRESS), SUPPORT)
    key = people.addresses.of(ADDRESS)
    said = f"451 4.3.0 <{ADDRESS}> mailbox of the person busy"
    with database.write() as connection:
        mail, hook = (_a_notification(connection, channel) for channel in (Channel.EMAIL, Channel.WEBHOOK))
        for number, recipient in ((mail, key), (mail, key + 1), (hook, key)):
            row = attempts.AttemptRow(recipient, 1, NOON, 5, "retry", Reason.SERVER_ERROR, 451, said, "smtp", said)
            attempts.add(connection, _a_batch(number), [row])
        kept = connection.execute(select(t.attempt.c.detail, t.attempt.c.answer)).all()
    assert ADDRESS not in str(kept)
    people.remove("shop-1", SUPPORT)
    a = t.attempt.c
    with database.read() as connection:
        rows = connection.execute(select(a.notification_id, a.recipient_key, a.detail, a.answer)).all()
    left = {(row.notification_id, row.recipient_key): row.detail for row in rows}
    answers = [row.answer for row in rows if row.recipient_key == key]
    assert left[mail, key] == ""
    assert "mailbox" in left[mail, key + 1]
    assert "mailbox" in left[hook, key]  # an endpoint's number, not a reader's address
    assert sorted(map(bool, answers)) == [False, True]


def _a_notification(connection: Connection, channel: Channel) -> int:
    row = {"public_id": f"ntf_{channel}", "incident_id": "inc-1", "channel": channel.value, "sequence": 1, "round": 1}
    rest = {"urgency": "news", "content": {}, "update_ids": [], "lane": "email", "state": "planned", "created_at": NOON}
    statement = t.notification.insert().values(row | rest).returning(t.notification.c.id)
    return int(connection.execute(statement).scalar_one())


def _a_batch(number: int) -> Batch:
    mails = {"channel": Channel.EMAIL, "queue": QueueName.EMAIL, "locale": "en", "provider": "smtp"}
    rest = {"since": 0, "size": 1, "attempts": 1, "needs_recheck": False, "unknown": False}
    return Batch(id=number, notification_id=number, **mails, **rest)  # type: ignore[arg-type]
