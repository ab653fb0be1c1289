"""Decide which IP addresses a webhook may reach.

Uses our own block list, because `ipaddress.is_global` is True for NAT64, 6to4, multicast and
168.63.129.16. The list follows IANA's registries of special-purpose addresses (RFC 6890 and its
successors). For IPv6, everything outside 2000::/3, the only global unicast range (RFC 4291 section
2.4), is blocked too.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The more specific name comes first; the partner sees it in the error.
_BLOCKED_V4 = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("169.254.169.254/32", "cloud metadata"),
        ("168.63.129.16/32", "cloud platform (Azure WireServer)"),
        ("100.100.100.200/32", "cloud metadata"),
        ("192.0.0.192/32", "cloud metadata"),
        ("255.255.255.255/32", "broadcast"),
        ("0.0.0.0/8", "this network (RFC 1122)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "carrier-grade NAT (RFC 6598)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "IETF protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_BLOCKED_V6 = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated (RFC 2765)"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001:10::/28", "ORCHID"),
        ("2001:20::/28", "ORCHIDv2"),
        ("2001::/23", "IETF protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3ffe::/16", "6bone"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fd00:ec2::254/128", "cloud metadata"),
        ("fd20:ce::254/128", "cloud metadata"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)


def _ranges(table: Sequence[tuple[Network, str]]) -> tuple[tuple[int, int, str], ...]:
    """Convert networks to integer ranges: `in` takes a microsecond each, and there are dozens."""
    return tuple((int(each[0]), int(each[-1]), name) for each, name in table)


_RANGES_V4, _RANGES_V6 = _ranges(_BLOCKED_V4), _ranges(_BLOCKED_V6)
_GLOBAL_V6 = IPv6Network("2000::/3")
_LOW_32 = 0xFFFFFFFF
_CARRYING = tuple(map(IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_ISATAP, _ISATAP_MASK = 0x00005EFE, 0xFCFFFFFF  # RFC 5214 section 6.1: two flag bits vary


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Parse CIDRs such as `127.0.0.0/8`.

    Raises:
        ValueError: one of them is invalid; the settings add the variable's name.
    """
    return tuple(ip_network(text.strip()) for text in texts if text.strip())


def unmapped(address: Address) -> Address:
    """Return the IPv4 address of an IPv4-mapped one (`::ffff:a.b.c.d`), else the address itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def embedded_ipv4(address: Address) -> IPv4Address | None:
    """Return the IPv4 address to which a transition mechanism would carry packets, or None."""
    if not isinstance(address, IPv6Address):
        return None
    value = int(address)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    carries = value > 1 and any(address in network for network in _CARRYING)  # not :: and ::1
    if carries or (value >> 32) & _ISATAP_MASK == _ISATAP:
        return IPv4Address(value & _LOW_32)
    return None


def why_blocked(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """Return why an address is blocked, or None if it is allowed.

    Args:
        address: As resolved or given literally. An IPv4-mapped address is checked as IPv4. An IPv4
            address embedded for NAT64, 6to4, Teredo or ISATAP must be allowed too.
        allowed: Networks opened by the operator.
    """
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "an address with a zone"
    return _verdict(unmapped(address), allowed)


def _verdict(address: Address, allowed: Sequence[Network]) -> str | None:
    inner = embedded_ipv4(address)
    if inner is not None and (why := _verdict(inner, allowed)) is not None:
        return f"carries {inner}: {why}"
    if is_opened(address, allowed):
        return None
    value = int(address)
    for first, last, name in _RANGES_V4 if isinstance(address, IPv4Address) else _RANGES_V6:
        if first <= value <= last:
            return name
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "not global unicast"
    return None


def is_opened(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the address is in a network opened by the operator (IPv4-mapped counts as IPv4)."""
    plain = unmapped(address)
    for network in allowed:  # noqa: SIM110 - twice as fast as any(), and runs for every URL
        if plain in network:  # False if the IP versions differ
            return True
    return False
