from contextlib import suppress
from ipaddress import IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.webhook.egress.ip_policy import embedded_ipv4, parse_networks, why_blocked
from notifier.channels.webhook.egress.url_policy import TargetPolicy, vet_addresses, vet_url
from notifier.domain.errors import InvalidInputError, TransientDeliveryError
from notifier.domain.values import Reason
from tests.unit.channels.webhook.targets import (
    ALLOWED_ADDRESSES,
    ALLOWED_URLS,
    BLOCKED_ADDRESSES,
    BLOCKED_URLS,
    as_url,
)

PUBLIC = TargetPolicy()
LOOPBACK_OPEN = TargetPolicy(allow_networks=parse_networks(["127.0.0.0/8", "::1/128"]))
NAME = vet_url("https://partner.example/hook", PUBLIC)


def test_the_table_is_as_large_as_promised() -> None:
    targets = [*BLOCKED_ADDRESSES, *ALLOWED_ADDRESSES, *BLOCKED_URLS, *ALLOWED_URLS]
    assert len(targets) == len(set(targets))
    assert len(targets) >= 120


@pytest.mark.parametrize("address", BLOCKED_ADDRESSES)
def test_a_blocked_address_is_refused_as_url_and_as_answer_of_dns(address: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        vet_url(as_url(address), PUBLIC)
    assert refused.value.errors[0].field == "url"
    with pytest.raises(TransientDeliveryError) as blocked:
        vet_addresses(NAME, [address], PUBLIC)
    assert blocked.value.reason is Reason.BLOCKED_TARGET


@pytest.mark.parametrize("address", ALLOWED_ADDRESSES)
def test_a_public_address_passes_as_url_and_as_answer_of_dns(address: str) -> None:
    assert vet_url(as_url(address), PUBLIC).literal is not None
    assert len(vet_addresses(NAME, [address], PUBLIC)) == 1


@pytest.mark.parametrize("url", BLOCKED_URLS)
def test_a_url_that_could_be_misread_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        vet_url(url, PUBLIC)
    assert [error.field for error in caught.value.errors] == ["url"]


@pytest.mark.parametrize(("url", "parts"), ALLOWED_URLS.items())
def test_a_good_url_is_read_into_its_parts(url: str, parts: tuple[str, str, int, str]) -> None:
    vetted = vet_url(url, PUBLIC)
    assert (vetted.scheme, vetted.host, vetted.port, vetted.target) == parts
    assert not vetted.opened_only


@given(st.text(max_size=60))
def test_no_text_at_all_makes_the_guard_fail_with_another_error(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/", f"https://partner.example:{text}/", f"https://[{text}]/"):
        with suppress(InvalidInputError):
            assert vet_url(url, PUBLIC).scheme == "https"


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_passes_only_within_global_unicast(address: object) -> None:
    judged = IPv6Address(str(address))
    assert why_blocked(judged) is not None or judged in IPv6Network("2000::/3") or judged.ipv4_mapped is not None


@given(st.ip_addresses(v=4))
def test_no_disguise_lets_a_blocked_ipv4_address_through(address: object) -> None:
    plain = ip_address(str(address))
    if why_blocked(plain) is None:
        return
    value = int(plain)
    disguises = [
        f"::ffff:{plain}",
        f"::{plain}",
        f"64:ff9b::{plain}",
        str(ip_address((0x2002 << 112) | (value << 80) | 1)),
        str(ip_address((0x20010000 << 96) | (value ^ 0xFFFFFFFF))),
        str(ip_address((0x2A001450 << 96) | (0x5EFE << 32) | value)),
    ]
    assert all(why_blocked(ip_address(disguise)) is not None for disguise in disguises)


def test_one_private_address_among_public_ones_refuses_them_all() -> None:
    for answer in (["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["2606:4700::1", "::1"]):
        with pytest.raises(TransientDeliveryError):
            vet_addresses(NAME, answer, PUBLIC)


def test_vetted_addresses_keep_their_order_and_lose_repeats() -> None:
    assert vet_addresses(NAME, ["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8"], PUBLIC) == ("8.8.8.8", "2606:4700::1")


@pytest.mark.parametrize("answer", [[], ["nonsense"], ["fe80::1%eth0"], ["127.1"]])
def test_an_answer_without_a_usable_address_is_no_target(answer: list[str]) -> None:
    with pytest.raises(TransientDeliveryError):
        vet_addresses(NAME, answer, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:1/x",
        "https://127.9.9.9:22/",
        "http://[::1]:8025/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_an_opened_network_takes_plain_http_and_every_port(url: str) -> None:
    assert vet_url(url, LOOPBACK_OPEN).port > 0


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "https://8.8.8.8:22/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[fe80::1]/"],
)
def test_an_opened_network_opens_nothing_else(url: str) -> None:
    with pytest.raises(InvalidInputError):
        vet_url(url, LOOPBACK_OPEN)


def test_a_plain_http_name_passes_where_a_network_is_open_and_must_then_lie_in_it() -> None:
    vetted = vet_url("http://receiver:81/hook", LOOPBACK_OPEN)
    assert vet_addresses(vetted, ["127.0.0.1", "::1"], LOOPBACK_OPEN) == ("127.0.0.1", "::1")
    for answer in (["8.8.8.8"], ["127.0.0.1", "8.8.8.8"], ["10.0.0.1"]):
        with pytest.raises(TransientDeliveryError) as caught:
            vet_addresses(vetted, answer, LOOPBACK_OPEN)
        assert caught.value.reason is Reason.BLOCKED_TARGET


def test_opening_a_translation_prefix_does_not_open_what_it_translates_to() -> None:
    opened = TargetPolicy(allow_networks=parse_networks(["64:ff9b::/96"]))
    assert vet_addresses(NAME, ["64:ff9b::808:808"], opened) == ("64:ff9b::808:808",)
    with pytest.raises(TransientDeliveryError):
        vet_addresses(NAME, ["64:ff9b::a00:1"], opened)


def test_the_operator_may_allow_plain_http_and_further_ports_for_the_public() -> None:
    policy = TargetPolicy(allow_plain_http=True, allow_ports=frozenset({81}))
    assert vet_url("http://partner.example:81/", policy).port == 81
    with pytest.raises(InvalidInputError):
        vet_url("http://partner.example:82/", policy)
    with pytest.raises(InvalidInputError):
        vet_url("http://10.0.0.1/", policy)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://partner.example/", "partner.example"),
        ("https://partner.example:443/", "partner.example"),
        ("https://partner.example:80/", "partner.example:80"),
        ("https://[2606:4700::1]:8443/", "[2606:4700::1]:8443"),
        ("https://8.8.8.8/", "8.8.8.8"),
    ],
)
def test_the_host_header_names_the_port_only_where_it_is_not_the_schemes_own(url: str, authority: str) -> None:
    assert vet_url(url, PUBLIC).authority == authority


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("2002:c000:204::1", "192.0.2.4"),
        ("64:ff9b::192.0.2.33", "192.0.2.33"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
        ("::192.0.2.1", "192.0.2.1"),
        ("2a00:1450::200:5efe:192.0.2.1", "192.0.2.1"),
        ("2606:4700::1", None),
        ("8.8.8.8", None),
    ],
)
def test_the_ipv4_address_within_is_found(address: str, inner: str | None) -> None:
    found = embedded_ipv4(ip_address(address))
    assert (str(found) if found is not None else None) == inner


def test_networks_are_read_strictly() -> None:
    assert [str(network) for network in parse_networks([" 127.0.0.0/8 ", "", "fd00::/8"])] == [
        "127.0.0.0/8",
        "fd00::/8",
    ]
    with pytest.raises(ValueError, match="host bits"):
        parse_networks(["127.0.0.1/8"])
