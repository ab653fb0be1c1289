"""Taking posts back: on the platform, in the ledger, in the audit trail; and where a platform does not let us."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from notifier.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform, Status
from notifier.queueing.account_lock import LocalAccountLock
from notifier.services.security.audit import Actor
from notifier.services.social.posts import PostManager
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.support.social_harness import SocialHarness, sender_of, social_harness

X, MASTODON, BLUESKY = Platform.X, Platform.MASTODON, Platform.BLUESKY
WHO = Actor("cli:jansen", "here")


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    yield server
    server.clear()


def an_account(platform: Platform) -> Account:
    return Account(name="acc-de", platform=platform, locale="en")


def a_post_manager(
    harness: SocialHarness, account: Account, account_lock: LocalAccountLock | None = None
) -> PostManager:
    pipeline = harness.pipeline
    return PostManager(
        pipeline.database,
        pipeline.clock,
        {account.name: account},
        lambda _name: sender_of(account, harness.sandbox, pipeline.clock),
        account_lock or LocalAccountLock(0.01),
    )


def trail(database: Database) -> list[tuple[str, str, str]]:
    entry = t.audit_entry.c
    with database.read() as connection:
        of_posts = select(entry.actor, entry.action, entry.object_id).where(entry.object_kind == "post")
        rows = connection.execute(of_posts.order_by(entry.id))
        return [(row.actor, row.action, row.object_id) for row in rows]


@pytest.mark.parametrize("platform", [X, MASTODON, BLUESKY])
def test_a_withdrawn_post_is_gone_and_the_next_one_replies_to_the_one_before(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform
) -> None:
    account = an_account(platform)
    with social_harness(sqlite_database, sandbox, account) as harness:
        for status in (Status.INVESTIGATING, Status.IDENTIFIED):
            harness.pipeline.post(status)
            harness.work()
            harness.later(700)
        desk = a_post_manager(harness, account)
        newest, oldest = desk.list(incident_id="inc-1")
        assert desk.withdraw(newest["id"], WHO)["state"] == "withdrawn"
        assert [post["id"] for post in harness.public()] == [harness.public()[0]["id"]]
        assert trail(sqlite_database) == [("cli:jansen", "post.withdrawn", newest["id"])]
        with pytest.raises(ConflictError, match="withdrawn"):
            desk.withdraw(newest["id"], WHO)
        harness.pipeline.post(Status.RESOLVED)
        harness.work()
        first, last = harness.public()
        assert last["reply_to"] == first["id"]
        assert desk.get(oldest["id"])["state"] == "published"


def test_a_post_is_edited_on_mastodon_and_keeps_its_picture(database: Database, sandbox: RunningSandbox) -> None:
    account = an_account(MASTODON)
    with social_harness(database, sandbox, account) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        desk = a_post_manager(harness, account)
        (post,) = desk.list()
        edited = desk.edit(post["id"], "Payments at @shop are slow.", WHO)
        (public,) = harness.public()
        assert public["edited"]
        assert public["text"] == edited["text"]
        assert edited["text"] != "Payments at @shop are slow."  # mentions nobody
        assert len(public["pictures"]) == 1
        assert trail(database) == [("cli:jansen", "post.edited", post["id"])]


@pytest.mark.parametrize("platform", [X, BLUESKY])
def test_where_posts_are_not_edited_that_is_said(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform
) -> None:
    account = an_account(platform)
    with social_harness(sqlite_database, sandbox, account) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        desk = a_post_manager(harness, account)
        with pytest.raises(ConflictError, match="withdraw it"):
            desk.edit(desk.list()[0]["id"], "Other words", WHO)
        assert trail(sqlite_database) == []


def test_what_cannot_be_done_changes_nothing(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    account, account_lock = an_account(MASTODON), LocalAccountLock(0.01)
    with social_harness(sqlite_database, sandbox, account) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        desk = a_post_manager(harness, account, account_lock)
        post = desk.list()[0]
        for text in ("", "x" * 501):
            with pytest.raises(InvalidInputError):
                desk.edit(post["id"], text, WHO)
        for post_id in ("post_999", "post_", "dlv_1", "post_99999999999999999999"):
            with pytest.raises(NotFoundError):
                desk.withdraw(post_id, WHO)
        with account_lock.take(account.name), pytest.raises(UnavailableError, match="is speaking"):
            desk.withdraw(post["id"], WHO)
        sandbox.fault("mastodon", "status", status=503, count=1, match={"method": "DELETE"})
        with pytest.raises(UnavailableError):
            desk.withdraw(post["id"], WHO)
        assert desk.get(post["id"]) == post
        assert trail(sqlite_database) == []
