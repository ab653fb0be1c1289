"""The SendGrid sender's own transport below SendGrid's client, and what it puts on the wire."""

from typing import Any

import pytest

from notifier.channels.base import TooLargeError
from notifier.channels.email.sendgrid import EU_URL, GLOBAL_URL, SendGridSender
from notifier.domain.errors import ConfigError, TransientDeliveryError
from notifier.domain.values import Reason
from tests.contract.channels.certificates import Trust, make_trust
from tests.contract.channels.mails import a_content, a_request, now, soon
from tests.contract.channels.scripted_server import Reset, closed_port, scripted
from tests.contract.channels.sendgrid_peer import ACCEPTED, KEY, sender_to


def a_large_request() -> Any:
    return a_request(4, content=a_content(html=f"<p>-greet- -unsub-</p>{'x' * 4_000_000}"))


def test_a_reset_while_writing_is_repeated_at_once_on_a_new_connection() -> None:
    with scripted(Reset(), ACCEPTED) as peer, sender_to(peer.url, timeout=10.0) as sender:
        assert sender.send(a_large_request(), deadline=soon()).provider_message_id == "m-1"
        assert (peer.begun, len(peer.requests)) == (2, 1)


def test_a_second_reset_while_writing_a_large_request_is_for_the_caller_to_halve() -> None:
    with scripted(Reset()) as peer, sender_to(peer.url, timeout=10.0) as sender:
        with pytest.raises(TooLargeError):
            sender.send(a_large_request(), deadline=soon())
        assert peer.begun == 2


def test_a_413_that_comes_before_all_is_written_is_understood_or_leads_to_halving() -> None:
    with scripted(Reset(status=413)) as peer, sender_to(peer.url, timeout=10.0) as sender:
        with pytest.raises(TooLargeError):
            sender.send(a_large_request(), deadline=soon())
        assert peer.begun <= 2


def test_a_path_prefix_of_the_base_url_is_kept() -> None:
    with scripted(ACCEPTED) as peer, sender_to(f"{peer.url}/sendgrid/") as sender:
        sender.send(a_request(), deadline=soon())
        assert peer.requests[0].path == "/sendgrid/v3/mail/send"


def test_the_eu_has_a_host_of_its_own() -> None:
    assert (GLOBAL_URL, EU_URL) == ("https://api.sendgrid.com", "https://api.eu.sendgrid.com")


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with scripted(ACCEPTED) as peer, sender_to(peer.url) as sender:
        assert sender.send(a_request(), deadline=soon()).provider_message_id == "m-1"


def test_a_request_is_utf8_json_with_everything_a_bulk_mail_needs() -> None:
    with scripted(ACCEPTED) as peer, sender_to(peer.url) as sender:
        sender.send(a_request(), deadline=soon())
        seen = peer.requests[0]
    body = seen.json()
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"].startswith("sendgrid/")
    assert "Störung" in seen.body.decode()
    assert [list(one) for one in body["personalizations"]] == [["to", "substitutions", "custom_args", "headers"]] * 2
    assert all(len(one["to"]) == 1 for one in body["personalizations"])
    assert body["from"] == {"email": "status@mail.shop.example", "name": "Händler Status"}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert body["categories"] == ["incident", "locale-de"]
    assert body["headers"]["List-Id"].endswith(" <incidents.status.shop.example>")
    assert body["headers"]["List-Id"].isascii()
    assert {name: option["enable"] for name, option in body["tracking_settings"].items()} == {
        "click_tracking": False,
        "open_tracking": False,
        "subscription_tracking": False,
        "ganalytics": False,
    }


@pytest.mark.parametrize("key", ["", "SG.with blank", "SG.with\nbreak", "SG.ünicode"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_at_the_start_without_being_repeated(key: str) -> None:
    with pytest.raises(ConfigError) as error:
        SendGridSender(api_key=key, clock=now)
    assert not key or key not in str(error.value)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return make_trust(tmp_path_factory.mktemp("certificates"))


def secured(url: str) -> str:
    return url.replace("http://", "https://")


def test_one_tls_connection_serves_one_request_after_another(trust: Trust) -> None:
    with (
        scripted(ACCEPTED, tls=trust.server) as peer,
        sender_to(secured(peer.url), tls_context=trust.client) as sender,
    ):
        for _ in range(4):
            sender.send(a_request(), deadline=soon())
        assert len({seen.connection for seen in peer.requests}) == 1


def test_a_provider_nobody_vouches_for_gets_nothing(trust: Trust) -> None:
    with scripted(ACCEPTED, tls=trust.server) as peer, sender_to(secured(peer.url)) as sender:
        with pytest.raises(TransientDeliveryError) as error:
            sender.send(a_request(), deadline=soon())
        assert error.value.reason is Reason.UNREACHABLE
        assert peer.requests == []


def test_a_large_request_over_tls_arrives_whole(trust: Trust) -> None:
    with (
        scripted(ACCEPTED, tls=trust.server) as peer,
        sender_to(secured(peer.url), tls_context=trust.client, timeout=10.0) as sender,
    ):
        sender.send(a_large_request(), deadline=soon())
        assert len(peer.requests[0].body) > 4_000_000
