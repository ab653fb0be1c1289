"""What the three social senders share, through the real client libraries, against the sandbox over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from notifier.channels.base import SocialSender
from notifier.domain.errors import DeliveryError, OutcomeUnknownError
from notifier.domain.messages.message import Picture, SocialPost
from tests.contract.channels.mails import now
from tests.contract.channels.posts import TEXT, Sessions, a_post, bluesky_sender, mastodon_sender, x_sender
from tests.sandbox_server import RunningSandbox, running_sandbox

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


@dataclass(frozen=True)
class Network:
    """One platform: its name in the sandbox, and the call that publishes."""

    name: str
    sender: Callable[[RunningSandbox], SocialSender]
    publishes: str


NETWORKS = [
    Network("x", lambda sandbox: x_sender(sandbox.x_url), "/tweets"),
    Network("mastodon", lambda sandbox: mastodon_sender(sandbox.mastodon_url), "/statuses"),
    Network("bluesky", lambda sandbox: bluesky_sender(sandbox.bluesky_url, sessions=Sessions()), "putRecord"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: RunningSandbox) -> Iterator[RunningSandbox]:
    yield server
    server.clear()


@pytest.fixture(params=NETWORKS, ids=lambda network: network.name)
def network(request: pytest.FixtureRequest) -> Network:
    found = request.param
    assert isinstance(found, Network)
    return found


@pytest.fixture
def sender(sandbox: RunningSandbox, network: Network) -> Iterator[SocialSender]:
    with closing(network.sender(sandbox)) as sender:
        yield sender


def public(sandbox: RunningSandbox, network: Network) -> list[dict[str, Any]]:
    """Posts that can be seen, oldest first."""
    items = sandbox.get("/sandbox/api/posts?limit=100")["items"]
    shown = [post for post in items if post["platform"] == network.name and not post["deleted"]]
    return sorted(shown, key=lambda post: (post["created_at"], post["id"]))


def short(post_id: str) -> str:
    """The id as the sandbox lists it: without the address of a Bluesky record."""
    return post_id.rpartition("/")[2]


def at(minutes: int) -> Any:
    return a_post().posted_at + timedelta(minutes=minutes)


def test_a_post_is_public_with_its_very_text(sandbox: RunningSandbox, network: Network, sender: SocialSender) -> None:
    receipt = sender.post(a_post())
    (post,) = public(sandbox, network)
    assert post["id"] == short(receipt.id)
    assert post["text"] == TEXT
    assert receipt.url is not None
    assert receipt.url.startswith("http")


def test_updates_of_an_incident_form_a_thread(sandbox: RunningSandbox, network: Network, sender: SocialSender) -> None:
    first = sender.post(a_post(key="k1", text="Eins"))
    second = sender.post(a_post(key="k2", text="Zwei", posted_at=at(1), reply_to=first, thread_root=first))
    third = sender.post(a_post(key="k3", text="Drei", posted_at=at(2), reply_to=second, thread_root=first))
    by_id = {post["id"]: post for post in public(sandbox, network)}
    parents = [by_id[short(one.id)]["reply_to"] for one in (first, second, third)]
    assert parents == [None, short(first.id), short(second.id)]
    assert len({post["thread"] for post in by_id.values()}) == 1


def test_a_post_can_be_found_again_and_one_that_is_not_there_cannot(sender: SocialSender) -> None:
    since = now()
    receipt = sender.post(a_post())
    found = sender.find(a_post(), since)
    assert found is not None
    assert found.id == receipt.id
    assert sender.find(a_post(key="other", text="Etwas anderes"), since) is None


@pytest.mark.parametrize("kind", ["drop_after_accept", "truncate"])
def test_after_an_unknown_outcome_the_post_is_found_and_a_repeat_does_not_double_it(
    sandbox: RunningSandbox, network: Network, sender: SocialSender, kind: str
) -> None:
    since = now()
    sandbox.fault(network.name, kind, count=1, match={"method": "POST", "path": network.publishes})
    with pytest.raises(OutcomeUnknownError):
        sender.post(a_post())
    found = sender.find(a_post(), since)
    assert found is not None
    assert sender.post(a_post()).id == found.id
    assert len(public(sandbox, network)) == 1


def test_after_a_drop_before_acceptance_nothing_is_found_and_the_repeat_publishes(
    sandbox: RunningSandbox, network: Network, sender: SocialSender
) -> None:
    sandbox.fault(network.name, "drop_before", count=1, match={"method": "POST", "path": network.publishes})
    with pytest.raises(OutcomeUnknownError):
        sender.post(a_post())
    assert sender.find(a_post(), now()) is None
    sender.post(a_post())
    assert len(public(sandbox, network)) == 1


def test_a_look_that_fails_leaves_the_outcome_unknown(
    sandbox: RunningSandbox, network: Network, sender: SocialSender
) -> None:
    sender.post(a_post())
    sandbox.fault(network.name, "status", status=503, match={"method": "GET"})
    with pytest.raises(OutcomeUnknownError):
        sender.find(a_post(), now())


def test_a_post_can_be_withdrawn_and_withdrawing_again_is_no_error(
    sandbox: RunningSandbox, network: Network, sender: SocialSender
) -> None:
    receipt = sender.post(a_post())
    sender.delete(receipt)
    sender.delete(receipt)
    assert public(sandbox, network) == []


def test_editing_works_where_the_sender_says_so(
    sandbox: RunningSandbox, network: Network, sender: SocialSender
) -> None:
    receipt = sender.post(a_post())
    if sender.can_edit:
        assert sender.edit(receipt, a_post(text="Berichtigt")).id == receipt.id
        assert public(sandbox, network)[0]["text"] == "Berichtigt"
    else:
        with pytest.raises(DeliveryError):
            sender.edit(receipt, a_post(text="Berichtigt"))
        assert public(sandbox, network)[0]["text"] == TEXT


def test_a_picture_goes_along(sandbox: RunningSandbox, network: Network, sender: SocialSender) -> None:
    picture = Picture(data=PNG, media_type="image/png", alt="Zeitstrahl der Störung")
    receipt = sender.post(a_post(picture=picture))
    assert "picture" not in receipt.extra
    (post,) = public(sandbox, network)
    (shown,) = post["pictures"]
    assert (shown["type"], shown["alt"], shown["bytes"]) == ("image/png", picture.alt, len(PNG))
    assert sandbox.call("GET", shown["url"]).body == PNG


@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_post_goes_out_without_its_picture_rather_than_not_at_all(
    sandbox: RunningSandbox, network: Network, sender: SocialSender, status: int
) -> None:
    upload = {"x": "/media/upload", "mastodon": "/media", "bluesky": "uploadBlob"}[network.name]
    sandbox.fault(network.name, "status", status=status, match={"method": "POST", "path": upload})
    receipt = sender.post(a_post(picture=Picture(data=PNG, media_type="image/png", alt="Zeitstrahl")))
    assert receipt.extra["picture"]
    assert len(public(sandbox, network)) == 1


def test_the_senders_tell_what_is_left_of_the_rate(sender: SocialSender) -> None:
    before = sender.budget
    sender.post(a_post())
    budget = sender.budget
    assert before is None
    assert budget is not None
    assert budget.remaining is not None
    assert budget.remaining > 0
    assert budget.resets_at is not None
    assert budget.resets_at > now()


def test_a_sender_that_was_closed_opens_again(sandbox: RunningSandbox, network: Network, sender: SocialSender) -> None:
    sender.post(a_post(key="k1", text="Eins"))
    sender.close()
    sender.post(a_post(key="k2", text="Zwei"))
    assert len(public(sandbox, network)) == 2


def test_posts_in_every_script_arrive_as_they_were_written(
    sandbox: RunningSandbox, network: Network, sender: SocialSender
) -> None:
    texts = ["障害が発生しています 👨‍👩‍👧", "عطل في الدفع", "cafe\u0301 ไทย 🇳🇱", "a < b && c > d &amp; 'e'"]
    posts: list[SocialPost] = []
    for number, text in enumerate(texts):
        posts.append(a_post(key=f"k{number}", text=text, posted_at=at(number)))
        sender.post(posts[-1])
    assert {post["text"] for post in public(sandbox, network)} == set(texts)
    for post in posts:
        assert sender.find(post, now()) is not None, post.text
