"""Verify OAuth 1.0a signatures (RFC 5849, HMAC-SHA1) as X does for JSON: body not signed."""

import hmac
import re
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from urllib.parse import quote, unquote

from notifier.sandbox.credentials import XAccount

# tweepy signs the older host, wherever the request goes; newer clients sign the newer host.
HOSTS = ("https://api.twitter.com", "https://api.x.com")

_PAIR = re.compile(r'\s*([A-Za-z0-9_%.-]+)="([^"]*)"\s*(?:,|$)')
_REQUIRED = (
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
)
_NONCES_KEPT = 50_000


class BadSignatureError(Exception):
    """The request is not signed by a known account. The message says why and contains no secret."""


@dataclass(slots=True)
class SignatureCheck:
    """Verifies signatures, refuses replayed nonces. `find` gets consumer key and access token."""

    find: Callable[[str, str], XAccount | None]
    nonces: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def account(
        self,
        header: str,
        method: str,
        urls: Sequence[str],
        query: Iterable[tuple[str, str]],
        *,
        now: float,
        skew: float,
    ) -> XAccount:
        """Return the account that signed a request.

        Args:
            header: The Authorization header.
            method: The HTTP method.
            urls: URLs that the signature may cover, without query.
            query: Decoded query parameters.
            now: Unix seconds.
            skew: The maximum difference of the timestamp, in seconds.

        Raises:
            BadSignatureError: a value is missing, unknown, stale, replayed or wrong.
        """
        oauth = _parameters(header)
        account = self.find(oauth["oauth_consumer_key"], oauth["oauth_token"])
        if account is None:
            raise BadSignatureError("unknown consumer key or access token")
        if oauth["oauth_signature_method"] != "HMAC-SHA1":
            raise BadSignatureError("signature method must be HMAC-SHA1")
        stamp = oauth["oauth_timestamp"]
        if not stamp.isdecimal() or abs(int(stamp) - now) > skew:
            raise BadSignatureError("timestamp out of bounds")
        signed = [(name, value) for name, value in oauth.items() if name not in ("oauth_signature", "realm")] + list(
            query
        )
        if not any(_fits(oauth["oauth_signature"], method, url, signed, account) for url in urls):
            raise BadSignatureError("signature does not match")
        self._remember(oauth["oauth_nonce"], stamp)
        return account

    def _remember(self, nonce: str, stamp: str) -> None:
        if (nonce, stamp) in self.nonces:
            raise BadSignatureError("nonce already used")
        self.nonces[nonce, stamp] = None
        while len(self.nonces) > _NONCES_KEPT:
            self.nonces.popitem(last=False)


def _parameters(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise BadSignatureError("no OAuth header")
    oauth = {unquote(name): unquote(value) for name, value in _PAIR.findall(rest)}
    missing = [name for name in _REQUIRED if not oauth.get(name)]
    if missing:
        raise BadSignatureError(f"{missing[0]} is missing")
    return oauth


def _fits(signature: str, method: str, url: str, signed: list[tuple[str, str]], account: XAccount) -> bool:
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in signed)
    parameters = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _escaped(url), _escaped(parameters)))
    key = f"{_escaped(account.consumer_secret)}&{_escaped(account.access_token_secret)}"
    expected = b64encode(hmac.digest(key.encode(), base.encode(), sha1)).decode()
    return hmac.compare_digest(expected.encode(), signature.encode())


def _escaped(text: str) -> str:
    return quote(text, safe="~")  # RFC 5849 section 3.6: all but unreserved characters
