"""Proof of consent (GDPR Art. 7(1)), kept with the subscriber as JSON: who agreed to what, where and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

CONFIRM_WITHIN = timedelta(hours=48)
# Version of the consent text, on the form and in the API; kept with the proof.
SIGN_UP_WORDING = "2026-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentForm:
    """The consent form used: version of its text, language, URL, and the subscriber's network."""

    wording: str
    locale: str
    form: str
    network: str = ""


def shortened_network(address: str) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) network of an address; empty if it is not an address.

    That is too coarse to identify a household.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ip_network((mapped, 24 if mapped.version == 4 else 48), strict=False))  # noqa: PLR2004


def asked(form: ConsentForm, now: datetime) -> dict[str, object]:
    """Record that someone asked to subscribe."""
    return {
        "wording": form.wording,
        "locale": form.locale,
        "form": form.form,
        "asked_at": now.isoformat(),
        "asked_from": shortened_network(form.network),
    }


def confirmed(consent: Mapping[str, object], network: str, now: datetime) -> dict[str, object]:
    """Record that the address's owner confirmed."""
    return {**consent, "confirmed_at": now.isoformat(), "confirmed_from": shortened_network(network)}
