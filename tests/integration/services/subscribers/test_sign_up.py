from datetime import timedelta

import pytest
from sqlalchemy import select

from notifier.domain.errors import InvalidInputError, NotFoundError
from notifier.domain.messages.transactional_mail import TransactionalKind
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.consent import ConsentForm
from notifier.services.ports import NoTaskQueue
from notifier.services.security.signed_tokens import ExpiredTokenError, ForeignPurposeError, Purpose, Tokens
from notifier.services.subscribers.opt_out import Lifecycle
from notifier.services.subscribers.sign_up import Invitation, SignUpRequest, SignUps
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.recipients import subscribers
from tests.integration.subscriber_lists import (
    SUPPORT,
    VOCABULARY,
    Clock,
    a_subscriber,
    audit_of,
    faults,
    subscribers_of,
)

ADDRESS = "reader@shop.example"
FORM = ConsentForm(wording="2026-01", locale="nl", form="https://status.example/nl/subscribe", network="192.0.2.77")


def sign_ups(database: Database, clock: Clock) -> SignUps:
    return SignUps(
        database, clock, VOCABULARY, subscribers_of(database).addresses, Tokens(("key",), clock), NoTaskQueue()
    )


def ask(ups: SignUps, email: str = ADDRESS, **chosen: frozenset[str]) -> Invitation:
    found = ups.ask(SignUpRequest(email=email, form=FORM, chosen=Preferences(**chosen)))  # type: ignore[arg-type]
    assert found is not None
    return found


def link(ups: SignUps, invitation: Invitation) -> str:
    """The token that the letter's link holds."""
    if invitation.kind is TransactionalKind.SUBSCRIPTION_CONFIRM:
        return ups.tokens.sign(Purpose.CONFIRM, invitation.subscriber_id, expires_at=invitation.expires_at)
    key = ups.addresses.of(invitation.email)
    return ups.tokens.sign(Purpose.ADDRESS_CHANGE, invitation.subscriber_id, key, expires_at=invitation.expires_at)


def only(database: Database) -> dict[str, object]:
    (item,), _ = subscribers_of(database).list(limit=5)
    return item


def consent(database: Database) -> dict[str, object]:
    with database.read() as connection:
        return dict(connection.execute(select(t.subscriber.c.consent)).scalar_one())


