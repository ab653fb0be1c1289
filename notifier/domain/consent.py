"""Proof of consent (GDPR Art. 7(1)), kept with the subscriber as JSON: who agreed to what, where and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

CONFIRM_WITHIN = timedelta(hours=48)
# A stranger may type somebody's address over and over: they get this many mails in a day and no more.
MAILS_PER_DAY = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentForm:
    """The form somebody agreed on: its wording's version, its language, its URL, and the network they came from."""

    wording: str
    locale: str
    form: str
    network: str = ""


def shortened_network(address: str) -> str:
    """Return the network an address is in, too coarse to name a household: /24 of IPv4, /48 of IPv6; else nothing."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network((mapped, 24 if mapped.version == 4 else 48), strict=False))  # noqa: PLR2004


def may_mail(earlier: Sequence[str], now: datetime) -> bool:
    """Whether one more mail that nobody is known to have asked for may go to an address; `earlier` in RFC 3339."""
    return len(recent(earlier, now)) < MAILS_PER_DAY


def recent(earlier: Sequence[str], now: datetime) -> list[str]:
    """Return those of the times that lie within a day."""
    return [text for text in earlier if now - datetime.fromisoformat(text) < _DAY]


def asked(form: ConsentForm, now: datetime) -> dict[str, object]:
    """Write down that somebody asked to be told."""
    return {
        "wording": form.wording,
        "locale": form.locale,
        "form": form.form,
        "asked_at": now.isoformat(),
        "asked_from": shortened_network(form.network),
    }


def confirmed(consent: Mapping[str, object], network: str, now: datetime) -> dict[str, object]:
    """Write down that the address's owner agreed."""
    return {**consent, "confirmed_at": now.isoformat(), "confirmed_from": shortened_network(network)}
