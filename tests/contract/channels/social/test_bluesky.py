"""Every way a call to Bluesky can end."""

from typing import Any

import pytest

from notifier.channels.base import TooLargeError
from notifier.domain.errors import (
    ChannelStoppedError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.messages.message import PostReceipt
from notifier.domain.values import Reason
from tests.contract.channels.bluesky_peer import CID, DID, calls_of, error, server, session, written
from tests.contract.channels.bluesky_sender import sender_to
from tests.contract.channels.fault_table import HTML, Row
from tests.contract.channels.mails import now
from tests.contract.channels.posts import TEXT, a_post
from tests.contract.channels.scripted_server import (
    Answerer,
    Reply,
    Step,
    closed_port,
)
from tests.sandbox_server import RunningSandbox

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


def test_a_text_over_300_graphemes_is_refused_for_good(sandbox: RunningSandbox) -> None:
    with sender_to(sandbox.bluesky_url) as sender, pytest.raises(TooLargeError):
        sender.post(a_post(text="x" * 301))
