"""Every way a call to Bluesky can end; sessions that expire, are kept, and must not lead elsewhere."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from notifier.channels.base import TooLargeError
from notifier.channels.social.bluesky import BlueskySender
from notifier.domain.errors import (
    ChannelStoppedError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.messages.message import PostReceipt
from notifier.domain.values import Reason
from tests.contract.channels.bluesky_peer import CID, DID, calls_of, error, jwt, server, session, written
from tests.contract.channels.fault_table import HTML, Row
from tests.contract.channels.mails import now
from tests.contract.channels.posts import TEXT, Sessions, a_post, bluesky_sender
from tests.contract.channels.scripted_server import (
    Answerer,
    Drop,
    Reply,
    Stall,
    Step,
    Trickle,
    closed_port,
)
from tests.sandbox_server import RunningSandbox, running_sandbox


@contextmanager
def sender_to(url: str, **options: Any) -> Iterator[BlueskySender]:
    with closing(bluesky_sender(url, **options)) as sender:
        yield sender


ROWS = [
    Row("invalid record", error(400, "InvalidRequest", "Invalid app.bsky.feed.post record: x"), PermanentDeliveryError,
        Reason.REJECTED, "InvalidRequest: Invalid app"),
    Row("too long", error(400, "InvalidRequest", "Record/text must not be longer than 300 graphemes"), TooLargeError,
        Reason.TOO_LARGE),
    Row("swap", error(400, "InvalidSwap"), PermanentDeliveryError, Reason.REJECTED),
    Row("takedown", error(403, "AccountTakedown"), ChannelStoppedError, Reason.AUTH, "AccountTakedown"),
    Row("wrong address", Reply(404, body=HTML), ChannelStoppedError, Reason.REJECTED),
    Row("too large", error(413, "PayloadTooLarge"), TooLargeError, Reason.TOO_LARGE),
    Row("rate", error(429, "RateLimitExceeded"), TransientDeliveryError, Reason.RATE_LIMITED),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_answer_means_what_the_table_says_after_one_request(row: Row) -> None:
    with server({"createSession": [session()], "putRecord": [row.step]}) as peer, sender_to(peer.url) as sender:
        with row.comes_of_it():
            sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord"]


LOGIN_ROWS = [
    Row("wrong password", error(401, "AuthenticationRequired"), ChannelStoppedError, Reason.AUTH),
    Row("no such handle", error(400, "InvalidRequest"), ChannelStoppedError, Reason.AUTH),
    Row("too many logins", error(429, "RateLimitExceeded"), TransientDeliveryError, Reason.RATE_LIMITED),
    Row("500", error(500, "InternalServerError"), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("502", Reply(502, body=HTML), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("hung up", Drop(), TransientDeliveryError, Reason.SERVER_ERROR),
    Row("silent", Stall(), TransientDeliveryError, Reason.TIMED_OUT),
    Row("trickling", Trickle(), TransientDeliveryError, Reason.TIMED_OUT),
    Row("junk", Reply(200, body={"accessJwt": 7}), TransientDeliveryError, Reason.SERVER_ERROR),
]


@pytest.mark.parametrize("row", LOGIN_ROWS, ids=lambda row: row.name)
def test_a_login_that_fails_has_published_nothing(row: Row) -> None:
    with server({"createSession": [row.step]}) as peer, sender_to(peer.url) as sender:
        with row.comes_of_it():
            sender.post(a_post())
        assert calls_of(peer) == ["createSession"]


def test_429_waits_until_the_window_ends() -> None:
    reset = str(int(now().timestamp()) + 100)
    limited = error(429, "RateLimitExceeded", **{"RateLimit-Remaining": "0", "RateLimit-Reset": reset})
    with (
        server({"createSession": [session()], "putRecord": [limited]}) as peer,
        sender_to(peer.url) as sender,
        pytest.raises(TransientDeliveryError) as refused,
    ):
        sender.post(a_post())
    assert refused.value.retry_after is not None
    assert refused.value.retry_after.total_seconds() == pytest.approx(100, abs=3)


# --- sessions ------------------------------------------------------------------------------------------------------


def test_one_login_serves_all_posts_and_the_next_process() -> None:
    sessions = Sessions()
    with server({"createSession": [session()], "putRecord": [written]}) as peer:
        for _ in range(2):
            with sender_to(peer.url, sessions=sessions) as sender:
                sender.post(a_post(key="k1"))
                sender.post(a_post(key="k2"))
        assert calls_of(peer) == ["createSession", *["putRecord"] * 4]


def test_an_expired_token_is_refreshed_and_the_call_made_once_again() -> None:
    sessions = Sessions()
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session()],
        "refreshSession": [session("second")],
        "putRecord": [error(400, "ExpiredToken"), written],
    }
    with server(calls) as peer, sender_to(peer.url, sessions=sessions) as sender:
        sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord", "refreshSession", "putRecord"]
        assert peer.requests[2].headers["authorization"] == f"Bearer {jwt('first-refresh')}"
        assert peer.requests[3].headers["authorization"] == f"Bearer {jwt('second-access')}"
        assert peer.requests[1].body == peer.requests[3].body
    assert jwt("second-access") in sessions["acc-de"]


def test_a_refresh_that_is_refused_leads_to_one_new_login() -> None:
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session(), session("second")],
        "refreshSession": [error(400, "ExpiredToken")],
        "putRecord": [error(400, "ExpiredToken"), written],
    }
    with server(calls) as peer, sender_to(peer.url) as sender:
        sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord", "refreshSession", "createSession", "putRecord"]


def test_a_session_another_process_refreshed_is_taken_up_instead_of_refreshing_again() -> None:
    sessions = Sessions()
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session()],
        "refreshSession": [session("never")],
        "putRecord": [written, error(400, "ExpiredToken"), written],
    }
    with server(calls) as peer, sender_to(peer.url, sessions=sessions) as sender:
        sender.post(a_post(key="k1"))
        sessions["acc-de"] = sessions["acc-de"].replace(jwt("first-access"), jwt("other-access"))
        sender.post(a_post(key="k2"))
        assert "refreshSession" not in calls_of(peer)
        assert peer.requests[-1].headers["authorization"] == f"Bearer {jwt('other-access')}"


@pytest.mark.parametrize("name", ["InvalidToken", "AuthMissing"])
def test_a_token_the_server_does_not_know_leads_to_one_new_login(name: str) -> None:
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session(), session("second")],
        "putRecord": [error(401 if name == "AuthMissing" else 400, name), written],
    }
    with server(calls) as peer, sender_to(peer.url) as sender:
        sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord", "createSession", "putRecord"]


def test_a_server_that_refuses_every_token_stops_the_account_after_one_new_login() -> None:
    calls: dict[str, list[Step | Answerer]] = {
        "createSession": [session()],
        "putRecord": [error(400, "InvalidToken")],
    }
    with server(calls) as peer, sender_to(peer.url) as sender:
        with pytest.raises(ChannelStoppedError) as stopped:
            sender.post(a_post())
        assert stopped.value.reason is Reason.AUTH
        assert calls_of(peer) == ["createSession", "putRecord", "createSession", "putRecord"]


@pytest.mark.parametrize("stored", ["junk", "a:::b:::c:::d:::e:::f", "h:::did:::not-a-jwt:::x:::{url}", ""])
def test_a_stored_session_that_cannot_be_used_is_replaced(stored: str) -> None:
    sessions = Sessions()
    with server({"createSession": [session()], "putRecord": [written]}) as peer:
        sessions["acc-de"] = stored.replace("{url}", peer.url)
        with sender_to(peer.url, sessions=sessions) as sender:
            sender.post(a_post())
        assert calls_of(peer) == ["createSession", "putRecord"]


# --- other servers -------------------------------------------------------------------------------------------------


def moved_to(url: str) -> Reply:
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": url}
    return session(didDoc={"id": DID, "service": [service]})


def test_credentials_do_not_follow_the_account_to_a_server_nobody_configured() -> None:
    with (
        server({"putRecord": [written]}) as elsewhere,
        server({"createSession": [moved_to(elsewhere.url)]}) as peer,
        sender_to(peer.url) as sender,
    ):
        with pytest.raises(ChannelStoppedError) as stopped:
            sender.post(a_post())
        assert stopped.value.reason is Reason.BLOCKED_TARGET
        assert elsewhere.requests == []


def test_a_stored_session_of_another_server_is_not_used() -> None:
    sessions = Sessions()
    with (
        server({"putRecord": [written]}) as elsewhere,
        server({"createSession": [session()], "putRecord": [written]}) as peer,
        sender_to(peer.url, sessions=sessions) as sender,
    ):
        sessions["acc-de"] = ":::".join(["h", DID, jwt("old"), jwt("old"), elsewhere.url])
        sender.post(a_post())
        assert elsewhere.requests == []
        assert calls_of(peer) == ["createSession", "putRecord"]


# --- records -------------------------------------------------------------------------------------------------------


def record_of(**changes: Any) -> dict[str, Any]:
    with server({"createSession": [session()], "putRecord": [written]}) as peer, sender_to(peer.url) as sender:
        sender.post(a_post(**changes))
        body: dict[str, Any] = peer.requests[1].json()
        return body


def test_the_record_is_the_same_on_every_attempt() -> None:
    assert record_of() == record_of()


def test_the_record_says_time_language_and_links() -> None:
    body = record_of(languages=("nl", "en", "de", "fr"))
    record = body["record"]
    assert body["collection"] == "app.bsky.feed.post"
    assert record["text"] == TEXT
    assert record["createdAt"] == "2026-08-01T10:00:00.000Z"
    assert record["langs"] == ["nl", "en", "de"]
    (facet,) = record["facets"]
    marked = TEXT.encode()[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
    assert marked == facet["features"][0]["uri"] == TEXT.rpartition(" ")[2]


def test_a_reply_names_root_and_parent_by_content() -> None:
    root, parent = (PostReceipt(id=f"at://{DID}/app.bsky.feed.post/{key}", extra={"cid": CID}) for key in ("r", "p"))
    reply = record_of(reply_to=parent, thread_root=root)["record"]["reply"]
    assert (reply["root"]["uri"], reply["parent"]["uri"]) == (root.id, parent.id)


def test_a_parent_whose_content_id_is_not_known_cannot_be_replied_to() -> None:
    parent = PostReceipt(id=f"at://{DID}/app.bsky.feed.post/p")
    calls: dict[str, list[Step | Answerer]] = {"createSession": [session()], "putRecord": [written]}
    with server(calls) as peer, sender_to(peer.url) as sender:
        assert sender.post(a_post(reply_to=parent)).extra["standalone"] == "parent_unknown"
        assert "reply" not in peer.requests[1].json()["record"]


def test_a_text_over_3000_bytes_is_refused_before_sending() -> None:
    with sender_to(f"http://127.0.0.1:{closed_port()}") as sender, pytest.raises(TooLargeError):
        sender.post(a_post(text="障" * 1_001))


# --- the sandbox ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


def test_an_access_token_that_expired_at_the_sandbox_is_refreshed(sandbox: RunningSandbox) -> None:
    sandbox.turn("bluesky", access_token_life=1.0)
    with sender_to(sandbox.bluesky_url, sessions=Sessions()) as sender:
        for number in range(3):
            sender.post(a_post(key=f"life-{number}"))
    sandbox.turn("bluesky", access_token_life=7_200.0)


def test_a_session_that_outlived_its_sandbox_is_replaced_by_a_new_login() -> None:
    sessions = Sessions()
    for _ in range(2):
        with running_sandbox() as fresh, sender_to(fresh.bluesky_url, sessions=sessions) as sender:
            assert sender.post(a_post()).id
    assert sessions.saved == 2


def test_a_text_over_300_graphemes_is_refused_for_good(sandbox: RunningSandbox) -> None:
    with sender_to(sandbox.bluesky_url) as sender, pytest.raises(TooLargeError):
        sender.post(a_post(text="x" * 301))
