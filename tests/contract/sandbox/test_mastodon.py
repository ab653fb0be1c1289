"""The Mastodon API over HTTP and through Mastodon.py."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mastodon import (
    Mastodon,
    MastodonAPIError,
    MastodonNetworkError,
    MastodonNotFoundError,
    MastodonRatelimitError,
    MastodonServiceUnavailableError,
    MastodonUnauthorizedError,
)

from notifier.sandbox.config import MastodonRules, SandboxConfig
from notifier.sandbox.credentials import mastodon_account
from tests.sandbox_server import Answer, RunningSandbox, running_sandbox

LINK = "https://status.example.com/nl/incidents/inc-1"
TOKEN = mastodon_account("mastodon-nl").access_token


def a_client(sandbox: RunningSandbox, token: str = TOKEN) -> Mastodon:
    client = Mastodon(
        access_token=token, api_base_url=sandbox.mastodon_url, ratelimit_method="throw", request_timeout=5
    )
    client.session.trust_env = False
    return client


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[Mastodon]:
    sandbox.state.mastodon.accounts.clear()  # the rate windows with them
    client = a_client(sandbox)
    yield client
    client.session.close()


def raw(sandbox: RunningSandbox, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return sandbox.call(method, f"/mastodon/api/{path}", body, {"Authorization": f"Bearer {TOKEN}"} | names)


def test_status_is_posted_with_visibility_language_and_linked_content(client: Mastodon) -> None:
    status = client.status_post(f"Storing <nu>\n{LINK}", visibility="unlisted", language="nl")
    assert (status.visibility, status.language, status.in_reply_to_id, status.edited_at) == (
        "unlisted",
        "nl",
        None,
        None,
    )
    assert status.content == f'<p>Storing &lt;nu&gt;<br /><a href="{LINK}" rel="nofollow noopener">{LINK}</a></p>'
    assert status.url.endswith(f"/@mastodon-nl/{status.id}")


def test_thread_is_a_reply_to_ones_own_status(sandbox: RunningSandbox, client: Mastodon) -> None:
    first = client.status_post("Een")
    second = client.status_post("Twee", in_reply_to_id=first.id)
    third = client.status_post("Drie", in_reply_to_id=second.id)
    assert str(third.in_reply_to_id) == str(second.id)
    posts = sandbox.get("/sandbox/api/posts?platform=mastodon")["items"]
    assert {post["thread"] for post in posts} == {str(first.id)}


def test_same_key_answers_with_the_first_status_whatever_the_body(sandbox: RunningSandbox, client: Mastodon) -> None:
    first = client.status_post("Een", idempotency_key="dlv_1")
    assert client.status_post("Iets anders", idempotency_key="dlv_1").id == first.id
    assert client.status_post("Een", idempotency_key="dlv_2").id != first.id
    assert len(sandbox.get("/sandbox/api/posts")["items"]) == 2


def test_key_is_remembered_for_an_hour_per_account() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0])) as sandbox:
        path, body, key = "v1/statuses", {"status": "Storing"}, {"Idempotency_Key": "dlv_1"}
        first = raw(sandbox, "POST", path, body, **key).json()["id"]
        now[0] += 3_599
        assert raw(sandbox, "POST", path, body, **key).json()["id"] == first
        other = {"Authorization": f"Bearer {mastodon_account('other').access_token}"}
        assert raw(sandbox, "POST", path, body, **key, **other).json()["id"] != first
        now[0] += 1
        assert raw(sandbox, "POST", path, body, **key).json()["id"] != first


def test_status_can_be_edited_and_deleted(client: Mastodon) -> None:
    status = client.status_post("Een", language="nl")
    edited = client.status_update(status.id, status="Een, verbeterd")
    assert (edited.id, edited.content) == (status.id, "<p>Een, verbeterd</p>")
    assert edited.edited_at is not None
    assert client.status_delete(status.id).text == "Een, verbeterd"
    with pytest.raises(MastodonNotFoundError, match="Record not found"):
        client.status(status.id)


def test_own_account_lists_its_statuses_newest_first(client: Mastodon) -> None:
    ids = [str(client.status_post(f"Bericht {number}").id) for number in range(3)]
    reply = client.status_post("Antwoord", in_reply_to_id=int(ids[0]))
    me = client.account_verify_credentials()
    assert [str(one.id) for one in client.account_statuses(me.id)] == [str(reply.id), *ids[::-1]]
    assert [str(one.id) for one in client.account_statuses(me.id, exclude_replies=True, limit=2)] == ids[:0:-1]
    assert [str(one.id) for one in client.account_statuses(me.id, since_id=ids[1])] == [str(reply.id), ids[2]]
    with pytest.raises(MastodonNotFoundError):
        client.account_statuses(1)


@pytest.mark.parametrize("tail", ["", "/"])
def test_instance_tells_its_limits_with_and_without_a_trailing_slash(sandbox: RunningSandbox, tail: str) -> None:
    sandbox.turn("mastodon", max_characters=1_000)
    for version in ("v1", "v2"):
        statuses = sandbox.get(f"/mastodon/api/{version}/instance{tail}")["configuration"]["statuses"]
        assert statuses == {
            "max_characters": 1_000,
            "max_media_attachments": 4,
            "characters_reserved_per_url": 23,
        }


def test_client_reads_the_instance(client: Mastodon) -> None:
    assert client.instance_v2().configuration.statuses.max_characters == 500


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"status": ""}, "Validation failed: Text can't be blank"),
        ({"status": "  \n"}, "Validation failed: Text can't be blank"),
        ({"status": "x" * 501}, "Validation failed: Text character limit of 500 exceeded"),
        ({"status": "x" * 400, "spoiler_text": "y" * 101}, "Validation failed: Text character limit of 500 exceeded"),
        ({"status": "x", "visibility": "secret"}, "Validation failed: Visibility is not included in the list"),
        ({"status": "x", "language": "Dutch!"}, "Validation failed: Language is not included in the list"),
        ({"status": "x", "media_ids": ["1"]}, "Validation failed: Media attachments not found"),
        ({"status": "x", "scheduled_at": "soon"}, "Validation failed: Scheduled at is invalid"),
    ],
)
def test_wrong_parameter_is_422(
    sandbox: RunningSandbox, client: Mastodon, parameters: dict[str, Any], message: str
) -> None:
    assert client.api_base_url is not None
    answer = raw(sandbox, "POST", "v1/statuses", parameters)
    assert (answer.status, answer.json()) == (422, {"error": message})


@pytest.mark.parametrize(
    "text",
    [
        "x" * 500,
        "👨‍👩‍👧‍👦" * 500,
        "x" * 476 + f" {LINK}/{'y' * 300}",
        "x" * 493 + " @abcde@long.instance.example",
    ],
)
def test_text_that_counts_as_500_is_accepted_and_one_more_is_not(client: Mastodon, text: str) -> None:
    client.status_post(text)
    with pytest.raises(MastodonAPIError) as caught:
        client.status_post("x" + text)
    assert caught.value.args[1] == 422


def test_scheduled_status_appears_at_its_time() -> None:
    now = [time.time()]
    with running_sandbox(SandboxConfig(clock=lambda: now[0])) as sandbox:
        client = a_client(sandbox)
        at = datetime.now(UTC) + timedelta(minutes=10)
        assert client.status_post("Later", scheduled_at=at).scheduled_at is not None
        me = client.account_verify_credentials().id
        assert client.account_statuses(me) == []
        with pytest.raises(MastodonAPIError):
            client.status_post("Te vroeg", scheduled_at=datetime.now(UTC) + timedelta(minutes=1))
        now[0] += 601
        assert [status.content for status in client.account_statuses(me)] == ["<p>Later</p>"]
        client.session.close()


def test_wrong_token_is_401_and_none_at_all_too(sandbox: RunningSandbox) -> None:
    stranger = a_client(sandbox, "nonsense")
    with pytest.raises(MastodonUnauthorizedError, match="The access token is invalid"):
        stranger.status_post("Storing")
    stranger.session.close()
    assert sandbox.call("POST", "/mastodon/api/v1/statuses", {"status": "x"}).status == 401


def test_reply_to_a_status_that_is_gone_is_404(client: Mastodon) -> None:
    first = client.status_post("Een")
    client.status_delete(first.id)
    with pytest.raises(MastodonNotFoundError):
        client.status_post("Twee", in_reply_to_id=first.id)


def test_rate_headers_tell_the_reset_as_an_iso_time(sandbox: RunningSandbox, client: Mastodon) -> None:
    client.status_post("Storing")
    assert (client.ratelimit_limit, client.ratelimit_remaining) == (300, 299)
    reset = raw(sandbox, "GET", "v1/accounts/verify_credentials").headers["x-ratelimit-reset"]
    assert 0 < (datetime.fromisoformat(reset) - datetime.now(UTC)).total_seconds() <= 301


def test_rate_is_429_until_the_window_ends() -> None:
    now = [1_785_578_400.0]
    rules = MastodonRules(requests_per_5_minutes=2)
    with running_sandbox(SandboxConfig(clock=lambda: now[0], mastodon=rules)) as sandbox:
        statuses = [raw(sandbox, "POST", "v1/statuses", {"status": f"a{n}"}).status for n in range(3)]
        assert statuses == [200, 200, 429]
        answer = raw(sandbox, "POST", "v1/statuses", {"status": "x"})
        assert answer.json() == {"error": "Too many requests"}
        now[0] = datetime.fromisoformat(answer.headers["x-ratelimit-reset"]).timestamp()
        assert raw(sandbox, "POST", "v1/statuses", {"status": "x"}).status == 200


def test_thirty_deletions_in_half_an_hour_are_the_limit(sandbox: RunningSandbox, client: Mastodon) -> None:
    ids = [client.status_post(f"Bericht {number}").id for number in range(31)]
    for status_id in ids[:30]:
        client.status_delete(status_id)
    with pytest.raises(MastodonRatelimitError):
        client.status_delete(ids[30])
    assert raw(sandbox, "DELETE", f"v1/statuses/{ids[30]}").headers["x-ratelimit-limit"] == "30"


@pytest.mark.parametrize(
    ("fault", "error", "posted"),
    [
        ({"kind": "status", "status": 503}, MastodonServiceUnavailableError, 0),
        ({"kind": "status", "status": 403}, MastodonAPIError, 0),
        ({"kind": "status", "status": 500, "after_accept": True}, MastodonAPIError, 1),
        ({"kind": "html_error", "status": 503}, MastodonServiceUnavailableError, 0),
        ({"kind": "drop_before"}, MastodonNetworkError, 0),
        ({"kind": "drop_after_accept"}, MastodonNetworkError, 1),
    ],
)
def test_fault_raises_what_the_client_raises_and_a_repeat_with_the_key_posts_once(
    sandbox: RunningSandbox, client: Mastodon, fault: dict[str, Any], error: type[Exception], posted: int
) -> None:
    sandbox.fault("mastodon", count=1, **fault)
    with pytest.raises(error):
        client.status_post("Storing", idempotency_key="dlv_1")
    assert len(sandbox.get("/sandbox/api/posts")["items"]) == posted
    client.status_post("Storing", idempotency_key="dlv_1")
    assert len(sandbox.get("/sandbox/api/posts")["items"]) == 1


def test_picture_can_be_attached(client: Mastodon) -> None:
    media = client.media_post(b"\x89PNG....", mime_type="image/png", description="Kaart")
    status = client.status_post("Met beeld", media_ids=[media.id])
    assert [str(one.id) for one in status.media_attachments] == [str(media.id)]


def test_unknown_path_is_answered_in_mastodons_words(sandbox: RunningSandbox) -> None:
    answer = sandbox.call("GET", "/mastodon/api/v1/nonsense")
    assert (answer.status, answer.json()) == (404, {"error": "Record not found"})
