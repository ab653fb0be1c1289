"""Headers that every answer bears, unless it says otherwise itself."""

from collections.abc import Mapping

# For JSON: nothing of it may run, be framed, be taken for another type, or be kept by anybody on the way.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

# Where the public address is https: nothing of it is ever asked for in the clear again.
STRICT_TRANSPORT: Mapping[str, str] = {"Strict-Transport-Security": "max-age=31536000"}
