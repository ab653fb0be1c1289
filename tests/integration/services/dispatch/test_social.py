"""The fault matrix of posts, from the decision to the reader: what is public in the end, how often, and after how long.

Each row is one thing a platform may do to the request that publishes, at the first try; senders, ledger and retry rule
are the real ones. The waits are those of the house's clock, which only the test moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from notifier.domain.messages.brand import Account
from notifier.domain.values import Platform, Status
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import posts
from notifier.storage.operations import alerts
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.support.social_harness import HASTY, PATIENT, PUBLISHES, SocialHarness, social_harness

X, MASTODON, BLUESKY = Platform.X, Platform.MASTODON, Platform.BLUESKY
LOOKED = (75.0, 90.0)  # three looks after 15, 45 and 75 seconds
SOON = (5.0, 15.0)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    server.state.faults.log.clear()
    yield server
    server.clear()
    server.turn("x", replies="own", timeline_lag=0.0)


def an_account(platform: Platform, **changes: Any) -> Account:
    return Account(**{"name": "acc-de", "platform": platform, "locale": "en", "with_card": False, **changes})


@dataclass(frozen=True)
class Row:
    """One fault and what follows: how many requests to publish arrive, and between which seconds it ends."""

    name: str
    platforms: tuple[Platform, ...]
    fault: dict[str, Any]
    requests: int
    ends: tuple[float, float]
    state: str = "accepted"
    public: int = 1
    more: dict[str, Any] = field(default_factory=dict)


ALL = (X, MASTODON, BLUESKY)
IN_A_MINUTE = {"headers": {"Retry-After": "60"}}
ROWS = [
    # surely not done: the same bytes again
    Row("429", ALL, {"kind": "status", "status": 429, **IN_A_MINUTE}, 2, (60.0, 80.0)),
    Row("redirect", ALL, {"kind": "redirect"}, 2, SOON),
    Row("cut off while writing", (X, MASTODON), {"kind": "reset_early"}, 2, (5.0, 90.0)),
    # perhaps done, and was not: X is looked at three times before the same text goes out again
    Row("500, not done", (X,), {"kind": "status", "status": 500}, 2, LOOKED),
    Row("503 in HTML, not done", (X,), {"kind": "html_error", "status": 503}, 2, LOOKED),
    Row("hung up, not done", (X,), {"kind": "drop_before"}, 2, LOOKED),
    Row("500, not done", (MASTODON, BLUESKY), {"kind": "status", "status": 500}, 2, SOON),
    Row("hung up, not done", (MASTODON, BLUESKY), {"kind": "drop_before"}, 2, SOON),
    # perhaps done, and was: found again, or repeated under the same key
    Row("hung up, done", (X,), {"kind": "drop_after_accept"}, 1, (15.0, 25.0)),
    Row("half an answer, done", (X,), {"kind": "truncate"}, 1, (15.0, 25.0)),
    Row("500, done", (X,), {"kind": "status", "status": 500, "after_accept": True}, 1, (15.0, 25.0)),
    Row("silent, done", (X,), {"kind": "delay", "delay": 2.5, "after_accept": True}, 1, (15.0, 25.0)),
    Row("hung up, done", (MASTODON,), {"kind": "drop_after_accept"}, 1, SOON),
    Row("half an answer, done", (MASTODON,), {"kind": "truncate"}, 1, SOON),
    Row("silent, done", (MASTODON,), {"kind": "delay", "delay": 2.5, "after_accept": True}, 1, SOON),
    Row("hung up, done", (BLUESKY,), {"kind": "drop_after_accept"}, 2, SOON),
    Row("half an answer, done", (BLUESKY,), {"kind": "truncate"}, 2, SOON),
    Row("silent, done", (BLUESKY,), {"kind": "delay", "delay": 2.5, "after_accept": True}, 2, SOON),
    # refused for good
    Row("400", (X, BLUESKY), {"kind": "status", "status": 400}, 1, (0.0, 0.0), "failed", 0),
    Row("422", (MASTODON,), {"kind": "status", "status": 422}, 1, (0.0, 0.0), "failed", 0),
    # the account stops, a person is called, nothing is given up; what was mended is noticed within the minute
    Row("401", (X, MASTODON), {"kind": "status", "status": 401}, 2, (60.0, 90.0)),
    Row("402", (X,), {"kind": "status", "status": 402}, 2, (60.0, 90.0)),
    Row("403", (X, MASTODON), {"kind": "status", "status": 403}, 2, (60.0, 90.0)),
    Row("403", (BLUESKY,), {"kind": "status", "status": 403}, 2, (60.0, 90.0)),
    Row("404", ALL, {"kind": "status", "status": 404}, 2, (60.0, 90.0)),
]
CASES = [pytest.param(row, platform, id=f"{platform}: {row.name}") for row in ROWS for platform in row.platforms]


@pytest.mark.parametrize(("row", "platform"), CASES)
def test_each_fault_ends_as_the_matrix_says(
    sqlite_database: Database, sandbox: RunningSandbox, row: Row, platform: Platform
) -> None:
    match = {"method": "POST", "path": PUBLISHES[platform]}
    sandbox.fault(platform.value, count=1, match=match, **row.fault)
    sandbox.fault(platform.value, "delay", delay=0.0, match=match)  # counts those the first one lets through
    timeouts = HASTY if row.fault["kind"] == "delay" else PATIENT
    with social_harness(sqlite_database, sandbox, an_account(platform), timeouts=timeouts) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        waited = harness.until_settled()
        assert harness.states() == [row.state]
        assert row.ends[0] <= waited <= row.ends[1]
        assert len(harness.public()) == row.public
        assert len([hit for hit in sandbox.state.faults.log if hit[1] == "POST"]) == row.requests
        assert alerts_of(harness) == []


@pytest.mark.parametrize(
    ("platform", "status"), [(X, 401), (X, 402), (X, 403), (MASTODON, 401), (MASTODON, 403), (BLUESKY, 403)]
)
def test_a_stopped_account_calls_a_person_and_gives_nothing_up(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform, status: int
) -> None:
    sandbox.fault(platform.value, "status", status=status, match={"method": "POST", "path": PUBLISHES[platform]})
    with social_harness(sqlite_database, sandbox, an_account(platform)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        for _ in range(10):
            harness.later(1_200)
        assert harness.states() == ["queued"]
        assert alerts_of(harness) == [f"social:{platform}:acc-de"]


def alerts_of(harness: SocialHarness) -> list[str]:
    with harness.pipeline.database.read() as connection:
        return [row.key for row in alerts.current(connection)]


def outcomes_of(harness: SocialHarness) -> list[str]:
    with harness.pipeline.database.read() as connection:
        return list(connection.execute(select(t.attempt.c.outcome).order_by(t.attempt.c.id)).scalars())


def test_a_timeline_that_lags_does_not_make_x_say_it_twice(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    sandbox.turn("x", timeline_lag=3600.0)
    sandbox.fault("x", "drop_after_accept", count=1, match={"method": "POST", "path": "/tweets"})
    with social_harness(sqlite_database, sandbox, an_account(X)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        harness.until_settled()
        assert harness.states() == ["accepted"]
        assert outcomes_of(harness) == ["unknown", "looked", "looked", "accepted"]
        assert len(harness.public()) == 1
        # It was refused as a duplicate, so it exists; where, only a person can find out.
        assert alerts_of(harness) == ["social:x:acc-de:unseen"]
        sandbox.turn("x", timeline_lag=0.0)
        harness.later(120)
        harness.pipeline.post(Status.RESOLVED)
        harness.work()
        assert alerts_of(harness) == []


def test_a_worker_that_died_after_posting_is_followed_by_one_that_finds_the_post(
    database: Database, sandbox: RunningSandbox
) -> None:
    with social_harness(database, sandbox, an_account(X)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        with database.write() as connection:  # as the ledger was before the dead worker could record
            connection.exec_driver_sql("DELETE FROM post")
            connection.exec_driver_sql("UPDATE batch SET state = 'sending', due_at = 0 WHERE channel = 'social'")
        harness.later(1)
        harness.until_settled()
        assert harness.states() == ["accepted"]
        assert len(harness.public()) == 1


@pytest.mark.parametrize("platform", ALL)
def test_the_posts_of_an_incident_hang_in_one_thread(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(platform)) as harness:
        for status in (Status.INVESTIGATING, Status.IDENTIFIED, Status.RESOLVED):
            harness.pipeline.post(status)
            harness.work()
            harness.later(700)
        first, second, third = harness.public()
        assert [first["reply_to"], second["reply_to"], third["reply_to"]] == [None, first["id"], second["id"]]
        assert {post["thread"] for post in (first, second, third)} == {first["id"]}
        if platform is MASTODON:
            assert [post["visibility"] for post in (first, second, third)] == ["public", "unlisted", "public"]


def test_what_an_account_says_first_is_shown_to_everybody_though_it_replaced_the_opening(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(MASTODON)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.pipeline.later(61)
        harness.pipeline.post(Status.IDENTIFIED)
        harness.work()
        assert [(post["visibility"], post["reply_to"]) for post in harness.public()] == [("public", None)]


def test_a_refused_reply_is_said_on_its_own_and_the_next_one_hangs_on_it(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(X)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        sandbox.turn("x", replies="none")
        harness.later(700)
        harness.pipeline.post(Status.IDENTIFIED)
        harness.work()
        sandbox.turn("x", replies="own")
        harness.later(700)
        harness.pipeline.post(Status.RESOLVED)
        harness.work()
        _, second, third = harness.public()
        assert second["reply_to"] is None
        assert third["reply_to"] == second["id"]


def test_an_exhausted_rate_holds_every_worker_until_its_reset(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(X)) as harness:
        match = {"method": "POST", "path": "/tweets"}
        reset = str(int(harness.pipeline.now.timestamp()) + 600)
        exhausted = {"x-rate-limit-remaining": "0", "x-rate-limit-limit": "100", "x-rate-limit-reset": reset}
        sandbox.fault("x", "status", status=429, count=1, match=match, headers=exhausted)
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")  # another incident, another batch
        harness.work()
        assert len(sandbox.state.faults.log) == 1
        for _ in range(9):
            harness.later(60)
        assert harness.public() == []
        harness.later(70)
        harness.later(20)
        assert len(harness.public()) == 2


def test_the_second_worker_waits_for_the_first_ones_turn(sqlite_database: Database, sandbox: RunningSandbox) -> None:
    with social_harness(sqlite_database, sandbox, an_account(X)) as harness:
        attempt: Any = harness.attempt.channels[next(iter(harness.attempt.channels))]
        attempt.account_lock._patience = 0.01
        harness.pipeline.post(Status.INVESTIGATING)
        with attempt.account_lock.take("acc-de") as ours:
            assert ours
            harness.work()
            assert harness.states() == ["queued"]
        harness.later(3)
        assert harness.states() == ["accepted"]
        assert outcomes_of(harness) == ["accepted"]


def test_what_an_account_spent_is_counted(database: Database, sandbox: RunningSandbox) -> None:
    with social_harness(database, sandbox, an_account(X)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        with database.read() as connection:
            published, paid, dollars = posts.spending(connection)["acc-de"]
        assert (published, paid, str(dollars)) == (1, 1, "0.2")


@pytest.mark.parametrize("platform", ALL)
def test_the_card_goes_along_with_its_words(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(platform, with_card=True)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        (post,) = harness.public()
        (picture,) = post["pictures"]
        assert picture["type"] == "image/png"
        assert 5_000 < picture["bytes"] < 200_000
        assert "Investigating: Payments are slow." in picture["alt"]
        assert sandbox.call("GET", picture["url"]).body.startswith(b"\x89PNG")


def test_of_two_languages_only_the_one_that_failed_is_said_again(database: Database, sandbox: RunningSandbox) -> None:
    account = an_account(MASTODON, locale="nl", locales=("nl", "en"), with_link=False)
    sandbox.fault("mastodon", "status", status=503, skip=1, count=1, match={"method": "POST", "path": "/statuses"})
    with social_harness(database, sandbox, account) as harness:
        harness.pipeline.post(
            Status.INVESTIGATING, {"nl": "Betalingen zijn traag. " * 15, "en": "Payments are slow. " * 15}
        )
        harness.work()
        assert [post["language"] for post in harness.public()] == ["nl"]
        harness.until_settled()
        first, second = harness.public()
        assert second["language"] == "en"
        assert second["reply_to"] == first["id"]
        assert harness.states() == ["accepted"]
        harness.later(700)
        harness.pipeline.post(Status.RESOLVED, {"nl": "Opgelost.", "en": "Solved."})
        harness.work()
        assert harness.public()[2]["reply_to"] == second["id"]


def test_a_text_that_the_platform_finds_too_long_is_shortened_once(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    too_long: dict[str, Any] = {"kind": "status", "status": 400, "body": '{"detail": "Your Tweet text is too long."}'}
    match = {"method": "POST", "path": "/tweets"}
    with social_harness(sqlite_database, sandbox, an_account(X)) as harness:
        sandbox.fault("x", count=1, match=match, **too_long)
        harness.pipeline.post(Status.INVESTIGATING, "Payments are slow for all of our shops. " * 4)
        harness.work()
        (post,) = harness.public()
        assert post["length"] <= 0.9 * 280
        assert harness.states() == ["accepted"]
        sandbox.fault("x", match=match, **too_long)
        harness.later(700)
        harness.pipeline.post(Status.RESOLVED)
        harness.work()
        assert harness.states() == ["accepted", "failed"]


def test_an_instance_that_allows_less_than_it_did_is_asked_again(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(MASTODON)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        sandbox.turn("mastodon", max_characters=200)
        harness.later(700)
        harness.pipeline.post(Status.RESOLVED, "Payments are as quick as they should be again. " * 8)
        harness.work()
        sandbox.turn("mastodon", max_characters=500)
        assert [post["length"] <= 200 for post in harness.public()] == [True, True]


def test_what_may_be_public_is_looked_for_in_the_words_it_had(
    sqlite_database: Database, sandbox: RunningSandbox
) -> None:
    sandbox.fault("x", "drop_after_accept", count=1, match={"method": "POST", "path": "/tweets"})
    with social_harness(sqlite_database, sandbox, an_account(X)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        harness.reword("https://status.moved.example")  # a deployment, meanwhile
        harness.until_settled()
        (post,) = harness.public()
        assert "https://status.shop.example" in post["text"]
        assert harness.states() == ["accepted"]


UPLOADS = {X: "/media/upload", MASTODON: "/media", BLUESKY: "uploadBlob"}
RESETS = {X: "x-rate-limit", MASTODON: "X-RateLimit", BLUESKY: "ratelimit"}


@pytest.mark.parametrize("platform", ALL)
def test_the_limit_of_pictures_is_not_taken_for_that_of_posts(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform
) -> None:
    with social_harness(sqlite_database, sandbox, an_account(platform, with_card=True)) as harness:
        reset = str(int(harness.pipeline.now.timestamp()) + 1800)
        exhausted = {f"{RESETS[platform]}-{name}": value for name, value in (("remaining", "0"), ("reset", reset))}
        used_up = {"status": 429, "headers": exhausted, "match": {"path": UPLOADS[platform]}}
        sandbox.fault(platform.value, "status", **used_up)
        # No answer of a post says what is left after the refused picture.
        sandbox.fault(platform.value, "reset_early", count=2, match={"method": "POST", "path": PUBLISHES[platform]})
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        sandbox.call("DELETE", "/sandbox/faults")
        sandbox.fault(platform.value, "status", **used_up)
        harness.pipeline.post(Status.INVESTIGATING, incident_id="inc-2")
        harness.work()
        assert harness.until_settled() <= 90  # X is looked at three times, half a minute apart
        assert [post["pictures"] for post in harness.public()] == [[], []]


@pytest.mark.parametrize("status", [401, 403, 404, 413, 422, 429, 500, 503])
@pytest.mark.parametrize("platform", ALL)
def test_a_picture_that_is_refused_never_holds_back_its_text(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform, status: int
) -> None:
    sandbox.fault(platform.value, "status", status=status, match={"path": UPLOADS[platform]})
    with social_harness(sqlite_database, sandbox, an_account(platform, with_card=True)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        assert harness.states() == ["accepted"]
        assert [post["pictures"] for post in harness.public()] == [[]]


REFUSALS = {
    X: (400, '{"detail": "Your media IDs are invalid."}'),
    MASTODON: (422, '{"error": "Cannot attach files that have not finished processing."}'),
    BLUESKY: (400, '{"error": "InvalidRequest", "message": "Could not find blob: bafkrei"}'),
}


@pytest.mark.parametrize("platform", ALL)
def test_a_post_that_is_refused_for_its_picture_goes_out_without(
    sqlite_database: Database, sandbox: RunningSandbox, platform: Platform
) -> None:
    status, body = REFUSALS[platform]
    match = {"method": "POST", "path": PUBLISHES[platform]}
    sandbox.fault(platform.value, "status", status=status, body=body, count=1, match=match)
    with social_harness(sqlite_database, sandbox, an_account(platform, with_card=True)) as harness:
        harness.pipeline.post(Status.INVESTIGATING)
        harness.work()
        assert harness.states() == ["accepted"]
        assert [post["pictures"] for post in harness.public()] == [[]]
