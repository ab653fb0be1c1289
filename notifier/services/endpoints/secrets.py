"""Endpoint secrets: create, show once, encrypt at rest, rotate with an overlap of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from notifier.channels.webhook_keys import new_key_pair, new_secret
from notifier.domain.errors import ConfigError, ConflictError, FieldError, InvalidInputError
from notifier.domain.recipients.endpoint import SignatureKind
from notifier.services.security.secretbox import SecretBox
from notifier.storage.database.codec import instant_from_json, instant_to_json

Sealed = Mapping[str, str | None]
"""A secret as stored: `sealed`, `until` (RFC 3339) if it expires, `public` of a key pair."""

DEFAULT_OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=30)
# Each valid secret adds a signature to the header of every request.
_MAX_VALID = 4
_KNOWN = 32_768
UNREADABLE = "no listed key opens its secret or a header: rotate its secret and set its headers again"


def secret_alert_key(public_id: str) -> str:
    """Return the alert key of an endpoint with an undecryptable secret."""
    return f"webhook:{public_id}:secret"


def fault_alert_key(public_id: str) -> str:
    """Return the alert key of an endpoint with an internal error."""
    return f"webhook:{public_id}:fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A new secret. For a key pair, `public` is the verification key and `secret` is not shown."""

    secret: str = field(repr=False)
    public: str | None = None

    @property
    def shown(self) -> str | None:
        """The secret to show to the partner, only now; None for a key pair."""
        return self.secret if self.public is None else None


def fresh(kind: SignatureKind) -> Fresh:
    """Create a secret or a key pair."""
    if kind is SignatureKind.HMAC:
        return Fresh(secret=new_secret())
    pair = new_key_pair()
    return Fresh(secret=pair.private, public=pair.public)


def public_key(sealed: Sequence[Sealed]) -> str | None:
    """Return the public half of the current signing key; None for a shared secret."""
    return sealed[0].get("public") if sealed else None


class EndpointSecrets:
    """Encrypts and decrypts endpoint secrets. Call it for the secrets that sign now."""

    def __init__(self, box: SecretBox) -> None:
        """Take the box with the endpoints' encryption keys."""
        self._box = box
        # Decryption costs more than signing. Ciphertexts are unique, so they are safe cache keys.
        self._open = lru_cache(maxsize=_KNOWN)(box.open)

    def open(self, sealed: Sequence[Sealed], now: datetime) -> list[str]:
        """Return the secrets that sign now, newest first, without undecryptable older ones.

        Raises:
            ConfigError: the encryption key of the newest is not configured any more.
        """
        valid = [item["sealed"] or "" for item in sealed if _is_valid(item, now)]
        return [self._open(text) for text in valid[:1]] + [self._open(text) for text in valid[1:] if self._opens(text)]

    def signing(self, sealed: Sequence[Sealed], now: datetime) -> list[str]:
        """Return the secrets that sign now, with an error for API clients.

        Raises:
            ConflictError: no listed key decrypts the newest.
        """
        try:
            return self.open(sealed, now)
        except ConfigError as error:
            raise ConflictError("no listed key opens this endpoint's secret: rotate this endpoint's secret") from error

    def kept_headers(self, headers: Mapping[str, str], change: Mapping[str, str | None] | None) -> dict[str, str]:
        """Decrypt the headers that a merge patch (RFC 7396) may keep.

        Raises:
            ConflictError: an undecryptable header is neither replaced nor removed.
        """
        lost = [name for name, value in headers.items() if not self._opens(value)]
        stays = [] if change is None else [name for name in lost if name not in change]
        if stays:
            raise ConflictError(f"no listed key opens the header {stays[0]}: set it again in `headers`, or to null")
        return self.open_headers({name: value for name, value in headers.items() if name not in lost})

    def _opens(self, text: str) -> bool:
        try:
            self._open(text)
        except ConfigError:
            return False
        return True

    def first(self, secret: str, public: str | None = None) -> list[Sealed]:
        """Return the `secrets` column of a new endpoint."""
        return [{"sealed": self._box.seal(secret), "until": None, "public": public}]

    def rotated(self, sealed: Sequence[Sealed], new: Fresh, now: datetime, overlap: timedelta) -> list[Sealed]:
        """Return the column with `new` first; the current secrets keep signing for `overlap`.

        Raises:
            InvalidInputError: the overlap is negative or longer than 30 days.
        """
        if not timedelta(0) <= overlap <= MAX_OVERLAP:
            message = f"must be 0 to {MAX_OVERLAP // timedelta(seconds=1)} seconds"
            raise InvalidInputError([FieldError("overlap", message)])
        end = now + overlap
        older: list[Sealed] = []
        for item in sealed:
            until = instant_from_json(item["until"])
            if until is None or until > end:
                until = end
            if until > now and self._opens(item["sealed"] or ""):
                older.append({**item, "until": instant_to_json(until)})
        return [*self.first(new.secret, new.public), *older[: _MAX_VALID - 1]]

    def seal_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Encrypt the values of custom headers, which may contain passwords."""
        return {name: self._box.seal(value) for name, value in headers.items()}

    def open_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Decrypt headers for sending."""
        return {name: self._open(value) for name, value in headers.items()}


def _is_valid(item: Sealed, now: datetime) -> bool:
    return item["until"] is None or (until := instant_from_json(item["until"])) is None or until > now
