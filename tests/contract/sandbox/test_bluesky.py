"""The AT Protocol calls over HTTP and through atproto."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from atproto import Client, Request, client_utils, exceptions, models

from notifier.sandbox.bluesky.lexicon import POST
from notifier.sandbox.config import BlueskyRules, SandboxConfig
from notifier.sandbox.credentials import BlueskyAccount, bluesky_account
from tests.sandbox_server import Answer, RunningSandbox, running_sandbox

ACCOUNT = bluesky_account("bluesky-en")
KEY, NEXT_KEY = "3mrz7j62e22k7", "3mrz7j62e22ka"
WHEN = "2026-08-01T10:00:00.000Z"


@contextmanager
def stranger(sandbox: RunningSandbox) -> Iterator[Client]:
    """A client that has not logged in."""
    request = Request(timeout=5, trust_env=False)
    yield Client(base_url=sandbox.bluesky_url, request=request)
    request.close()


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[Client]:
    sandbox.state.bluesky.sessions.repos.clear()  # the rate windows with them
    with stranger(sandbox) as client:
        client.login(ACCOUNT.handle, ACCOUNT.app_password)
        yield client


def put(client: Client, text: str, key: str = KEY, **fields: Any) -> Any:
    data = {"repo": ACCOUNT.did, "collection": POST, "rkey": key}
    record = models.AppBskyFeedPost.Record(text=text, created_at=WHEN, langs=["en"], **fields)
    return client.com.atproto.repo.put_record(models.ComAtprotoRepoPutRecord.Data(**data, record=record))


def login(sandbox: RunningSandbox, account: BlueskyAccount = ACCOUNT) -> Any:
    body = {"identifier": account.handle, "password": account.app_password}
    answer = sandbox.call("POST", "/bluesky/xrpc/com.atproto.server.createSession", body)
    assert answer.status == 200, answer.body
    return answer.json()


def call(sandbox: RunningSandbox, name: str, body: Any, token: str | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {token or login(sandbox)['accessJwt']}"}
    return sandbox.call("POST", f"/bluesky/xrpc/{name}", body, headers)


def put_raw(sandbox: RunningSandbox, value: Any, token: str | None = None, **changes: Any) -> Answer:
    body = {"repo": ACCOUNT.did, "collection": POST, "rkey": KEY, "record": value, **changes}
    return call(sandbox, "com.atproto.repo.putRecord", body, token)


def a_record(**changes: Any) -> dict[str, Any]:
    record = {"$type": POST, "text": "Storing", "createdAt": WHEN} | changes
    return {name: value for name, value in record.items() if value is not None}


def test_login_stays_in_the_sandbox_and_knows_the_profile(sandbox: RunningSandbox, client: Client) -> None:
    assert client.me is not None
    assert (client.me.did, client.me.handle) == (ACCOUNT.did, ACCOUNT.handle)
    assert "didDoc" not in login(sandbox)
    put(client, "Degraded performance")
    assert len(sandbox.get("/sandbox/api/posts?account=bluesky-en")["items"]) == 1


def test_session_can_be_saved_and_restored(sandbox: RunningSandbox, client: Client) -> None:
    saved = client.export_session_string()
    with stranger(sandbox) as again:
        again.login(session_string=saved)
        assert put(again, "Degraded performance").uri.endswith(KEY)


def test_same_key_and_content_is_the_same_record_without_a_new_commit(sandbox: RunningSandbox, client: Client) -> None:
    first, second = put(client, "Degraded performance"), put(client, "Degraded performance")
    assert (first.uri, first.cid) == (second.uri, second.cid)
    assert first.commit is not None
    assert second.commit is None
    assert first.validation_status == "valid"
    assert len(sandbox.get("/sandbox/api/posts")["items"]) == 1
    assert sandbox.get("/sandbox/api/summary")["duplicates"]["bluesky"] == 0


def test_same_key_with_other_content_replaces_the_record(sandbox: RunningSandbox, client: Client) -> None:
    first, second = put(client, "Een"), put(client, "Twee")
    assert first.cid != second.cid
    [post] = sandbox.get("/sandbox/api/posts")["items"]
    assert post["text"] == "Twee"


def test_record_can_be_looked_up_and_deleted(client: Client) -> None:
    cid = put(client, "Storing").cid
    params = models.ComAtprotoRepoGetRecord.Params(repo=ACCOUNT.did, collection=POST, rkey=KEY)
    found = client.com.atproto.repo.get_record(params)
    assert (found.cid, found.value.text) == (cid, "Storing")
    data = models.ComAtprotoRepoDeleteRecord.Data(repo=ACCOUNT.did, collection=POST, rkey=KEY)
    assert client.com.atproto.repo.delete_record(data).commit is not None
    with pytest.raises(exceptions.BadRequestError) as caught:
        client.com.atproto.repo.get_record(params)
    assert caught.value.response.content.error == "RecordNotFound"


def test_links_and_tags_come_as_facets_and_replies_by_uri_and_cid(sandbox: RunningSandbox, client: Client) -> None:
    words = client_utils.TextBuilder().text("🔴 Störung ").link("status page", "https://status.example.com/i/1")
    words.text(" ").tag("#störung", "störung")
    first = put(client, words.build_text(), facets=words.build_facets())
    reference = {"uri": first.uri, "cid": first.cid}
    reply = models.AppBskyFeedPost.ReplyRef(root=reference, parent=reference)
    put(client, "✅ Resolved", NEXT_KEY, reply=reply)
    root, answer = sandbox.get("/sandbox/api/posts?platform=bluesky")["items"]
    [[start, end, target]] = root["links"]
    assert (root["text"][start:end], target) == ("status page", "https://status.example.com/i/1")
    assert (answer["reply_to"], answer["thread"]) == (KEY, KEY)


@pytest.mark.parametrize("key", ["update-1", "3MRZ7J62E22K7", "zmrz7j62e22k7", "3mrz7j62e22k", "3mrz7j62e22k1"])
def test_key_that_is_no_tid_is_refused(sandbox: RunningSandbox, client: Client, key: str) -> None:
    with pytest.raises(exceptions.BadRequestError) as caught:
        put(client, "Storing", key)
    assert caught.value.response.content.error == "InvalidRequest"
    assert caught.value.response.content.message == f"Invalid record key for app.bsky.feed.post: {key}"
    answer = put_raw(sandbox, a_record(), rkey=key, validate=False)
    assert answer.status == 200
    assert "validationStatus" not in answer.json()


LINK_FEATURE = {"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example"}


def a_facet(start: Any, end: Any, feature: Any = LINK_FEATURE) -> dict[str, Any]:
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


def a_picture(alt: str | None = "A card", **changes: Any) -> dict[str, Any]:
    blob = {"$type": "blob", "ref": {"$link": "bafkreinothere"}, "mimeType": "image/png", "size": 8} | changes
    return {"alt": alt, "image": blob}


def an_embed(*images: dict[str, Any]) -> dict[str, Any]:
    return {"$type": "app.bsky.embed.images", "images": list(images)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": None}, 'must have the property "text"'),
        ({"text": "x" * 301}, "Record/text must not be longer than 300 graphemes"),
        ({"text": "👨‍👩‍👧‍👦" * 121}, "Record/text must not be longer than 3000 bytes"),
        ({"createdAt": None}, 'must have the property "createdAt"'),
        ({"createdAt": "2026-08-01 10:00"}, "Record/createdAt must be an valid atproto datetime"),
        ({"createdAt": "2026-08-01T10:00:00"}, "Record/createdAt must be an valid atproto datetime"),
        ({"langs": ["nl", "en", "de", "fr"]}, "Record/langs must not have more than 3 elements"),
        ({"langs": ["Dutch language"]}, "Record/langs must be well-formed"),
        ({"tags": [str(number) for number in range(9)]}, "Record/tags must not have more than 8 elements"),
        ({"facets": [a_facet(0, 8)]}, "Record/facets/0/index"),
        ({"facets": [a_facet(3, 3)]}, "Record/facets/0/index"),
        ({"facets": [a_facet(-1, 3)]}, "Record/facets/0/index"),
        ({"facets": [a_facet("0", 3)]}, "Record/facets/0/index"),
        ({"text": "Stö", "facets": [a_facet(0, 3)]}, "Record/facets/0/index"),
        ({"facets": [a_facet(0, 4), a_facet(3, 6)]}, "Record/facets must not overlap"),
        ({"facets": [a_facet(0, 4, LINK_FEATURE | {"uri": "a b"})]}, "Record/facets/0/features/uri must be a uri"),
        ({"facets": [a_facet(0, 4, {"$type": "app.bsky.richtext.facet#tag", "tag": "#x"})]}, "without #"),
        ({"facets": [a_facet(0, 4, {"$type": "app.bsky.richtext.facet#mention", "did": "x"})]}, "valid did"),
        ({"facets": [a_facet(0, 4, {"$type": "x#y"})]}, "must be a link, a tag or a mention"),
        ({"facets": [{"index": {"byteStart": 0, "byteEnd": 1}, "features": []}]}, 'must have the property "features"'),
        ({"embed": an_embed(*[a_picture()] * 5)}, "must not have more than 4 elements"),
        ({"embed": an_embed(a_picture(alt=None))}, 'must have the property "alt"'),
        ({"embed": an_embed({"alt": "x", "image": "y"})}, "should be a blob ref"),
        ({"embed": an_embed(a_picture(mimeType="text/plain"))}, "mimeType must match image/*"),
        ({"embed": an_embed(a_picture(size=1_000_001))}, "size must not be larger than 1000000"),
        ({"reply": {"root": {"uri": "at://x/y/z", "cid": "b" * 59}}}, 'must have the property "parent"'),
        ({"reply": {"root": {"uri": "https://x", "cid": "b" * 59}, "parent": {}}}, "must be a valid at-uri"),
        ({"reply": {"root": {"uri": "at://x/y/z", "cid": "c"}, "parent": {}}}, "must be a cid string"),
    ],
)
def test_record_against_the_lexicon_is_refused(
    sandbox: RunningSandbox, client: Client, changes: dict[str, Any], words: str
) -> None:
    assert client.me is not None
    answer = put_raw(sandbox, a_record(**changes))
    assert (answer.status, answer.json()["error"]) == (400, "InvalidRequest")
    assert answer.json()["message"].startswith("Invalid app.bsky.feed.post record: ")
    assert words in answer.json()["message"]


@pytest.mark.parametrize("text", ["x" * 300, "👨‍👩‍👧‍👦" * 120, "障" * 300])
def test_text_at_the_limit_is_accepted(client: Client, text: str) -> None:
    assert put(client, text).validation_status == "valid"


def test_reply_with_the_wrong_cid_of_a_known_post_is_refused(sandbox: RunningSandbox, client: Client) -> None:
    first = put(client, "Een")
    reference = {"uri": first.uri, "cid": put(client, "Twee", NEXT_KEY).cid}
    answer = put_raw(sandbox, a_record(reply={"root": reference, "parent": reference}), rkey="3mrz7j62e22kb")
    assert "cid does not match the record" in answer.json()["message"]


def test_swap_demands_what_is_there(sandbox: RunningSandbox, client: Client) -> None:
    cid = put(client, "Een").cid
    taken = put_raw(sandbox, a_record(text="Twee"), swapRecord=None)
    assert (taken.status, taken.json()["error"]) == (400, "InvalidSwap")
    assert put_raw(sandbox, a_record(text="Twee"), swapRecord=cid).status == 200
    assert put_raw(sandbox, a_record(text="Drie"), swapRecord=cid).json()["error"] == "InvalidSwap"
    assert put_raw(sandbox, a_record(), rkey=NEXT_KEY, swapRecord=None).status == 200
    assert put_raw(sandbox, a_record(text="Vier"), swapCommit="b" * 59).json()["error"] == "InvalidSwap"


def test_create_with_a_used_key_breaks_the_server(client: Client) -> None:
    put(client, "Een")
    data = models.ComAtprotoRepoCreateRecord.Data(
        repo=ACCOUNT.did,
        collection=POST,
        rkey=KEY,
        record=models.AppBskyFeedPost.Record(text="Twee", created_at=WHEN),
    )
    with pytest.raises(exceptions.RequestException) as caught:
        client.com.atproto.repo.create_record(data)
    assert (caught.value.response.status_code, caught.value.response.content.error) == (500, "InternalServerError")


def test_post_without_a_key_gets_one(client: Client) -> None:
    first, second = client.send_post("Een"), client.send_post("Twee")
    assert first.uri != second.uri
    assert len(first.uri.rpartition("/")[2]) == 13


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"repo": "did:plc:someoneelse"}, 401, "AuthenticationRequired"),
        ({"collection": None}, 400, "InvalidRequest"),
        ({"rkey": ""}, 400, "InvalidRequest"),
        ({"record": "text"}, 400, "InvalidRequest"),
        ({"collection": "app.bsky.feed.like"}, 400, "InvalidRequest"),
        ({"collection": "com.example.thing", "record": {"a": 1}, "validate": True}, 400, "InvalidRequest"),
    ],
)
def test_malformed_write_is_refused(
    sandbox: RunningSandbox, client: Client, changes: dict[str, Any], status: int, error: str
) -> None:
    assert client.me is not None
    answer = put_raw(sandbox, a_record(), **changes)
    assert (answer.status, answer.json()["error"]) == (status, error)


def test_other_collections_are_stored_unchecked(sandbox: RunningSandbox) -> None:
    answer = put_raw(sandbox, {"a": 1}, collection="com.example.thing", rkey="self")
    assert (answer.status, answer.json()["validationStatus"]) == (200, "unknown")


def test_wrong_password_and_unknown_handle_are_401(sandbox: RunningSandbox) -> None:
    for handle, password in ((ACCOUNT.handle, "wrong"), ("nobody.example", ACCOUNT.app_password)):
        with stranger(sandbox) as client, pytest.raises(exceptions.UnauthorizedError) as caught:
            client.login(handle, password)
        assert caught.value.response.content.error == "AuthenticationRequired"
        assert caught.value.response.content.message == "Invalid identifier or password"


def test_no_token_is_401_a_malformed_one_400_and_an_expired_one_400() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0])) as sandbox:
        session = login(sandbox)
        body = {"repo": ACCOUNT.did, "collection": POST, "rkey": KEY, "record": a_record()}
        missing = sandbox.call("POST", "/bluesky/xrpc/com.atproto.repo.putRecord", body)
        assert (missing.status, missing.json()["error"]) == (401, "AuthMissing")
        for token in ("nonsense", session["accessJwt"][:-2] + "xx", session["refreshJwt"]):
            answer = call(sandbox, "com.atproto.repo.putRecord", body, token)
            assert (answer.status, answer.json()["error"]) == (400, "InvalidToken")
        now[0] += 7_200
        answer = call(sandbox, "com.atproto.repo.putRecord", body, session["accessJwt"])
        assert (answer.status, answer.json()) == (400, {"error": "ExpiredToken", "message": "Token has expired"})


def test_refresh_token_rotates_with_two_hours_of_grace() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0])) as sandbox:
        name, first = "com.atproto.server.refreshSession", login(sandbox)
        second = call(sandbox, name, None, first["refreshJwt"]).json()
        assert second["refreshJwt"] != first["refreshJwt"]
        now[0] += 7_199
        assert call(sandbox, name, None, first["refreshJwt"]).status == 200
        now[0] += 1
        spent = call(sandbox, name, None, first["refreshJwt"])
        assert (spent.status, spent.json()["error"]) == (400, "ExpiredToken")
        third = call(sandbox, name, None, second["refreshJwt"])
        assert third.status == 200
        assert call(sandbox, "com.atproto.server.deleteSession", None, third.json()["refreshJwt"]).status == 200
        assert call(sandbox, name, None, third.json()["refreshJwt"]).status == 400


def test_client_refreshes_a_token_that_is_about_to_expire() -> None:
    config = SandboxConfig(bluesky=BlueskyRules(access_token_life=600))
    with running_sandbox(config) as sandbox, stranger(sandbox) as client:
        client.login(ACCOUNT.handle, ACCOUNT.app_password)
        events: list[str] = []
        client.on_session_change(lambda event, _: events.append(event.value))
        put(client, "Degraded performance")
        assert "refresh" in events


def test_points_are_counted_and_refused_with_429() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0], bluesky=BlueskyRules(points_per_hour=5))) as sandbox:
        token = login(sandbox)["accessJwt"]
        first = put_raw(sandbox, a_record(), token)
        assert first.headers["ratelimit-limit"] == "5"
        assert first.headers["ratelimit-remaining"] == "3"
        assert first.headers["ratelimit-policy"] == "5;w=3600"
        assert put_raw(sandbox, a_record(text="x"), token).status == 200
        full = put_raw(sandbox, a_record(text="y"), token)
        assert (full.status, full.json()) == (429, {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"})
        assert int(full.headers["ratelimit-reset"]) == now[0] + 3600
        delete = {"repo": ACCOUNT.did, "collection": POST, "rkey": KEY}
        assert call(sandbox, "com.atproto.repo.deleteRecord", delete, token).status == 200
        now[0] += 3600
        assert put_raw(sandbox, a_record(), login(sandbox)["accessJwt"]).status == 200


def test_logins_are_limited_to_thirty_in_five_minutes() -> None:
    with running_sandbox() as sandbox:
        body = {"identifier": ACCOUNT.handle, "password": ACCOUNT.app_password}
        path = "/bluesky/xrpc/com.atproto.server.createSession"
        statuses = [sandbox.call("POST", path, body).status for _ in range(31)]
        assert statuses == [200] * 30 + [429]


def test_client_reads_the_reset_of_a_429(sandbox: RunningSandbox, client: Client) -> None:
    sandbox.turn("bluesky", points_per_hour=0)
    with pytest.raises(exceptions.RateLimitExceededError) as caught:
        put(client, "Storing")
    assert caught.value.limit == 0
    assert caught.value.reset_at is not None


@pytest.mark.parametrize(
    ("fault", "error", "posted"),
    [
        ({"kind": "status", "status": 403}, exceptions.UnauthorizedError, 0),
        ({"kind": "status", "status": 413}, exceptions.NetworkError, 0),
        ({"kind": "html_error", "status": 502}, exceptions.NetworkError, 0),
        ({"kind": "status", "status": 503, "after_accept": True}, exceptions.RequestException, 1),
        ({"kind": "drop_before"}, httpx.RemoteProtocolError, 0),
        ({"kind": "drop_after_accept"}, httpx.RemoteProtocolError, 1),
    ],
)
def test_fault_raises_what_the_client_raises_and_a_repeat_posts_once(
    sandbox: RunningSandbox, client: Client, fault: dict[str, Any], error: type[Exception], posted: int
) -> None:
    sandbox.fault("bluesky", count=1, **fault)
    with pytest.raises(error):
        put(client, "Storing")
    assert len(sandbox.get("/sandbox/api/posts")["items"]) == posted
    put(client, "Storing")
    assert len(sandbox.get("/sandbox/api/posts")["items"]) == 1


def test_body_of_a_megabyte_is_413(sandbox: RunningSandbox) -> None:
    answer = put_raw(sandbox, a_record(text="x" * 1_000_000))
    assert (answer.status, answer.json()["error"]) == (413, "PayloadTooLarge")


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # atproto's way of using httpx
def test_blob_is_named_by_its_content(client: Client) -> None:
    blob = client.upload_blob(b"\x89PNG....").blob
    assert blob.size == 8
    assert str(blob.ref.link).startswith("bafkrei")


def test_a_picture_that_was_not_uploaded_cannot_be_shown(sandbox: RunningSandbox, client: Client) -> None:
    assert client.me is not None
    answer = put_raw(sandbox, a_record(embed=an_embed(a_picture())))
    assert (answer.status, answer.json()["error"]) == (400, "BlobNotFound")


def test_unknown_method_is_answered_as_xrpc(sandbox: RunningSandbox) -> None:
    assert sandbox.call("GET", "/bluesky/xrpc/com.example.nothing").json()["error"] == "XRPCNotSupported"
