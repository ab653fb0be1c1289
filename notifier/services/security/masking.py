"""Mask personal data and secrets in URLs for keys without scope `manage`."""

import re
from typing import Any
from urllib.parse import urlsplit

from notifier.services.security.api_keys import Caller, KeyScope

Json = dict[str, Any]
HIDDEN = "***"
_TOKEN = re.compile(r"[^/]{20,}")  # such a long path segment is a secret, as in chat webhooks


def shown_to(caller: Caller, data: Any) -> Any:
    """Return JSON data as this caller may see it, in the same shape."""
    return data if KeyScope.MANAGE in caller.scopes else masked(data)


def masked(data: Any) -> Any:
    """Return JSON data without email addresses, subscribers' names and secret parts of URLs."""
    if isinstance(data, list):
        return [masked(item) for item in data]
    if not isinstance(data, dict):
        return data
    shown = {key: _masked_text(value) if key in _ADDRESSES else masked(value) for key, value in data.items()}
    if "external_id" in data and data.get("name"):
        shown["name"] = HIDDEN
    return shown


_ADDRESSES = frozenset({"email", "owner_email", "address", "url", "recipient"})


def _masked_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if "://" in value:
        return _masked_url(value)
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}{HIDDEN}@{domain[:1]}{HIDDEN}.{domain.rpartition('.')[2]}" if at else value


def _masked_url(url: str) -> str:
    parts = urlsplit(url)
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{_TOKEN.sub(HIDDEN, parts.path)}{query}"
