"""Every way a call to a Mastodon instance can end, and what the sender tells the instance."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from notifier.channels.base import TooLargeError
from notifier.channels.social.mastodon import MastodonSender
from notifier.domain.errors import (
    ChannelStoppedError,
    PermanentDeliveryError,
    TransientDeliveryError,
)
from notifier.domain.messages.message import Picture, PostReceipt
from notifier.domain.values import Reason
from tests.contract.channels.fault_table import HTML, Row
from tests.contract.channels.mails import now
from tests.contract.channels.posts import TEXT, a_post, mastodon_sender
from tests.contract.channels.scripted_server import Drop, Reply, Step, scripted
from tests.sandbox_server import RunningSandbox

STATUS = {"id": "7", "url": "https://m.example/@a/7", "content": "<p>x</p>", "created_at": "2026-08-01T10:00:00.000Z"}
POSTED = Reply(200, body=STATUS)


@contextmanager
def sender_to(url: str, **options: Any) -> Iterator[MastodonSender]:
    with closing(mastodon_sender(url, **options)) as sender:
        yield sender


ROWS = [
    Row("bad token", Reply(401, body={"error": "The access token is invalid"}), ChannelStoppedError, Reason.AUTH,
        "token"),
    Row("not allowed", Reply(403, body={"error": "This action is not allowed"}), ChannelStoppedError, Reason.AUTH),
    Row("wrong address", Reply(404, body={"error": "Record not found"}), ChannelStoppedError, Reason.REJECTED),
    Row("gone", Reply(410, body=HTML), PermanentDeliveryError, Reason.REJECTED),
    Row("too large", Reply(413), TooLargeError, Reason.TOO_LARGE),
    Row("over the limit", Reply(422, body={"error": "Validation failed: Text character limit of 500 exceeded"}),
        TooLargeError, Reason.TOO_LARGE),
    Row("blank", Reply(422, body={"error": "Validation failed: Text can't be blank"}), PermanentDeliveryError,
        Reason.REJECTED, "blank"),
    Row("error that is a list", Reply(422, body=["no"]), PermanentDeliveryError, Reason.REJECTED),
    Row("rate", Reply(429, body={"error": "Too many requests"}), TransientDeliveryError, Reason.RATE_LIMITED),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_answer_means_what_the_table_says_after_one_request(row: Row) -> None:
    with scripted(row.step) as peer, sender_to(peer.url) as sender:
        with row.comes_of_it():
            sender.post(a_post())
        assert len(peer.requests) == 1


def test_429_waits_until_the_time_the_instance_names() -> None:
    reset = (now() + timedelta(seconds=120)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    limited = Reply(429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, {"error": "Too many requests"})
    with scripted(limited) as peer, sender_to(peer.url) as sender, pytest.raises(TransientDeliveryError) as error:
        sender.post(a_post())
    assert error.value.retry_after is not None
    assert error.value.retry_after.total_seconds() == pytest.approx(120, abs=3)


@pytest.mark.parametrize("reset", ["soon", "", "-5", "9" * 30])
def test_a_post_that_succeeded_is_a_success_whatever_its_rate_headers_say(reset: str) -> None:
    headers = {"X-RateLimit-Remaining": "x", "X-RateLimit-Reset": reset, "Deprecation": "@1688169599"}
    with scripted(Reply(200, headers, STATUS)) as peer, sender_to(peer.url) as sender:
        assert sender.post(a_post()).id == "7"


def test_a_post_says_language_visibility_parent_and_key() -> None:
    with scripted(POSTED) as peer, sender_to(f"{peer.url}/mastodon/") as sender:
        sender.post(a_post(listed=False, reply_to=PostReceipt(id="6")))
        seen = peer.requests[0]
    form = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
    assert seen.path == "/mastodon/api/v1/statuses"
    assert seen.headers["idempotency-key"] == a_post().key
    assert form["status"] == TEXT
    assert (form["language"], form["visibility"], form["in_reply_to_id"]) == ("de", "unlisted", "6")


def test_the_first_and_the_last_word_are_public() -> None:
    with scripted(POSTED) as peer, sender_to(peer.url) as sender:
        sender.post(a_post(listed=True))
        assert parse_qs(peer.requests[0].body.decode())["visibility"] == ["public"]


def test_a_reply_to_a_deleted_status_becomes_a_status_of_its_own() -> None:
    with scripted(Reply(404, body={"error": "Record not found"}), POSTED) as peer, sender_to(peer.url) as sender:
        receipt = sender.post(a_post(reply_to=PostReceipt(id="6")))
        assert receipt.extra["standalone"] == "parent_gone"
        assert "in_reply_to_id" not in parse_qs(peer.requests[1].body.decode())
        assert len({seen.headers["idempotency-key"] for seen in peer.requests}) == 1


def test_a_token_that_is_the_name_of_a_file_is_still_a_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-files-content\nhttps://elsewhere.example\n")
    with scripted(POSTED) as peer, sender_to(peer.url, access_token=str(file)) as sender:
        sender.post(a_post())
        assert peer.requests[0].headers["authorization"] == f"Bearer {file}"


def test_a_token_that_may_only_write_does_not_block_a_repeat() -> None:
    refused = Reply(403, body={"error": "This action is outside the authorized scopes"})
    with scripted(refused) as peer, sender_to(peer.url) as sender:
        assert sender.find(a_post(), now()) is None


def test_an_older_status_with_the_same_text_is_not_the_one_looked_for() -> None:
    status = STATUS | {"content": "<p>" + "Alles läuft." + "</p>", "created_at": "2026-08-01T09:00:00.000Z"}
    with scripted(Reply(200, body={"id": "1"}), Reply(200, body=[status])) as peer, sender_to(peer.url) as sender:
        post = a_post(text="Alles läuft.")
        assert sender.find(post, datetime(2026, 8, 1, 12, tzinfo=UTC)) is None
        assert sender.find(post, datetime(2026, 8, 1, 9, 0, 30, tzinfo=UTC)) is not None


# --- limits --------------------------------------------------------------------------------------------------------


def instance(characters: Any) -> Reply:
    statuses = {"max_characters": characters, "characters_reserved_per_url": 20, "max_media_attachments": 8}
    return Reply(200, body={"version": "4.4.3", "configuration": {"statuses": statuses}})


def test_the_instances_limits_are_asked_once_a_day() -> None:
    times = [now()]
    with scripted(instance(1_000), instance(2_000)) as peer, sender_to(peer.url, clock=lambda: times[0]) as sender:
        limits = sender.limits()
        assert (limits.characters, limits.url_characters, limits.pictures) == (1_000, 20, 8)
        assert sender.limits().characters == 1_000
        assert len(peer.requests) == 1
        times[0] += timedelta(days=1, seconds=1)
        assert sender.limits().characters == 2_000


def test_an_instance_without_pictures_or_a_version_gets_the_text_and_is_asked_once() -> None:
    card = Picture(data=b"\x89PNG", media_type="image/png", alt="What happened")
    missing = Reply(404, body={"error": "Record not found"})
    with scripted(missing, POSTED) as peer, sender_to(peer.url) as sender:
        assert sender.post(a_post(picture=card)).id == "7"
        assert [request.path for request in peer.requests] == ["/api/v2/media", "/api/v1/statuses"]


def test_an_older_server_is_asked_by_the_older_call() -> None:
    old = Reply(200, body={"version": "3.5.3", "max_toot_chars": 750})
    with scripted(Reply(404, body={"error": "Not found"}), old) as peer, sender_to(peer.url) as sender:
        assert sender.limits().characters == 750
        assert [seen.path.rstrip("/") for seen in peer.requests] == ["/api/v2/instance", "/api/v1/instance"]


@pytest.mark.parametrize(
    "step", [Reply(500), Drop(), instance("many"), instance(-1), instance(None), Reply(200, body={})]
)
def test_an_instance_that_does_not_tell_gets_500(step: Step) -> None:
    with scripted(step) as peer, sender_to(peer.url) as sender:
        assert sender.limits().characters == 500


# --- the sandbox ---------------------------------------------------------------------------------------------------


def test_the_same_key_publishes_once_even_with_another_text(sandbox: RunningSandbox) -> None:
    with sender_to(sandbox.mastodon_url) as sender:
        first = sender.post(a_post(key="same"))
        again = sender.post(a_post(key="same", text="Etwas anderes"))
    assert first.id == again.id


def test_a_text_over_the_limit_is_refused_for_good(sandbox: RunningSandbox) -> None:
    with sender_to(sandbox.mastodon_url) as sender, pytest.raises(TooLargeError):
        sender.post(a_post(text="x" * 501))
