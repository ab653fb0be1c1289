import pytest

from notifier.channels.social.bluesky_transport import Servers


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://bsky.social/xrpc/x", True),
        ("https://BSKY.social:443/xrpc/x", True),
        ("https://morel.us-east.host.bsky.network/xrpc/x", True),
        ("http://morel.us-east.host.bsky.network/xrpc/x", False),
        ("https://host.bsky.network.evil.example/", False),
        ("https://evilhost.bsky.network/", False),
        ("https://bsky.social.evil.example/", False),
        ("https://bsky.social@evil.example/", False),
        ("http://bsky.social/", False),
        ("https://bsky.social:444/", False),
        ("https://pds.shop.example/", True),
        ("", False),
    ],
)
def test_credentials_go_to_configured_servers_only(url: str, *, allowed: bool) -> None:
    servers = Servers("https://bsky.social", [".host.bsky.network", "pds.shop.example"])
    assert servers.allow(url) is allowed


def test_plain_http_is_for_exactly_the_configured_address() -> None:
    servers = Servers("http://127.0.0.1:8026/bluesky")
    assert servers.allow("http://127.0.0.1:8026/bluesky/xrpc/x")
    assert not servers.allow("http://127.0.0.1:8027/bluesky/xrpc/x")
