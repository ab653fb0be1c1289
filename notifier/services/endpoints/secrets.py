"""An endpoint's secrets: made here, shown once, sealed at rest; during a rotation the old one signs beside the new."""

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
"""One secret as the row holds it: `sealed`, `until` (RFC 3339) when it is on its way out, `public` of a key pair."""

DEFAULT_OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=30)
# Each secret is one more signature in the header of every request.
_MAX_VALID = 4
_KNOWN = 32_768
UNREADABLE = "no listed key opens its secret or a header: rotate its secret and set its headers again"


def secret_alert_key(public_id: str) -> str:
    """Return the key of the alarm about an endpoint whose secret cannot be opened."""
    return f"webhook:{public_id}:secret"


def fault_alert_key(public_id: str) -> str:
    """Return the key of the alarm about an endpoint that a fault of ours keeps from being posted to."""
    return f"webhook:{public_id}:fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A new secret; `public` is what the partner verifies by where it is a key pair, and then `secret` is not shown."""

    secret: str = field(repr=False)
    public: str | None = None

    @property
    def shown(self) -> str | None:
        """What the partner is told, this once."""
        return self.secret if self.public is None else None


def fresh(kind: SignatureKind) -> Fresh:
    """Make a secret, or a key pair."""
    if kind is SignatureKind.HMAC:
        return Fresh(secret=new_secret())
    pair = new_key_pair()
    return Fresh(secret=pair.private, public=pair.public)


def public_key(sealed: Sequence[Sealed]) -> str | None:
    """Return the public half of the key that signs now; None where a shared secret does."""
    return sealed[0].get("public") if sealed else None


class EndpointSecrets:
    """Opens and seals what an endpoint's row keeps. Callable as attempts want it: which secrets sign now?"""

    def __init__(self, box: SecretBox) -> None:
        """Take the box for endpoints."""
        self._box = box
        # Opening costs more than signing does; what is sealed anew each time it is stored names its version by itself.
        self._open = lru_cache(maxsize=_KNOWN)(box.open)

    def open(self, sealed: Sequence[Sealed], now: datetime) -> list[str]:
        """Return the secrets that sign now, newest first; of older ones, on their way out, those that open.

        Raises:
            ConfigError: the key that the newest was sealed with is no longer given.
        """
        valid = [item["sealed"] or "" for item in sealed if _is_valid(item, now)]
        return [self._open(text) for text in valid[:1]] + [self._open(text) for text in valid[1:] if self._opens(text)]

    def signing(self, sealed: Sequence[Sealed], now: datetime) -> list[str]:
        """Return the secrets that sign now, for somebody at the API.

        Raises:
            ConflictError: no listed key opens the newest.
        """
        try:
            return self.open(sealed, now)
        except ConfigError as error:
            raise ConflictError("no listed key opens this endpoint's secret: rotate this endpoint's secret") from error

    def kept_headers(self, headers: Mapping[str, str], change: Mapping[str, str | None] | None) -> dict[str, str]:
        """Open the headers that a change (RFC 7396) may keep; what no key opens it must set anew, or remove.

        Raises:
            ConflictError: it does not.
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
        """Return the column of a new endpoint."""
        return [{"sealed": self._box.seal(secret), "until": None, "public": public}]

    def rotated(self, sealed: Sequence[Sealed], new: Fresh, now: datetime, overlap: timedelta) -> list[Sealed]:
        """Return the column with `new` in front; what signs now goes on doing so for `overlap`.

        Raises:
            InvalidInputError: an overlap below zero or above 30 days.
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
        """Seal the values of custom headers: partners put passwords there."""
        return {name: self._box.seal(value) for name, value in headers.items()}

    def open_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Open what `seal_headers` sealed, for sending."""
        return {name: self._open(value) for name, value in headers.items()}


def _is_valid(item: Sealed, now: datetime) -> bool:
    return item["until"] is None or (until := instant_from_json(item["until"])) is None or until > now
