import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from notifier.channels.http_pool import verifying_context
from notifier.channels.webhook.http.tls import client_context
from notifier.domain.errors import DeliveryError, TransientDeliveryError
from notifier.domain.values import Reason
from tests.contract.channels.webhook.certificates import Authority
from tests.contract.channels.webhook.receivers import a_request, receiving, running


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def everything_is_here(_name: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_a_trusted_certificate_for_the_name_is_accepted_and_the_name_asked_for(authority: Authority) -> None:
    asked: list[str | None] = []
    context = authority.server_context(["partner.example"])
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    with (
        receiving(tls=context) as receiver,
        running(ssl_context=authority.client_context(), lookup=everything_is_here) as engine,
    ):
        url = receiver.url(scheme="https", host="partner.example")
        results = engine.deliver([a_request(url), a_request(url)])
    assert [(result.error, result.status) for result in results] == [(None, 200)] * 2
    assert asked == ["partner.example"]  # once: the second request went over the same connection
    assert receiver.connections == 1
    assert receiver.requests[0].headers["host"] == f"partner.example:{receiver.port}"


def test_a_certificate_for_an_address_is_accepted(authority: Authority) -> None:
    with (
        receiving(tls=authority.server_context(["127.0.0.1"])) as receiver,
        running(ssl_context=authority.client_context()) as engine,
    ):
        assert engine.deliver([a_request(receiver.url(scheme="https"))])[0].error is None


@pytest.mark.parametrize("trouble", ["another name", "expired", "unknown authority"])
def test_a_certificate_that_proves_nothing_is_refused_before_anything_is_sent(
    trouble: str, authority: Authority
) -> None:
    names = ["other.example"] if trouble == "another name" else ["partner.example"]
    server = authority.server_context(names, days=-1 if trouble == "expired" else 30)
    client = client_context() if trouble == "unknown authority" else authority.client_context()
    with receiving(tls=server) as receiver, running(ssl_context=client, lookup=everything_is_here) as engine:
        result = engine.deliver([a_request(receiver.url(scheme="https", host="partner.example"))])[0]
    assert isinstance(result.error, TransientDeliveryError)
    assert result.error.reason is Reason.UNREACHABLE
    assert result.error.detail.startswith("TLS: ")
    assert receiver.requests == []


def test_plain_http_where_tls_was_expected_is_unreachable(authority: Authority) -> None:
    with receiving() as receiver, running(ssl_context=authority.client_context()) as engine:
        error = engine.deliver([a_request(receiver.url(scheme="https"))])[0].error
    assert isinstance(error, DeliveryError)
    assert error.reason in (Reason.UNREACHABLE, Reason.TIMED_OUT)


@pytest.mark.parametrize("build", [client_context, verifying_context])
def test_old_versions_of_tls_are_refused_whatever_the_system_says(build: Callable[[], ssl.SSLContext]) -> None:
    context = build()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_system_without_authorities_falls_back_to_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    assert ssl.create_default_context().cert_store_stats()["x509_ca"] == 0
    assert client_context().cert_store_stats()["x509_ca"] > 50
