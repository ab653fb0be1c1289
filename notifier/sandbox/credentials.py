"""Credentials that the sandbox accepts by default. They are valid nowhere else.

Those of a social account derive from its name, so that an account added to `notifier.toml` works
against the sandbox without being registered there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from zlib import crc32

SENDGRID_API_KEY = "SG.sandboxsandboxsandbox0.sandboxsandboxsandboxsandboxsandboxsandbox0"

X_CONSUMER_KEY = "sandbox-consumer-key"
X_CONSUMER_SECRET = "sandbox-consumer-secret"  # noqa: S105  opens the sandbox only
X_APP_ONLY_BEARER = "sandbox-app-only-bearer"

_TOKEN_PREFIX = "sandbox-token-"  # noqa: S105  a prefix, not a token
_HANDLE_SUFFIX = ".sandbox.example"

Account = TypeVar("Account")


@dataclass(frozen=True, slots=True, kw_only=True)
class XAccount:
    """An X account and the four OAuth 1.0a keys (tweepy's names), plus an OAuth 2.0 user token."""

    name: str
    consumer_key: str
    consumer_secret: str = field(repr=False)
    access_token: str
    access_token_secret: str = field(repr=False)
    bearer_token: str = field(repr=False)

    @property
    def id(self) -> str:
        """The user id: decimal digits, the same in every run."""
        return account_number(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MastodonAccount:
    """A Mastodon account and its access token (scopes `read write`)."""

    name: str
    access_token: str = field(repr=False)

    @property
    def id(self) -> str:
        """The account id: decimal digits, the same in every run."""
        return account_number(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueskyAccount:
    """A Bluesky account: handle and app password."""

    name: str
    handle: str
    app_password: str = field(repr=False)

    @property
    def did(self) -> str:
        """The account's DID, the same in every run: `did:plc:` and 24 base32 characters."""
        digits = f"{crc32(self.handle.encode()):032b}" * 4
        letters = "abcdefghijklmnopqrstuvwxyz234567"
        return "did:plc:" + "".join(letters[int(digits[at : at + 5], 2)] for at in range(0, 120, 5))


def account_number(name: str) -> str:
    """Return a stable account id (decimal digits) for a name."""
    return str(1_000_000_000 + crc32(name.encode()))


def x_account(name: str) -> XAccount:
    """Return the credentials of the X account with this name (`[[accounts]] name`)."""
    return XAccount(
        name=name,
        consumer_key=X_CONSUMER_KEY,
        consumer_secret=X_CONSUMER_SECRET,
        access_token=f"{account_number(name)}-{_TOKEN_PREFIX}{name}",
        access_token_secret=f"sandbox-secret-{name}",
        bearer_token=f"sandbox-bearer-{name}",
    )


def mastodon_account(name: str) -> MastodonAccount:
    """Return the credentials of the Mastodon account with this name."""
    return MastodonAccount(name=name, access_token=f"{_TOKEN_PREFIX}{name}")


def bluesky_account(name: str) -> BlueskyAccount:
    """Return the credentials of the Bluesky account with this name."""
    return BlueskyAccount(name=name, handle=f"{name}{_HANDLE_SUFFIX}", app_password="sand-boxs-andb-oxsa")  # noqa: S106


def x_account_of(access_token: str) -> XAccount | None:
    """Return the account with this derived X access token, or None."""
    _, found, name = access_token.partition(f"-{_TOKEN_PREFIX}")
    return _confirmed(x_account, name, lambda account: account.access_token == access_token) if found else None


def x_account_of_bearer(bearer_token: str) -> XAccount | None:
    """Return the account with this derived X user token, or None."""
    name = bearer_token.removeprefix("sandbox-bearer-")
    return _confirmed(x_account, name, lambda account: account.bearer_token == bearer_token)


def mastodon_account_of(access_token: str) -> MastodonAccount | None:
    """Return the account with this derived Mastodon token, or None."""
    name = access_token.removeprefix(_TOKEN_PREFIX)
    return _confirmed(mastodon_account, name, lambda account: account.access_token == access_token)


def bluesky_account_of(identifier: str) -> BlueskyAccount | None:
    """Return the account with this derived handle, or None."""
    name = identifier.removesuffix(_HANDLE_SUFFIX)
    return _confirmed(bluesky_account, name, lambda account: account.handle == identifier)


def _confirmed(make: Callable[[str], Account], name: str, fits: Callable[[Account], bool]) -> Account | None:
    account = make(name) if name else None
    return account if account is not None and fits(account) else None
