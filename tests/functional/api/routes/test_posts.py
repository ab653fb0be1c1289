"""Posts over HTTP: listed page by page, and errors that say what is in the way."""

from notifier.domain.messages.message import PostReceipt
from notifier.storage.deliveries import posts
from notifier.storage.deliveries.posts import NewPost
from tests.functional.api.api_client import Api


def some_posts(api: Api, number: int) -> None:
    container = api.container
    with container.database.write() as connection:
        for part in range(number):
            receipt = PostReceipt(id=str(1000 + part), url=f"https://x.example/{part}", extra={"cost_usd": "0.20"})
            new = NewPost(notification_id=1, recipient_key=1, part=part, incident_id="inc-1", account="x-nl",
                          platform="x", locale="nl", text=f"Bericht {part}", receipt=receipt)  # fmt: skip
            posts.add(connection, new, container.clock())


def test_posts_are_listed_newest_first_page_by_page(api: Api) -> None:
    some_posts(api, 3)
    first = api.get("/v1/posts?incident=inc-1&limit=2").json()
    second = api.get(f"/v1/posts?incident=inc-1&limit=2&cursor={first['next']}").json()
    assert [item["text"] for item in first["items"] + second["items"]] == ["Bericht 2", "Bericht 1", "Bericht 0"]
    assert second["next"] is None
    assert api.get("/v1/posts?incident=other").json()["items"] == []
    newest = first["items"][0]
    assert api.get(f"/v1/posts/{newest['id']}").json() == newest


def test_what_cannot_be_changed_is_said(api: Api) -> None:
    some_posts(api, 1)
    (post,) = api.get("/v1/posts").json()["items"]
    assert api.get("/v1/posts/post_99").status_code == 404
    refused = api.call("DELETE", f"/v1/posts/{post['id']}")  # no sandbox runs here
    assert refused.status_code == 409
    assert "cannot be used" in refused.json()["detail"]
    assert api.call("PATCH", f"/v1/posts/{post['id']}", json={"text": ""}).status_code == 422
    assert api.call("PATCH", f"/v1/posts/{post['id']}", json={"words": "x"}).status_code == 422


def test_what_posts_cost_is_a_metric(api: Api) -> None:
    some_posts(api, 2)
    text = api.client.get("/metrics").text
    assert 'notifier_posts{account="x-nl"} 2.0' in text
    assert 'notifier_posts_usd{account="x-nl"} 0.4' in text
