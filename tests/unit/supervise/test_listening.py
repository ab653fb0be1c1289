"""The API's listening socket."""

import socket

import pytest

from notifier.domain.errors import ConfigError
from notifier.supervise.listening import base_url, bind, free_port, inherited


def test_port_0_takes_a_free_one_and_the_address_says_which() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert base_url(listener) == f"http://127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_a_socket_on_every_address_is_reached_by_loopback() -> None:
    with bind("0.0.0.0", 0) as listener:  # noqa: S104
        assert base_url(listener).startswith("http://127.0.0.1:")


def test_a_port_in_use_is_one_clear_line() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port: {port} on 127.0.0.1 is in use by another program") as caught:
            bind("127.0.0.1", port)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [("no such host", 0, "--host"), ("192.0.2.1", 0, "--host"), ("127.0.0.1", 70_000, "--port")],
)
def test_what_cannot_be_listened_on_is_named(host: str, port: int, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bind(host, port)
    assert caught.value.field == field


def test_a_descriptor_that_is_no_socket_is_refused() -> None:
    with pytest.raises(ConfigError, match="--fd"):
        inherited(9_999)


def test_the_preferred_port_is_taken_when_it_is_free() -> None:
    with bind("127.0.0.1", 0) as listener:
        taken = listener.getsockname()[1]
        other = free_port(taken)
        assert other != taken
    assert free_port(other) == other
