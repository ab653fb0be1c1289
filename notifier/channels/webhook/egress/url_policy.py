"""The SSRF guard: webhooks reach public addresses only, and only an address that was vetted.

A partner chooses the URL, so it is untrusted: it may point to our own network, to the cloud's
metadata service, or to a name whose address changes between registration and sending (DNS
rebinding). We vet syntax and addresses at registration and at every attempt; the transport dials a
vetted address and never resolves names itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from notifier.channels.webhook.egress.host_parser import HostError, read_host
from notifier.channels.webhook.egress.ip_policy import Address, Network, is_opened, unmapped, why_blocked
from notifier.domain.errors import FieldError, InvalidInputError, TransientDeliveryError
from notifier.domain.values import Reason

MAX_URL = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST_HIGH_PORT = 1024
_MAX_PORT = 65535
# RFC 3986 appendix B. Not urllib: it drops tabs and line breaks, and differs by Python version.
_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?", re.ASCII | re.IGNORECASE)
_IN_TARGET = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*")
_HIDDEN = re.compile(r"[\s\x00-\x1f\x7f\\]")  # parsers disagree about the backslash
_DIGITS = re.compile(r"[0-9]{1,5}")
# Names that are never a public host (RFC 6761, RFC 8375, RFC 7686, cloud metadata); not resolved.
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "onion", "localdomain", "lan", "intranet")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPolicy:
    """What the operator allows. `allow_networks` also allows plain `http` and any port there."""

    allow_networks: Sequence[Network] = ()
    allow_plain_http: bool = False  # `http` to public addresses, readable on the way
    allow_ports: frozenset[int] = field(default_factory=frozenset)  # besides 80, 443 and >= 1024


class VettedUrl(NamedTuple):
    """A URL with valid syntax, split for the transport.

    `host` is the name for Host and SNI, `literal` is set if it is an address, `target` is path and
    query as sent. `opened_only`: allowed only in an opened network (plain http, a low port).
    """

    scheme: str
    host: str
    port: int
    target: str
    literal: IPv4Address | IPv6Address | None = None
    opened_only: bool = False

    @property
    def authority(self) -> str:
        """The Host header, without the scheme's default port (RFC 9110 section 4.2.3)."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def vet_url(url: str, policy: TargetPolicy) -> VettedUrl:
    """Parse a webhook URL strictly. Vets a literal address; does not resolve a name.

    Raises:
        InvalidInputError: field `url`; the message says what to change.
    """
    scheme, authority, target = _split(url)
    host_text = _host_text(authority)
    try:
        host = read_host(host_text)
    except HostError as error:
        raise _refused(str(error)) from None
    port = _port(scheme, authority[len(host_text) :])
    literal = None if isinstance(host, str) else unmapped(host)
    opened_only = _needs_opening(scheme, port, policy)
    if literal is not None:
        _check_literal(literal, policy, opened_only=opened_only)
    else:
        _check_name(str(host), policy, opened_only=opened_only)
    return VettedUrl(scheme, str(literal or host), port, target, literal, opened_only)


def vet_addresses(url: VettedUrl, addresses: Sequence[str], policy: TargetPolicy) -> tuple[str, ...]:
    """Return the addresses to dial, in order, if all of them are allowed.

    One blocked address refuses all: an attacker's name server returns both kinds and hopes that we
    dial the private one.

    Raises:
        TransientDeliveryError: `blocked_target`. A retry resolves again; DNS may have been fixed.
    """
    allowed = policy.allow_networks
    vetted: list[str] = []
    for text in addresses:
        try:
            address: Address = unmapped(ip_address(text))
        except ValueError:
            raise TransientDeliveryError(Reason.BLOCKED_TARGET, f"{url.host} has no usable address") from None
        why = why_blocked(address, allowed)
        if why is None and url.opened_only and not is_opened(address, allowed):
            why = _opened_only_text(url.scheme)
        if why is not None:
            raise TransientDeliveryError(Reason.BLOCKED_TARGET, f"{address}: {why}")
        vetted.append(str(address))
    if not vetted:
        raise TransientDeliveryError(Reason.UNREACHABLE, f"{url.host} has no address")
    return tuple(dict.fromkeys(vetted))


def _split(url: str) -> tuple[str, str, str]:
    """Return scheme, authority and target."""
    if len(url) > MAX_URL:
        raise _refused(f"may hold at most {MAX_URL} characters")
    parts = _URL.match(url)
    if parts is None:
        raise _refused("must begin with https:// (or http:// in an opened network)")
    if _HIDDEN.search(url):
        raise _refused("may not hold spaces, control characters or backslashes")
    if parts.end() < len(url):
        raise _refused("may not hold a fragment (#...)")
    scheme, authority, path, query = parts.groups("")
    if "@" in authority:
        raise _refused("may not hold a user name or password")
    target = (path or "/") + (query if query != "?" else "")
    if _IN_TARGET.fullmatch(target) is None:
        raise _refused("path and query must be percent-encoded")
    return scheme.lower(), authority, target


def _host_text(authority: str) -> str:
    if authority.startswith("["):
        return authority[: authority.rfind("]") + 1]
    return authority.partition(":")[0]


def _port(scheme: str, text: str) -> int:
    if not text:
        return _DEFAULT_PORTS[scheme]
    if not text.startswith(":") or _DIGITS.fullmatch(text[1:]) is None or not 0 < int(text[1:]) <= _MAX_PORT:
        raise _refused("the port must be a number from 1 to 65535")
    return int(text[1:])


def _needs_opening(scheme: str, port: int, policy: TargetPolicy) -> bool:
    usual_port = port in _DEFAULT_PORTS.values() or port >= _FIRST_HIGH_PORT or port in policy.allow_ports
    return not usual_port or (scheme == "http" and not policy.allow_plain_http)


def _check_literal(address: Address, policy: TargetPolicy, *, opened_only: bool) -> None:
    allowed = policy.allow_networks
    why = why_blocked(address, allowed)
    if why is not None:
        raise _refused(f"may not reach {address}: {why}")
    if opened_only and not is_opened(address, allowed):
        raise _refused("must be https and use port 80, 443 or one from 1024 up")


def _check_name(name: str, policy: TargetPolicy, *, opened_only: bool) -> None:
    if policy.allow_networks:
        return  # the name may be in an opened network: its addresses decide
    if opened_only:
        raise _refused("must be https and use port 80, 443 or one from 1024 up")
    if "." not in name or any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES):
        raise _refused(f"{name} is not a public name")


def _opened_only_text(scheme: str) -> str:
    what = "plain http" if scheme == "http" else "this port"
    return f"{what} is for networks that the operator opened"


def _refused(why: str) -> InvalidInputError:
    return InvalidInputError([FieldError("url", why)])
