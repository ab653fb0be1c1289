"""The guard at every attempt: what DNS says now is vetted, and only what was vetted is dialled."""

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import pytest

from notifier.channels.webhook import TargetPolicy, VettedUrl, WebhookEngine, parse_networks
from notifier.channels.webhook.responses import WebhookResponse
from notifier.domain.errors import InvalidInputError, TransientDeliveryError
from notifier.domain.values import Reason
from tests.contract.channels.webhook.receivers import OPEN, a_request, quick_limits, receiving, running
from tests.unit.channels.webhook.targets import ALLOWED_ADDRESSES, ALLOWED_URLS, BLOCKED_ADDRESSES, BLOCKED_URLS, as_url


class RecordingTransport:
    """Dials nothing; remembers what it was told to dial."""

    def __init__(self) -> None:
        self.dialled: dict[str, Sequence[str]] = {}

    async def post(
        self, url: VettedUrl, addresses: Sequence[str], headers: Mapping[str, str], body: bytes, *, budget: float
    ) -> WebhookResponse:
        self.dialled[headers["webhook-id"]] = addresses
        return WebhookResponse(status=200)

    async def close(self) -> None:
        """Nothing to close."""


class FakeDns:
    """Answers that a test may change; every question is remembered."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers, self.asked = answers, list[str]()

    async def __call__(self, name: str, _port: int) -> Sequence[str]:
        self.asked.append(name)
        answer = self.answers.get(name.partition(".")[0])
        if answer is None:
            raise OSError(-2, "Name or service not known")
        return answer


async def public_dns(_name: str, _port: int) -> Sequence[str]:
    return ["8.8.8.8"]


def blocked(error: Exception | None) -> bool:
    return isinstance(error, TransientDeliveryError) and error.reason is Reason.BLOCKED_TARGET


def test_no_blocked_target_of_the_table_is_dialled_at_sending() -> None:
    transport = RecordingTransport()
    urls = [*BLOCKED_URLS, *map(as_url, BLOCKED_ADDRESSES)]
    engine = WebhookEngine(lookup=public_dns, transport=lambda _limits, _tls: transport)
    results = engine.deliver([a_request(url, number) for number, url in enumerate(urls)])
    engine.close()
    assert len(results) == len(urls) > 120
    assert [urls[result.endpoint_id] for result in results if not blocked(result.error)] == []
    assert transport.dialled == {}


def test_no_blocked_answer_of_dns_is_dialled_at_sending() -> None:
    transport = RecordingTransport()
    dns = FakeDns(**{f"n{number}": [address] for number, address in enumerate(BLOCKED_ADDRESSES)})
    engine = WebhookEngine(lookup=dns, transport=lambda _limits, _tls: transport)
    numbers = range(len(BLOCKED_ADDRESSES))
    results = engine.deliver([a_request(f"https://n{number}.z{number}.example/", number) for number in numbers])
    engine.close()
    assert [BLOCKED_ADDRESSES[result.endpoint_id] for result in results if not blocked(result.error)] == []
    assert len(dns.asked) == len(BLOCKED_ADDRESSES)
    assert transport.dialled == {}


def test_allowed_targets_are_dialled_at_the_vetted_address() -> None:
    transport = RecordingTransport()
    urls = [*ALLOWED_URLS, *map(as_url, ALLOWED_ADDRESSES)]
    engine = WebhookEngine(lookup=public_dns, transport=lambda _limits, _tls: transport)
    results = engine.deliver([a_request(url, number) for number, url in enumerate(urls)])
    engine.close()
    assert [(urls[result.endpoint_id], result.error) for result in results if result.error] == []
    for number, address in enumerate(ALLOWED_ADDRESSES, start=len(ALLOWED_URLS)):
        plain = ip_address(address)
        mapped = getattr(plain, "ipv4_mapped", None)
        assert transport.dialled[f"dlv_{number}"] == (str(mapped or plain),)
    assert transport.dialled["dlv_0"] == ("8.8.8.8",)


def test_a_name_that_turns_private_between_registration_and_sending_is_not_dialled() -> None:
    transport, dns = RecordingTransport(), FakeDns(rebinding=["8.8.8.8"])
    engine = WebhookEngine(lookup=dns, transport=lambda _limits, _tls: transport)
    assert engine.check_url("https://rebinding.example/hook").host == "rebinding.example"
    engine.close()

    dns.answers["rebinding"] = ["127.0.0.1"]
    later = WebhookEngine(lookup=dns, transport=lambda _limits, _tls: transport)
    result = later.deliver([a_request("https://rebinding.example/hook")])[0]
    later.close()
    assert blocked(result.error)
    assert transport.dialled == {}


def test_a_name_that_turns_private_within_one_process_is_not_dialled_once_its_answer_is_old() -> None:
    with receiving() as private:
        dns = FakeDns(partner=["127.0.0.1"])
        policy = TargetPolicy(allow_networks=parse_networks(["127.0.0.1/32"]))
        with running(quick_limits(dns_ttl=0.0), policy=policy, lookup=dns) as engine:
            url = private.url(host="partner.example")
            assert engine.deliver([a_request(url)])[0].error is None
            dns.answers["partner"] = ["127.0.0.2"]  # not opened; and an idle connection to the old address is at hand
            assert blocked(engine.deliver([a_request(url)])[0].error)
            dns.answers["partner"] = ["127.0.0.1", "10.0.0.1"]
            assert blocked(engine.deliver([a_request(url)])[0].error)
            dns.answers["partner"] = ["127.0.0.1"]
            assert engine.deliver([a_request(url)])[0].error is None
        assert len(private.requests) == 2


def test_the_name_is_looked_up_once_and_the_answer_dialled() -> None:
    with receiving() as receiver:
        dns = FakeDns(partner=["127.0.0.1"])
        with running(lookup=dns) as engine:
            result = engine.deliver([a_request(receiver.url(host="partner.example"))])[0]
        assert result.error is None
        assert dns.asked == ["partner.example"]
        assert receiver.requests[0].headers["host"] == f"partner.example:{receiver.port}"


def test_a_second_address_is_tried_when_the_first_does_not_answer() -> None:
    with receiving() as receiver:
        dns = FakeDns(partner=["127.0.0.2", "127.0.0.1"])  # nobody listens at the first
        with running(lookup=dns) as engine:
            assert engine.deliver([a_request(receiver.url(host="partner.example"))])[0].error is None
            assert engine.deliver([a_request(receiver.url(host="partner.example"))])[0].error is None
        assert receiver.connections == 1


def test_an_unknown_name_and_a_silent_name_server_are_told_apart() -> None:
    async def silent(_name: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(2)
        return ["8.8.8.8"]

    with running(lookup=FakeDns()) as engine:
        unknown = engine.deliver([a_request("https://partner.example/")])[0].error
    with running(lookup=silent) as engine:
        late = engine.deliver([a_request("https://partner.example/")])[0].error
    assert isinstance(unknown, TransientDeliveryError)
    assert isinstance(late, TransientDeliveryError)
    assert (unknown.reason, late.reason) == (Reason.UNREACHABLE, Reason.TIMED_OUT)


def test_registration_refuses_what_resolves_to_a_blocked_address_and_takes_what_does_not_resolve_yet() -> None:
    with running(lookup=FakeDns(evil=["8.8.8.8", "169.254.169.254"]), policy=TargetPolicy()) as engine:
        with pytest.raises(InvalidInputError) as caught:
            engine.check_url("https://evil.example/")
        assert caught.value.errors[0].field == "url"
        assert "169.254.169.254" in caught.value.errors[0].message
        assert engine.check_url("https://soon.example/").host == "soon.example"
        with pytest.raises(InvalidInputError):
            engine.check_url("http://10.0.0.1/")


def test_proxies_from_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        monkeypatch.delenv("no_proxy", raising=False)
        with running(policy=OPEN) as engine:
            assert engine.deliver([a_request(receiver.url())])[0].error is None
        assert (proxy.connections, receiver.connections) == (0, 1)