def test_a_follower_is_pending_until_they_confirm_and_the_proof_is_kept(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    invitation = ask(ups, "Reader@SHOP.example", components=frozenset({"api"}))
    assert (invitation.email, invitation.locale) == ("Reader@shop.example", "nl")
    found = only(database)
    assert (found["state"], found["kind"], found["legal_basis"]) == ("pending", "follower", "consent")
    clock.advance(hours=47)
    number = ups.confirm(link(ups, invitation), SUPPORT, network="2001:db8:1:2::3")
    assert only(database)["state"] == "active"
    with database.read() as connection:
        stored = subscribers.get_by_id(connection, number)
    assert stored is not None
    assert (stored.subscriber.preferences.components, stored.expires_at) == (frozenset({"api"}), None)
    assert consent(database) == {
        "wording": "2026-01",
        "locale": "nl",
        "form": "https://status.example/nl/subscribe",
        "asked_at": "2026-03-29T12:00:00+00:00",
        "asked_from": "192.0.2.0/24",
        "confirmed_at": "2026-03-31T11:00:00+00:00",
        "confirmed_from": "2001:db8:1::/48",
    }


def test_confirming_twice_changes_nothing(database: Database) -> None:
    ups = sign_ups(database, Clock())
    token = link(ups, ask(ups))
    assert ups.confirm(token, SUPPORT) == ups.confirm(token, SUPPORT)
    assert [entry["action"] for entry in audit_of(database).entries(limit=9)] == ["subscriber.confirmed"]


def test_a_link_of_a_forgotten_sign_up_finds_nobody(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    token = link(ups, ask(ups))
    clock.advance(hours=47)
    with database.write() as connection:
        connection.execute(t.subscriber.delete())
    with pytest.raises(NotFoundError):
        ups.confirm(token, SUPPORT)


def test_a_stranger_cannot_have_somebody_mailed_over_and_over(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    request = SignUpRequest(email=ADDRESS, form=FORM, chosen=Preferences())
    mails = []
    for _ in range(6):
        mails.append(ups.ask(request) is not None)
        clock.advance(hours=1)
    assert mails == [True, True, True, False, False, False]
    clock.advance(hours=18)
    assert ups.ask(request) is not None
    assert len(subscribers_of(database).list(limit=9)[0]) == 1


def test_an_address_that_is_told_already_gets_a_letter_that_says_so_and_nothing_changes(database: Database) -> None:
    subscribers_of(database).create(a_subscriber(email=ADDRESS), SUPPORT)
    before = only(database)
    ups = sign_ups(database, Clock())
    found = ask(ups)
    assert (found.kind, found.email) == (TransactionalKind.SUBSCRIPTION_KNOWN, ADDRESS)
    assert only(database) == before
    assert [ask(ups).kind for _ in range(2)] == [TransactionalKind.SUBSCRIPTION_KNOWN] * 2
    assert ups.ask(SignUpRequest(email=ADDRESS, form=FORM, chosen=Preferences())) is None


def test_who_unsubscribed_stays_so_until_they_confirm_that_they_are_back(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    number = ups.confirm(link(ups, ask(ups)), SUPPORT)
    Lifecycle(database, clock, ups.addresses).unsubscribe(number, SUPPORT)
    token = link(ups, ask(ups))
    assert only(database)["state"] == "unsubscribed"
    assert ups.confirm(token, SUPPORT) == number
    assert (only(database)["state"], only(database)["suppressions"]) == ("active", [])


def test_asking_again_before_confirming_takes_the_newer_choice(database: Database) -> None:
    ups = sign_ups(database, Clock())
    first = ask(ups, components=frozenset({"api"}))
    ask(ups, components=frozenset({"pos"}))
    ups.confirm(link(ups, first), SUPPORT)
    preferences = only(database)["preferences"]
    assert isinstance(preferences, dict)
    assert preferences["components"] == ["pos"]


def test_a_form_with_faults_is_refused_by_field(database: Database) -> None:
    ups = sign_ups(database, Clock())
    with pytest.raises(InvalidInputError) as refused:
        ask(ups, "nobody")
    assert list(faults(refused.value)) == ["email"]
    with pytest.raises(InvalidInputError) as refused:
        ask(ups, components=frozenset({"telex"}))
    assert list(faults(refused.value)) == ["preferences.components"]
    assert subscribers_of(database).list(limit=1) == ([], None)


def test_a_change_of_address_counts_when_it_is_confirmed_at_the_new_one(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    number = ups.confirm(link(ups, ask(ups)), SUPPORT)
    change = ups.ask_address_change(number, "New@Shop.example")
    assert change is not None
    assert change.email == "New@shop.example"
    assert only(database)["email"] == ADDRESS
    assert ups.confirm_address_change(link(ups, change), SUPPORT) == number
    assert ups.confirm_address_change(link(ups, change), SUPPORT) == number
    assert only(database)["email"] == "New@shop.example"
    assert "new_address" not in consent(database)
    with pytest.raises(ForeignPurposeError):
        ups.confirm(link(ups, change), SUPPORT)


def test_only_the_address_asked_for_last_can_be_confirmed(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    number = ups.confirm(link(ups, ask(ups)), SUPPORT)
    first, second = ups.ask_address_change(number, "a@shop.example"), ups.ask_address_change(number, "b@shop.example")
    assert first is not None
    assert second is not None
    with pytest.raises(NotFoundError):
        ups.confirm_address_change(link(ups, first), SUPPORT)
    ups.confirm_address_change(link(ups, second), SUPPORT)
    assert only(database)["email"] == "b@shop.example"
    clock.advance(hours=1)
    assert ups.ask_address_change(number, "c@shop.example") is not None


def test_the_life_of_a_change_of_address_ends_with_its_link(database: Database) -> None:
    clock = Clock()
    ups = sign_ups(database, clock)
    number = ups.confirm(link(ups, ask(ups)), SUPPORT)
    change = ups.ask_address_change(number, "a@shop.example")
    assert change is not None
    clock.now = change.expires_at + timedelta(seconds=1)
    with pytest.raises(ExpiredTokenError):
        ups.confirm_address_change(link(ups, change), SUPPORT)


def test_changes_of_address_do_not_mail_strangers_over_and_over(database: Database) -> None:
    ups = sign_ups(database, Clock())
    number = ups.confirm(link(ups, ask(ups)), SUPPORT)
    mails = [ups.ask_address_change(number, f"victim{place}@shop.example") is not None for place in range(4)]
    assert mails == [True, True, True, False]


def test_a_new_address_that_works_ends_a_suppression_of_the_old_one(database: Database) -> None:
    ups = sign_ups(database, Clock())
    number = ups.confirm(link(ups, ask(ups)), SUPPORT)
    Lifecycle(database, Clock(), ups.addresses).suppress(ADDRESS, SUPPORT)
    assert only(database)["state"] == "suppressed"
    change = ups.ask_address_change(number, "new@shop.example")
    assert change is not None
    ups.confirm_address_change(link(ups, change), SUPPORT)
    assert (only(database)["state"], only(database)["suppressions"]) == ("active", [])


def test_nobody_who_was_erased_can_change_an_address(database: Database) -> None:
    with pytest.raises(NotFoundError):
        sign_ups(database, Clock()).ask_address_change(7, ADDRESS)
