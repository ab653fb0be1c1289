"""A text that lacks its reader's language, on real rows: held and released, held and given up on, sent and followed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.domain.incidents.translation import TranslationPolicy, TranslationRule
from notifier.domain.messages.brand import Account
from notifier.domain.values import Channel, Platform, Status
from notifier.storage.database.engine import Database
from notifier.storage.notifications import notifications
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.support.email_harness import EmailHarness, Provider, build_harness
from tests.support.social_harness import SocialHarness, social_harness

ENGLISH = {"en": "Payments are slow."}
BOTH = {"en": "Payments are slow.", "nl": "Betalingen zijn traag."}
X_NL = Account(name="acc-de", platform=Platform.X, locale="nl", with_card=False)


def rules(policy: TranslationPolicy, seconds: float = 600.0) -> Mapping[Channel, TranslationRule]:
    rule = TranslationRule(policy=policy, hold=timedelta(seconds=seconds))
    return {Channel.EMAIL: rule, Channel.SOCIAL: rule}


HOLD, FOLLOW = rules(TranslationPolicy.HOLD), rules(TranslationPolicy.SEND_AND_FOLLOW)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    yield server
    server.clear()


def translating_harness(database: Database, policy: Mapping[Channel, TranslationRule]) -> tuple[EmailHarness, Provider]:
    provider = Provider()
    harness = build_harness(database, provider, translations=policy)
    harness.pipeline.subscriber("jansen", locale="nl")
    harness.pipeline.subscriber("smith", locale="en")
    return harness, provider


def texts(harness: SocialHarness) -> list[str]:
    return [post["text"] for post in harness.public()]


def test_a_mail_waits_for_its_language_and_leaves_when_that_comes(database: Database) -> None:
    harness, provider = translating_harness(database, HOLD)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.work()
    assert provider.addresses == ["smith@example.com"]
    harness.later(60)
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    harness.later(1)
    assert provider.addresses == ["jansen@example.com", "smith@example.com"]
    assert "Betalingen zijn traag." in provider.mails_to("jansen@example.com")[0]


def test_a_mail_waits_no_longer_than_the_limit(database: Database) -> None:
    harness, provider = translating_harness(database, HOLD)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH)
    harness.work()
    harness.later(590)
    assert provider.addresses == ["smith@example.com"]
    harness.later(15)
    (mail,) = provider.mails_to("jansen@example.com")
    assert "Payments are slow." in mail
    assert "Engels" in mail


def test_updates_that_are_never_translated_hold_a_reader_no_longer_than_the_first_one_did(database: Database) -> None:
    harness, provider = translating_harness(database, HOLD)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH)
    harness.work()
    harness.later(400)
    harness.pipeline.post(Status.RESOLVED, {"en": "Solved."})
    harness.work()
    harness.later(190)
    assert provider.mails_to("jansen@example.com") == []
    harness.later(15)
    (mail,) = provider.mails_to("jansen@example.com")
    assert "Solved." in mail
    assert "Payments are slow." in mail


def test_only_who_read_it_in_another_language_is_told_again(database: Database) -> None:
    harness, provider = translating_harness(database, FOLLOW)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.work()
    assert provider.addresses == ["jansen@example.com", "smith@example.com"]
    harness.later(300)
    receipt = harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    assert receipt.reason.endswith("readers of the added language are notified")
    harness.work()
    assert provider.addresses == ["jansen@example.com", "jansen@example.com", "smith@example.com"]
    assert "Betalingen zijn traag." in provider.mails_to("jansen@example.com")[1]
    harness.pipeline.post(Status.INVESTIGATING, BOTH | {"nl": "Betalingen zijn héél traag."}, update_id="upd-1")
    harness.work()
    assert len(provider.addresses) == 3  # a correction is no translation
    harness.later(300)
    harness.pipeline.post(Status.RESOLVED, {"en": "Solved.", "nl": "Opgelost."})
    harness.work()
    harness.later(61)
    assert "Opgelost." in provider.mails_to("jansen@example.com")[2]
    assert "Solved." in provider.mails_to("smith@example.com")[1]
    assert "Betalingen zijn" not in provider.mails_to("jansen@example.com")[2].split("Opgelost.")[0]


def test_a_follow_up_replaces_no_message_that_is_still_on_its_way(database: Database) -> None:
    harness, provider = translating_harness(database, FOLLOW)
    harness.pipeline.subscriber("late", locale="fr")
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.pipeline.plan_all()
    with database.read() as connection:
        dutch = list(connection.exec_driver_sql("SELECT id FROM batch WHERE locale = 'nl'").scalars())
    for batch_id in dutch:
        harness.attempt.run(batch_id)
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    harness.work()
    assert provider.addresses == ["jansen@example.com", "jansen@example.com", "late@example.com", "smith@example.com"]


def test_each_language_is_followed_by_its_own_translation(database: Database) -> None:
    harness, provider = translating_harness(database, FOLLOW)
    harness.pipeline.subscriber("dubois", locale="fr")
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.work()
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    harness.work()
    harness.pipeline.post(Status.INVESTIGATING, BOTH | {"fr": "Les paiements sont lents."}, update_id="upd-1")
    harness.work()
    assert [len(provider.mails_to(f"{name}@example.com")) for name in ("smith", "jansen", "dubois")] == [1, 2, 2]
    assert "Les paiements sont lents." in provider.mails_to("dubois@example.com")[1]


def test_who_is_planned_after_a_follow_up_is_told_all_the_same(database: Database) -> None:
    harness, provider = translating_harness(database, FOLLOW)
    harness.pipeline.plan = replace(harness.pipeline.plan, first_range=1, range_size=1, row_range_size=1)
    for number in range(6):
        harness.pipeline.subscriber(f"shop-{number}", locale="nl" if number % 2 else "en")
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    (original,) = harness.pipeline.notices()
    with database.read() as connection:
        stored = notifications.get(connection, original.id)
    assert stored is not None
    harness.pipeline.plan._prepare(stored)
    dutch = {f"{name}@example.com" for name in ("jansen", "shop-1", "shop-3", "shop-5")}
    while not dutch.intersection(provider.addresses):
        batches = harness.pipeline.plan._plan_one(stored)
        assert batches is not None
        for batch in batches:
            harness.attempt.run(batch.id)
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    harness.work()
    everybody = {"jansen", "smith", *(f"shop-{number}" for number in range(6))}
    assert {name.partition("@")[0] for name in provider.addresses} == everybody


def test_news_replaces_a_follow_up_that_has_not_left(database: Database) -> None:
    harness, provider = translating_harness(database, FOLLOW)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.work()
    harness.later(300)
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    harness.pipeline.plan_all()
    harness.pipeline.post(Status.RESOLVED, {"en": "Solved.", "nl": "Opgelost."})
    harness.work()
    harness.later(61)
    first, last = provider.mails_to("jansen@example.com")
    assert "Payments are slow." in first
    assert "Opgelost." in last


def test_what_is_not_to_be_told_is_not_followed(database: Database) -> None:
    harness, provider = translating_harness(database, FOLLOW)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.work()
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1", notify=False)
    harness.work()
    assert provider.addresses == ["jansen@example.com", "smith@example.com"]


def test_a_post_waits_for_the_accounts_language(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    with social_harness(sqlite_database, sandbox, X_NL, translations=HOLD) as harness:
        harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
        harness.work()
        harness.later(60)
        assert harness.states() == ["queued"]
        harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
        harness.later(1)
        assert [text.split("\n\n")[1] for text in texts(harness)] == ["Betalingen zijn traag."]


def test_a_post_is_followed_by_its_translation_in_the_same_thread(database: Database, sandbox: RunningSandbox) -> None:
    with social_harness(database, sandbox, X_NL, translations=FOLLOW) as harness:
        harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
        harness.work()
        harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
        harness.work()
        first, second = harness.public()
        assert "Payments are slow." in first["text"]
        assert "Betalingen zijn traag." in second["text"]
        assert second["reply_to"] == first["id"]


def test_what_may_be_public_is_repeated_in_the_words_it_had(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    with social_harness(sqlite_database, sandbox, X_NL, translations=FOLLOW) as harness:
        sandbox.fault("x", "drop_before", count=1, match={"method": "POST", "path": "/tweets"})
        harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
        harness.work()
        harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
        harness.work()
        harness.until_settled()
        assert ["Payments are slow." in text for text in texts(harness)] == [True]


def test_explain_tells_who_is_told_again_and_who_had_read_it_in_their_language(database: Database) -> None:
    harness, _ = translating_harness(database, FOLLOW)
    harness.pipeline.post(Status.INVESTIGATING, ENGLISH, update_id="upd-1")
    harness.work()
    harness.later(300)
    harness.pipeline.post(Status.INVESTIGATING, BOTH, update_id="upd-1")
    harness.work()
    explain = harness.pipeline.explain
    again = {who: explain.recipient("inc-1", who)["notifications"][-1] for who in ("jansen", "smith")}
    assert {who: item["told"] for who, item in again.items()} == {"jansen": True, "smith": False}
    assert "it repeats in nl what you received in en" in again["smith"]["words"]
    assert all(rule["passed"] for rule in again["jansen"]["rules"])
