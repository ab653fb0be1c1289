"""Who moves to another address, or is erased, while an incident runs: the promises hold, and the numbers stay."""

import json

import pytest
from sqlalchemy import select

from notifier.domain.recipients.subscriber import Vocabulary
from notifier.domain.values import Status
from notifier.inbound.subscribers import parse_subscriber
from notifier.services.inspection.history import History
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Actor
from notifier.services.subscribers.manage import Subscribers
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import suppressions
from tests.support.email_harness import EmailHarness, Provider, build_harness

SUPPORT = Actor("key:support", "192.0.2.7")
WORDS = Vocabulary(
    components=frozenset(), locales=frozenset({"en"}), default_locale="en", default_timezone="Europe/Amsterdam"
)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def harness(database: Database, provider: Provider) -> EmailHarness:
    return build_harness(database, provider)


def people_of(harness: EmailHarness) -> Subscribers:
    return Subscribers(
        harness.pipeline.database, harness.pipeline.clock, WORDS, AddressHasher(harness.pipeline.database)
    )


def join(harness: EmailHarness, name: str, email: str) -> None:
    people_of(harness).create(parse_subscriber(json.dumps({"external_id": name, "email": email}), WORDS), SUPPORT)


def move(harness: EmailHarness, name: str, email: str) -> None:
    people_of(harness).patch(name, {"email": email}, SUPPORT)


def post_update(harness: EmailHarness, status: Status) -> None:
    harness.pipeline.post(status)
    harness.work()


def mails(provider: Provider) -> list[tuple[str, str]]:
    """Return (address, the first line that names an update) of everything that was sent."""
    return [
        (recipient.address, next(line for line in request.content.text.splitlines() if "Update number" in line).strip())
        for request in provider.requests
        for recipient in request.recipients
    ]


def test_who_moves_while_it_runs_is_told_the_end_at_the_new_address_and_only_what_is_new(
    harness: EmailHarness, provider: Provider
) -> None:
    join(harness, "shop", "old@example.com")
    post_update(harness, Status.INVESTIGATING)
    move(harness, "shop", "new@example.com")
    post_update(harness, Status.RESOLVED)
    assert mails(provider) == [
        ("old@example.com", "Update number 1."),
        ("new@example.com", "Update number 2."),
    ]
    told = harness.pipeline.explain.recipient("inc-1", "shop")["notifications"]
    assert [item["told"] for item in told] == [True, True]


def test_who_shares_the_old_address_still_hears_the_end_there(harness: EmailHarness, provider: Provider) -> None:
    join(harness, "shop", "old@example.com")
    join(harness, "sister", "old@example.com")
    post_update(harness, Status.INVESTIGATING)
    move(harness, "shop", "new@example.com")
    post_update(harness, Status.RESOLVED)
    assert sorted(mails(provider)[1:]) == [
        ("new@example.com", "Update number 2."),
        ("old@example.com", "Update number 2."),
    ]


def test_who_opted_out_of_the_incident_is_not_told_at_the_new_address_either(
    harness: EmailHarness, provider: Provider
) -> None:
    join(harness, "shop", "old@example.com")
    post_update(harness, Status.INVESTIGATING)
    key = AddressHasher(harness.pipeline.database).of("old@example.com")
    with harness.pipeline.database.write() as connection:
        suppressions.opt_out(connection, "inc-1", key, harness.pipeline.now)
    move(harness, "shop", "new@example.com")
    post_update(harness, Status.RESOLVED)
    assert len(provider.requests) == 1


def test_erasing_somebody_keeps_the_numbers_and_no_trace_of_them(harness: EmailHarness) -> None:
    join(harness, "shop-secret", "secret@example.com")
    join(harness, "other", "other@example.com")
    post_update(harness, Status.INVESTIGATING)
    history = History(harness.pipeline.database)
    before = [item["counts"] for item in history.notifications("inc-1")]
    people_of(harness).remove("shop-secret", SUPPORT)
    assert [item["counts"] for item in history.notifications("inc-1")] == before
    with harness.pipeline.database.read() as connection:
        everything = str([connection.execute(select(table)).all() for table in t.metadata.sorted_tables])
    assert "secret" not in everything
    assert "other@example.com" in everything
