"""Validate a partner's custom headers, so that none can smuggle a second request."""

import re
from collections.abc import Mapping

from notifier.domain.errors import FieldError, InvalidInputError

MAX_HEADERS = 20
MAX_NAME = 64
MAX_VALUE = 1024
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")  # visible ASCII; no CR, LF, NUL, no space at the ends
_OURS = frozenset(
    {
        "accept-encoding",  # responses are not decompressed
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "user-agent",
    }
)
_HOP_BY_HOP = frozenset(  # RFC 9110 section 7.6.1 and RFC 2616 section 13.5.1
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Proxies trust these: a partner must not spoof a client address to a proxy of someone else.
_ROUTING = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
_RESERVED = _OURS | _HOP_BY_HOP | _ROUTING
_RESERVED_PREFIXES = ("webhook-", "proxy-", "sec-", ":")


def validate_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return custom headers as they will be sent, names in the partner's spelling.

    Raises:
        InvalidInputError: lists every error, by field `headers.<name>`. Never quotes a value, which
            may be a password.
    """
    faults = [FieldError("headers", f"at most {MAX_HEADERS}")] if len(headers) > MAX_HEADERS else []
    seen: set[str] = set()
    for name, value in headers.items():
        why = _name_fault(name) or _value_fault(value)
        if why is None and name.lower() in seen:
            why = "given twice"
        seen.add(name.lower())
        if why is not None:
            faults.append(FieldError(f"headers.{name[:MAX_NAME]!s}", why))
    if faults:
        raise InvalidInputError(faults)
    return dict(headers)


def _name_fault(name: str) -> str | None:
    if len(name) > MAX_NAME or _TOKEN.fullmatch(name) is None:
        return f"not a header name of at most {MAX_NAME} characters"
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIXES):
        return "this header is reserved"
    return None


def _value_fault(value: str) -> str | None:
    if len(value) > MAX_VALUE or _VALUE.fullmatch(value) is None:
        return f"must be 1 to {MAX_VALUE} visible ASCII characters without line breaks"
    return None
