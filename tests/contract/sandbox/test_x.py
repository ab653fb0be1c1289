"""X's API over HTTP and through tweepy."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import tweepy

from notifier.sandbox.config import SandboxConfig, XRules
from notifier.sandbox.credentials import X_APP_ONLY_BEARER, XAccount, x_account
from tests.contract.sandbox.x_client import x_client
from tests.sandbox_server import Answer, RunningSandbox, running_sandbox

LINK = "https://status.example.com/nl/incidents/inc-1"


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[tweepy.Client]:
    sandbox.state.x.timelines.clear()  # the rate windows with them
    client = x_client(sandbox.x_url)
    yield client
    client.session.close()


def raw(sandbox: RunningSandbox, body: Any, path: str = "/x/2/tweets", method: str = "POST") -> Answer:
    return sandbox.call(method, path, body, {"Authorization": f"Bearer {x_account('x-nl').bearer_token}"})


def test_post_answers_201_with_shortened_links(sandbox: RunningSandbox, client: tweepy.Client) -> None:
    data = client.create_tweet(text=f"Storing {LINK} opgelost").data
    assert data["text"].startswith("Storing https://t.co/")
    assert data["text"].endswith(" opgelost")
    assert data["edit_history_tweet_ids"] == [data["id"]]
    assert data["id"].isdecimal()
    assert len(data["id"]) == 19
    [post] = sandbox.get("/sandbox/api/posts")["items"]
    assert (post["account"], post["text"]) == ("x-nl", f"Storing {LINK} opgelost")


def test_timeline_expands_the_links_and_names_the_thread(client: tweepy.Client) -> None:
    first = client.create_tweet(text=f"Een {LINK}").data
    second = client.create_tweet(text="Twee", in_reply_to_tweet_id=first["id"]).data
    me = client.get_me().data
    fields = ["created_at", "conversation_id", "entities", "referenced_tweets"]
    posts = client.get_users_tweets(me.id, user_auth=True, max_results=5, tweet_fields=fields).data
    assert [str(post.id) for post in posts] == [second["id"], first["id"]]
    [url] = posts[1].entities["urls"]
    assert url["expanded_url"] == LINK
    assert posts[1].text[url["start"] : url["end"]] == url["url"]
    assert {str(post.conversation_id) for post in posts} == {first["id"]}
    assert str(posts[0].referenced_tweets[0].id) == first["id"]
    assert posts[0].created_at.tzinfo is not None


def test_timeline_is_cut_by_time_id_and_size(client: tweepy.Client) -> None:
    ids = [client.create_tweet(text=f"Bericht {number}").data["id"] for number in range(7)]
    me = client.get_me().data.id
    page = client.get_users_tweets(me, user_auth=True, max_results=5)
    rest = client.get_users_tweets(me, user_auth=True, max_results=5, pagination_token=page.meta["next_token"])
    assert [str(post.id) for post in (*page.data, *rest.data)] == ids[::-1]
    later = client.get_users_tweets(me, user_auth=True, since_id=ids[4]).data
    assert [str(post.id) for post in later] == ids[:4:-1]
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert client.get_users_tweets(me, user_auth=True, start_time=soon).data is None
    with pytest.raises(tweepy.BadRequest, match="max_results"):
        client.get_users_tweets(me, user_auth=True, max_results=4)


def test_new_post_shows_in_the_timeline_after_a_lag(sandbox: RunningSandbox, client: tweepy.Client) -> None:
    sandbox.turn("x", timeline_lag=60)
    client.create_tweet(text="Storing")
    assert client.get_users_tweets(client.get_me().data.id, user_auth=True).data is None


def test_same_text_is_refused_even_after_deletion_and_with_other_white_space(client: tweepy.Client) -> None:
    post = client.create_tweet(text=f"Storing bij  {LINK}").data
    for text in (f"Storing bij  {LINK}", f" Storing bij {LINK} "):
        with pytest.raises(tweepy.Forbidden, match="duplicate content"):
            client.create_tweet(text=text)
    assert client.delete_tweet(post["id"]).data == {"deleted": True}
    with pytest.raises(tweepy.Forbidden, match="duplicate content"):
        client.create_tweet(text=f"Storing bij {LINK}")


def test_same_text_is_allowed_to_another_account_and_after_a_day() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0], x=XRules(clock_skew=1e12))) as sandbox:
        client, other = x_client(sandbox.x_url), x_client(sandbox.x_url, "x-en")
        client.create_tweet(text="Storing")
        other.create_tweet(text="Storing")
        now[0] += 86_400
        client.create_tweet(text="Storing")
        client.session.close()
        other.session.close()


@pytest.mark.parametrize("status", [400, 403])
def test_text_over_280_is_refused_as_400_or_403(sandbox: RunningSandbox, client: tweepy.Client, status: int) -> None:
    sandbox.turn("x", too_long_status=status)
    client.create_tweet(text="é" * 280)
    client.create_tweet(text="障" * 140)
    client.create_tweet(text="x" * 256 + f" {LINK}/{'y' * 400}")
    for text in ("x" * 281, "障" * 141, "x" * 257 + f" {LINK}"):
        with pytest.raises(tweepy.BadRequest if status == 400 else tweepy.Forbidden):
            client.create_tweet(text=text)


@pytest.mark.parametrize("text", ["", "a\ufeffb", "\ufffe"])
def test_text_that_is_empty_or_has_forbidden_code_points_is_refused(sandbox: RunningSandbox, text: str) -> None:
    answer = raw(sandbox, {"text": text})
    assert answer.status == 400
    assert answer.json()["title"] == "Invalid Request"
    assert answer.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    assert answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x", "status": "y"},
        {"text": "x", "reply": {}},
        {"text": "x", "reply": {"in_reply_to_tweet_id": 5}},
        {"text": "x", "reply": {"in_reply_to_tweet_id": "1", "auto_populate": True}},
        {"text": "x", "quote_tweet_id": "1", "poll": {"options": ["a", "b"], "duration_minutes": 5}},
        {"text": "x", "poll": {"options": ["a"], "duration_minutes": 5}},
        {"text": "x", "poll": {"options": ["a", "b" * 26], "duration_minutes": 5}},
        {"text": "x", "poll": {"options": ["a", "b"], "duration_minutes": 1}},
        {"text": "x", "reply_settings": "nobody"},
        {"text": "x", "media": {"media_ids": []}},
        {"text": "x", "media": {"media_ids": ["1"]}},
        {"text": 5},
        [],
        b"{",
    ],
)
def test_malformed_body_is_400(sandbox: RunningSandbox, body: Any) -> None:
    answer = raw(sandbox, body)
    assert (answer.status, answer.json()["title"]) == (400, "Invalid Request")


def test_reply_to_anothers_post_is_refused_unless_they_mentioned_us(
    sandbox: RunningSandbox, client: tweepy.Client
) -> None:
    other = x_client(sandbox.x_url, "x-en")
    plain, mention = other.create_tweet(text="Hello").data["id"], other.create_tweet(text="Hello @x_nl").data["id"]
    with pytest.raises(tweepy.Forbidden, match="have not been mentioned or otherwise engaged"):
        client.create_tweet(text="Antwoord", in_reply_to_tweet_id=plain)
    client.create_tweet(text="Antwoord", in_reply_to_tweet_id=mention)
    other.session.close()


def test_reply_to_ones_own_post_is_refused_where_the_switch_says_so(
    sandbox: RunningSandbox, client: tweepy.Client
) -> None:
    first = client.create_tweet(text="Een").data["id"]
    sandbox.turn("x", replies="none")
    with pytest.raises(tweepy.Forbidden, match="Reply to this conversation is not allowed"):
        client.create_tweet(text="Twee", in_reply_to_tweet_id=first)
    client.create_tweet(text="Twee")


def test_reply_to_a_deleted_post_and_quote_of_an_unknown_one_are_403(client: tweepy.Client) -> None:
    first = client.create_tweet(text="Een").data["id"]
    client.delete_tweet(first)
    with pytest.raises(tweepy.Forbidden, match="deleted or not visible"):
        client.create_tweet(text="Twee", in_reply_to_tweet_id=first)
    with pytest.raises(tweepy.Forbidden, match="quote"):
        client.create_tweet(text="Twee", quote_tweet_id="12345")
    with pytest.raises(tweepy.NotFound):
        client.delete_tweet(first)


def test_two_cashtags_are_refused(client: tweepy.Client) -> None:
    client.create_tweet(text="Fine with $MWW")
    with pytest.raises(tweepy.Forbidden, match="cashtag"):
        client.create_tweet(text="Not with $MWW and $SHOP")


@pytest.mark.parametrize("key", ["consumer_key", "consumer_secret", "access_token", "access_token_secret"])
def test_wrong_key_of_the_four_is_401(sandbox: RunningSandbox, key: str) -> None:
    changes: dict[str, Any] = {key: "wrong"}
    client = x_client(sandbox.x_url, **changes)
    with pytest.raises(tweepy.Unauthorized) as caught:
        client.create_tweet(text="Storing")
    assert caught.value.response.json() == {
        "title": "Unauthorized",
        "type": "about:blank",
        "status": 401,
        "detail": "Unauthorized",
    }
    client.session.close()


def signed(sandbox: RunningSandbox, url: str, **changes: Any) -> int:
    """Status of a post whose signature covers `url`."""
    client = x_client(sandbox.x_url)
    auth = tweepy.OAuth1UserHandler(
        client.consumer_key, client.consumer_secret, client.access_token, client.access_token_secret
    ).apply_auth()
    auth.client.nonce, auth.client.timestamp = changes.get("nonce"), changes.get("timestamp")
    client.session.close()
    request = requests.Request("POST", url, json={"text": f"Post {url} {changes}"}, auth=auth).prepare()
    request.url = f"{sandbox.x_url}/2/tweets"
    with requests.Session() as session:
        session.trust_env = False
        return session.send(request, timeout=5).status_code


@pytest.mark.usefixtures("client")
def test_signature_may_cover_xs_names_or_the_sandboxs_own_and_nothing_else(sandbox: RunningSandbox) -> None:
    own = f"{sandbox.x_url}/2/tweets"
    for url in ("https://api.twitter.com/2/tweets", "https://api.x.com/2/tweets", own):
        assert signed(sandbox, url) == 201
    for url in ("https://api.twitter.com/2/tweet", "http://api.twitter.com/2/tweets", "https://example.com/2/tweets"):
        assert signed(sandbox, url) == 401


@pytest.mark.usefixtures("client")
def test_stale_timestamp_and_repeated_nonce_are_401(sandbox: RunningSandbox) -> None:
    url = "https://api.twitter.com/2/tweets"
    stale = str(int((datetime.now(UTC) - timedelta(minutes=6)).timestamp()))
    assert signed(sandbox, url, timestamp=stale) == 401
    fresh = str(int(datetime.now(UTC).timestamp()))
    assert signed(sandbox, url, nonce="once", timestamp=fresh) == 201
    assert signed(sandbox, url, nonce="once", timestamp=fresh) == 401


def test_user_token_is_accepted_app_only_is_403_and_any_other_401(sandbox: RunningSandbox) -> None:
    statuses = {}
    for token in (x_account("x-nl").bearer_token, X_APP_ONLY_BEARER, "nonsense"):
        answer = sandbox.call("GET", "/x/2/users/me", headers={"Authorization": f"Bearer {token}"})
        statuses[token] = answer.status
    assert list(statuses.values()) == [200, 403, 401]
    assert sandbox.call("GET", "/x/2/users/me").status == 401


def test_only_listed_accounts_are_known_where_accounts_are_not_open() -> None:
    own = XAccount(name="own", consumer_key="ck", consumer_secret="cs", access_token="at", access_token_secret="ats",
                   bearer_token="bt")  # fmt: skip
    with running_sandbox(SandboxConfig(x_accounts=(own,), open_accounts=False)) as sandbox:
        keys: dict[str, Any] = {
            "consumer_key": "ck",
            "consumer_secret": "cs",
            "access_token": "at",
            "access_token_secret": "ats",
        }
        client, derived = x_client(sandbox.x_url, **keys), x_client(sandbox.x_url)
        assert client.get_me().data.username == "own"
        with pytest.raises(tweepy.Unauthorized):
            derived.get_me()
        client.session.close()
        derived.session.close()


def test_every_answer_carries_the_rate_headers(sandbox: RunningSandbox, client: tweepy.Client) -> None:
    assert client.session is not None
    for body in ({"text": "Storing"}, {"text": ""}):
        headers = raw(sandbox, body).headers
        assert headers["x-rate-limit-limit"] == "100"
        assert int(headers["x-rate-limit-remaining"]) < 100
        assert int(headers["x-rate-limit-reset"]) > datetime.now(UTC).timestamp()


def test_rate_of_15_minutes_and_of_three_hours_are_429() -> None:
    now = [1_785_578_400.0]
    rules = XRules(posts_per_15_minutes=2, posts_per_3_hours=3)
    with running_sandbox(SandboxConfig(clock=lambda: now[0], x=rules)) as sandbox:
        assert [raw(sandbox, {"text": f"a{number}"}).status for number in range(3)] == [201, 201, 429]
        answer = raw(sandbox, {"text": "again"})
        assert answer.json() == {
            "title": "Too Many Requests",
            "detail": "Too Many Requests",
            "type": "about:blank",
            "status": 429,
        }
        assert answer.headers["x-rate-limit-reset"] == str(int(now[0]) + 900)
        now[0] += 900
        assert [raw(sandbox, {"text": f"b{number}"}).status for number in range(2)] == [201, 429]
        reset = raw(sandbox, {"text": "again"}).headers["x-rate-limit-reset"]
        assert reset == str(1_785_578_400 + 3 * 3600)
        now[0] = float(reset)
        assert raw(sandbox, {"text": "again"}).status == 201


def test_daily_limit_comes_with_its_own_headers_and_a_short_reset_that_misleads() -> None:
    now = [1_785_578_400.0]
    with running_sandbox(SandboxConfig(clock=lambda: now[0], x=XRules(posts_per_day=1))) as sandbox:
        assert raw(sandbox, {"text": "a"}).status == 201
        answer = raw(sandbox, {"text": "b"})
        assert answer.status == 429
        assert answer.headers["x-user-limit-24hour-remaining"] == "0"
        assert int(answer.headers["x-user-limit-24hour-reset"]) == now[0] + 86_400
        assert int(answer.headers["x-rate-limit-reset"]) == now[0] + 900


def test_tweepy_reads_the_reset_time_of_a_429(sandbox: RunningSandbox, client: tweepy.Client) -> None:
    sandbox.turn("x", posts_per_15_minutes=0)
    with pytest.raises(tweepy.TooManyRequests) as caught:
        client.create_tweet(text="Storing")
    assert caught.value.reset_time is not None


@pytest.mark.parametrize(
    ("fault", "error", "posted"),
    [
        ({"kind": "status", "status": 402}, tweepy.HTTPException, 0),
        ({"kind": "status", "status": 503}, tweepy.TwitterServerError, 0),
        ({"kind": "status", "status": 500, "after_accept": True}, tweepy.TwitterServerError, 1),
        ({"kind": "html_error", "status": 502}, tweepy.TwitterServerError, 0),
        ({"kind": "status", "status": 201, "after_accept": True, "body": "{"}, requests.exceptions.JSONDecodeError, 1),
        ({"kind": "drop_before"}, requests.exceptions.ConnectionError, 0),
        ({"kind": "drop_after_accept"}, requests.exceptions.ConnectionError, 1),
        ({"kind": "truncate"}, requests.exceptions.RequestException, 1),
    ],
)
def test_fault_raises_what_tweepy_raises_and_the_post_is_made_or_not(
    sandbox: RunningSandbox, client: tweepy.Client, fault: dict[str, Any], error: type[Exception], posted: int
) -> None:
    sandbox.fault("x", count=1, **fault)
    with pytest.raises(error):
        client.create_tweet(text="Storing")
    assert sandbox.get("/sandbox/api/summary")["posts"]["total"] == posted


def test_post_that_outlives_the_time_out_can_be_found_and_repeated_in_vain(
    sandbox: RunningSandbox, client: tweepy.Client
) -> None:
    hasty = x_client(sandbox.x_url, timeout=0.2)
    sandbox.fault("x", "delay", delay=1.0, count=1, after_accept=True)
    with pytest.raises(requests.exceptions.ReadTimeout):
        hasty.create_tweet(text="Storing")
    [found] = client.get_users_tweets(client.get_me().data.id, user_auth=True).data
    assert found.text == "Storing"
    with pytest.raises(tweepy.Forbidden, match="duplicate"):
        client.create_tweet(text="Storing")
    hasty.session.close()


def test_depleted_credits_name_the_account(sandbox: RunningSandbox) -> None:
    sandbox.fault("x", "status", status=402, count=1)
    body = raw(sandbox, {"text": "x"}).json()
    assert (body["title"], body["type"]) == ("CreditsDepleted", "https://api.twitter.com/2/problems/credits")
    assert "does not have any credits" in body["detail"]


def test_uploaded_picture_can_be_posted(sandbox: RunningSandbox) -> None:
    files = {"media": ("a.png", b"\x89PNG....", "image/png")}
    headers = {"Authorization": f"Bearer {x_account('x-nl').bearer_token}"}
    url = f"{sandbox.x_url}/2/media/upload"
    with requests.Session() as session:
        session.trust_env = False
        media_id = session.post(url, files=files, headers=headers, timeout=5).json()["data"]["id"]
        start = {"command": "INIT", "media_type": "image/png", "total_bytes": "8"}
        chunked = session.post(url, data=start, headers=headers, timeout=5).json()["data"]["id"]
        part = {"command": "APPEND", "media_id": chunked, "segment_index": "0"}
        assert session.post(url, data=part, files=files, headers=headers, timeout=5).status_code == 200
        end = {"command": "FINALIZE", "media_id": chunked}
        assert session.post(url, data=end, headers=headers, timeout=5).status_code == 200
        assert (
            session.post(url, files={"media": ("a.txt", b"x", "text/plain")}, headers=headers, timeout=5).status_code
            == 400
        )
        metadata = f"{sandbox.x_url}/2/media/metadata"
        described = {"id": media_id, "metadata": {"alt_text": {"text": "Een kaart"}}}
        assert session.post(metadata, json=described, headers=headers, timeout=5).status_code == 200
        long: dict[str, Any] = {"metadata": {"alt_text": {"text": "x" * 1001}}}
        odd: Any
        for odd in ({}, [], described | {"id": "1"}, described | long):
            assert session.post(metadata, json=odd, headers=headers, timeout=5).status_code == 400
    assert raw(sandbox, {"text": "Met beeld", "media": {"media_ids": [media_id, chunked]}}).status == 201
    (post,) = sandbox.get("/sandbox/api/posts")["items"]
    assert [(picture["alt"], picture["bytes"]) for picture in post["pictures"]] == [("Een kaart", 8), ("", 8)]
    assert sandbox.call("GET", "/sandbox/pictures/none").status == 404
    assert raw(sandbox, {"media": {"media_ids": [media_id]}}).status == 201
