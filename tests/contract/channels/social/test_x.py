"""Every way a call to X can end: error, reason, wait, number of requests; replies, duplicates, rates."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from notifier.channels.base import TooLargeError
from notifier.channels.social.x import LOOK_AFTER, XSender
from notifier.domain.errors import (
    ChannelStoppedError,
    DeliveryError,
    OutcomeUnknownError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.messages.message import PostReceipt
from notifier.domain.values import Reason
from tests.contract.channels.fault_table import Row
from tests.contract.channels.mails import now
from tests.contract.channels.posts import TEXT, a_post, x_sender
from tests.contract.channels.scripted_server import (
    Drop,
    Reply,
    Reset,
    Seen,
    Step,
    Trickle,
    scripted,
)
from tests.sandbox_server import RunningSandbox

CREATED = Reply(201, body={"data": {"id": "1953412345678901234", "text": "t", "edit_history_tweet_ids": ["1"]}})
DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
NO_REPLY = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author "
    "of the post you are replying to."
)
PARENT = PostReceipt(id="1953412345678900000")


def problem(status: int, detail: str, **more: Any) -> Reply:
    body = {"title": "Forbidden", "detail": detail, "type": "about:blank", "status": status} | more
    return Reply(status, {"Content-Type": "application/problem+json"}, body)


@contextmanager
def sender_to(url: str, **options: Any) -> Iterator[XSender]:
    with closing(x_sender(url, **options)) as sender:
        yield sender


INVALID = {
    "errors": [{"parameters": {}, "message": "text is odd"}],
    "title": "Invalid Request",
    "detail": "One or more",
}
ROWS = [
    Row("invalid", Reply(400, body=INVALID), PermanentDeliveryError, Reason.REJECTED, "text is odd"),
    Row("too long, 400", problem(400, "Your Tweet text is too long."), TooLargeError, Reason.TOO_LARGE),
    Row("too long, 403", problem(403, "Your Tweet text is too long."), TooLargeError, Reason.TOO_LARGE),
    Row("keys or clock", problem(401, "Unauthorized"), ChannelStoppedError, Reason.AUTH, "Unauthorized"),
    Row("no credits", problem(402, "does not have any credits"), ChannelStoppedError, Reason.AUTH, "credits"),
    Row("not permitted", problem(403, "You are not permitted to perform this action."), ChannelStoppedError,
        Reason.AUTH),
    Row("old-style error", Reply(403, body={"errors": [{"code": 326, "message": "locked"}]}), ChannelStoppedError,
        Reason.AUTH, "locked"),
    Row("error body that is a list", Reply(403, body=[]), ChannelStoppedError, Reason.AUTH),
    Row("errors that are text", Reply(400, body={"errors": "none"}), PermanentDeliveryError, Reason.REJECTED),
    Row("wrong address", problem(404, "Not Found"), ChannelStoppedError, Reason.REJECTED),
    Row("rate", problem(429, "Too Many Requests"), TransientDeliveryError, Reason.RATE_LIMITED),
    Row("rate with a junk header", Reply(429, {"x-rate-limit-reset": "soon"}), TransientDeliveryError,
        Reason.RATE_LIMITED),
    Row("success without a post", Reply(201, body={"data": {}}), OutcomeUnknownError, Reason.OUTCOME_UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_answer_means_what_the_table_says_after_one_request(row: Row) -> None:
    with scripted(row.step) as peer, sender_to(peer.url) as sender:
        with row.comes_of_it():
            sender.post(a_post())
        assert len(peer.requests) == 1


@pytest.mark.parametrize("step", [Reply(503), Reply(201, body={"data": {}}), Drop()], ids=["503", "no post", "hung up"])
def test_an_unknown_outcome_is_looked_up_no_earlier_than_x_shows_new_posts(step: Step) -> None:
    with scripted(step) as peer, sender_to(peer.url) as sender, pytest.raises(OutcomeUnknownError) as error:
        sender.post(a_post())
    assert error.value.retry_after is not None
    assert error.value.retry_after >= LOOK_AFTER


@pytest.mark.parametrize("step", [Reset(), Trickle()], ids=["reset", "trickle"])
def test_a_connection_that_misbehaves_ends_in_an_unknown_outcome(step: Step) -> None:
    with scripted(step) as peer, sender_to(peer.url) as sender, pytest.raises(OutcomeUnknownError):
        sender.post(a_post())


# --- replies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        problem(403, NO_REPLY),
        problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
        Reply(400, body={"errors": [{"parameters": {"reply.in_reply_to_tweet_id": ["1"]}, "message": "invalid"}]}),
    ],
    ids=["not engaged", "deleted", "invalid parent"],
)
def test_a_refused_reply_becomes_a_post_of_its_own(refusal: Reply) -> None:
    with scripted(refusal, CREATED) as peer, sender_to(peer.url) as sender:
        receipt = sender.post(a_post(reply_to=PARENT))
        assert receipt.extra["standalone"] == "reply_refused"
        assert [seen.json().get("reply") for seen in peer.requests] == [{"in_reply_to_tweet_id": PARENT.id}, None]
        assert {seen.json()["text"] for seen in peer.requests} == {TEXT}


def test_an_unknown_outcome_of_the_post_of_its_own_stays_unknown() -> None:
    with scripted(problem(403, NO_REPLY), Drop()) as peer, sender_to(peer.url) as sender:
        with pytest.raises(OutcomeUnknownError):
            sender.post(a_post(reply_to=PARENT))
        assert len(peer.requests) == 2


def test_a_reply_goes_to_the_threads_root_when_the_last_posts_id_is_not_known() -> None:
    with scripted(CREATED) as peer, sender_to(peer.url) as sender:
        sender.post(a_post(reply_to=PostReceipt(id=""), thread_root=PARENT))
        assert peer.requests[0].json()["reply"] == {"in_reply_to_tweet_id": PARENT.id}


# --- the same text twice -------------------------------------------------------------------------------------------


def timeline(*posts: dict[str, Any], **more: Any) -> Reply:
    return Reply(200, body={"data": list(posts), "meta": {"result_count": len(posts)}} | more)


def test_a_refused_duplicate_is_looked_up_and_taken_for_the_post() -> None:
    found = {"id": "42", "text": TEXT, "edit_history_tweet_ids": ["42"]}
    with scripted(problem(403, DUPLICATE), timeline(found)) as peer, sender_to(peer.url) as sender:
        receipt = sender.post(a_post())
    assert receipt.id == "42"
    assert receipt.extra == {"found": "duplicate"}


@pytest.mark.parametrize("answer", [timeline(), Reply(503), Drop()], ids=["empty", "down", "hung up"])
def test_a_refused_duplicate_that_cannot_be_found_is_accepted_with_an_unknown_id(answer: Step) -> None:
    with scripted(problem(403, DUPLICATE), answer) as peer, sender_to(peer.url) as sender:
        receipt = sender.post(a_post())
    assert receipt.id == ""
    assert receipt.extra["reason"] == "duplicate"


def test_own_posts_are_compared_after_expanding_links_and_unescaping() -> None:
    returned = {
        "id": "42",
        "text": "🔴 Sto\u0308rung behoben &amp; geprüft:  &lt;alles&gt; läuft. https://t.co/Ab12Cd34Ef",
        "entities": {"urls": [{"url": "https://t.co/Ab12Cd34Ef", "expanded_url": TEXT.rpartition(" ")[2]}]},
    }
    with scripted(timeline(returned)) as peer, sender_to(peer.url) as sender:
        found = sender.find(a_post(), now())
        assert found is not None
        assert found.id == "42"
        query = peer.requests[0].path
        assert "max_results=100" in query
        assert "exclude=retweets" in query
        assert "start_time=" in query


def test_the_look_goes_on_to_older_pages() -> None:
    first = timeline({"id": "1", "text": "other"}, meta={"next_token": "more"})
    with scripted(first, timeline({"id": "42", "text": TEXT})) as peer, sender_to(peer.url) as sender:
        found = sender.find(a_post(), now())
        assert found is not None
        assert "pagination_token=more" in peer.requests[1].path


def test_a_partial_timeline_proves_nothing() -> None:
    partial = timeline(errors=[{"title": "Unavailable"}])
    with scripted(partial) as peer, sender_to(peer.url) as sender, pytest.raises(OutcomeUnknownError):
        sender.find(a_post(), now())


@pytest.mark.parametrize("body", [{"data": None}, {"data": ["x", 7]}, {"data": [{"text": 1}]}, {"meta": 3}])
def test_timelines_of_odd_shape_are_survived(body: Any) -> None:
    with scripted(Reply(200, body=body)) as peer, sender_to(peer.url) as sender:
        assert sender.find(a_post(), now()) is None


def test_a_refused_key_stops_the_account_also_when_looking() -> None:
    with (
        scripted(problem(401, "Unauthorized")) as peer,
        sender_to(peer.url) as sender,
        pytest.raises(ChannelStoppedError),
    ):
        sender.find(a_post(), now())


# --- rates ---------------------------------------------------------------------------------------------------------


def limited(**headers: str) -> timedelta | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with scripted(Reply(429, named)) as peer, sender_to(peer.url) as sender, pytest.raises(DeliveryError) as error:
        sender.post(a_post())
    return error.value.retry_after


def unix(seconds: int) -> str:
    return str(int(now().timestamp()) + seconds)


def about(seconds: int) -> Any:
    return pytest.approx(seconds, abs=3)


def test_429_waits_for_the_latest_reset_among_the_exhausted_windows() -> None:
    wait = limited(
        x_rate_limit_remaining="80",
        x_rate_limit_reset=unix(900),
        x_user_limit_24hour_remaining="0",
        x_user_limit_24hour_reset=unix(30_000),
        x_app_limit_24hour_remaining="0",
        x_app_limit_24hour_reset=unix(20_000),
    )
    assert wait is not None
    assert wait.total_seconds() == about(30_000)


def test_429_without_an_exhausted_window_waits_for_the_quarter_hour() -> None:
    wait = limited(x_rate_limit_reset=unix(300))
    assert wait is not None
    assert wait.total_seconds() == about(300)


def test_no_wait_is_longer_than_a_day() -> None:
    assert limited(x_rate_limit_remaining="0", x_rate_limit_reset=unix(10_000_000)) == timedelta(days=1)


# --- the sandbox ---------------------------------------------------------------------------------------------------


def test_a_sandbox_that_refuses_every_reply_gets_posts_of_their_own(sandbox: RunningSandbox) -> None:
    sandbox.turn("x", replies="none")
    with sender_to(sandbox.x_url) as sender:
        first = sender.post(a_post(text="Eins"))
        second = sender.post(a_post(text="Zwei", reply_to=first, thread_root=first))
    sandbox.turn("x", replies="own")
    assert second.extra["standalone"] == "reply_refused"


def test_a_text_over_280_is_refused_for_good(sandbox: RunningSandbox) -> None:
    with sender_to(sandbox.x_url) as sender, pytest.raises(PermanentDeliveryError):
        sender.post(a_post(text="障" * 141))


def test_a_wrong_secret_stops_the_account(sandbox: RunningSandbox) -> None:
    with sender_to(sandbox.x_url, access_token_secret="wrong") as sender, pytest.raises(ChannelStoppedError) as error:
        sender.post(a_post())
    assert error.value.status == 401


def test_a_post_is_signed_for_the_address_the_library_believes_in() -> None:
    seen: list[Seen] = []

    def note(request: Seen) -> Step:
        seen.append(request)
        return CREATED

    with scripted(note) as peer, sender_to(f"{peer.url}/x/") as sender:
        sender.post(a_post())
    assert seen[0].path == "/x/2/tweets"
    assert seen[0].headers["authorization"].startswith("OAuth ")
    assert seen[0].json() == {"text": TEXT}
