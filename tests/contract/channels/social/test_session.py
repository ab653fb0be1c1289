"""What no network may get wrong, each through the same table: a server in trouble, and answers that are no answer."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass

import pytest

from notifier.channels.base import SocialSender
from notifier.domain.errors import OutcomeUnknownError, TransientDeliveryError
from notifier.domain.values import Reason
from tests.contract.channels import bluesky_peer
from tests.contract.channels.fault_table import HTML, Row
from tests.contract.channels.posts import a_post, bluesky_sender, mastodon_sender, x_sender
from tests.contract.channels.scripted_server import Drop, Half, Peer, Reply, Stall, Step, closed_port, scripted


@contextmanager
def logged_in(step: Step) -> Iterator[Peer]:
    with bluesky_peer.server({"createSession": [bluesky_peer.session()], "putRecord": [step]}) as peer:
        yield peer


@dataclass(frozen=True)
class Network:
    name: str
    sender: Callable[..., SocialSender]
    success: int
    serving: Callable[[Step], AbstractContextManager[Peer]] = scripted
    logins: int = 0


NETWORKS = [
    Network("x", x_sender, 201),
    Network("mastodon", mastodon_sender, 200),
    Network("bluesky", bluesky_sender, 200, logged_in, logins=1),
]


def broken(success: int) -> list[Row]:
    """Whether the post is there cannot be known, but for a redirect, which published nothing."""
    unknown: dict[str, Step] = {
        "500": Reply(500, body={"error": "went wrong"}),
        "502": Reply(502, body=HTML),
        "503": Reply(503, body=HTML),
        "504": Reply(504),
        "success in HTML": Reply(success, body=HTML),
        "success without a post": Reply(success, body={}),
        "success that is a list": Reply(success, body=[1]),
        "half a success": Half(success),
        "hung up": Drop(),
    }
    elsewhere = {"Location": "https://elsewhere.example/"}
    return [
        *(Row(name, step, OutcomeUnknownError, Reason.OUTCOME_UNKNOWN) for name, step in unknown.items()),
        Row("silent", Stall(), OutcomeUnknownError, Reason.TIMED_OUT),
        *(
            Row(str(status), Reply(status, elsewhere), TransientDeliveryError, Reason.REDIRECTED)
            for status in (301, 302, 307, 308)
        ),
    ]


CASES = [
    pytest.param(network, row, id=f"{network.name}: {row.name}")
    for network in NETWORKS
    for row in broken(network.success)
]


@pytest.mark.parametrize(("network", "row"), CASES)
def test_a_server_in_trouble_is_asked_once_and_its_silence_is_no_failure(network: Network, row: Row) -> None:
    with network.serving(row.step) as peer, closing(network.sender(peer.url)) as sender:
        with row.comes_of_it():
            sender.post(a_post())
        assert len(peer.requests) == network.logins + 1


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_what_never_connected_was_not_posted(network: Network, host: str) -> None:
    never = Row("", Drop(), TransientDeliveryError, Reason.UNREACHABLE)
    with closing(network.sender(f"http://{host}:{closed_port()}")) as sender, never.comes_of_it():
        sender.post(a_post())
