"""Secrets at rest: sealed by AES-256-GCM under keys derived from NOTIFIER_SECRET_KEYS, which rotate.

A sealed text is `v1.<key id>.<nonce and ciphertext>`, base64url without padding. The first key seals, all open; sealing
anew (`is_current` tells when) moves a secret to the newest key.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from notifier.domain.errors import ConfigError

_VERSION = "v1"
_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1; random, with far fewer than 2**32 messages a key
_KEY_BYTES = 32
_FIELD = "NOTIFIER_SECRET_KEYS"


def derive(key: str, purpose: str) -> bytes:
    """Return 32 bytes of key material for one purpose (RFC 5869, HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=b"notifier", info=purpose.encode()).derive(key.encode())


def fingerprint(key: str) -> str:
    """Return what tells a key from others and says nothing of it: 64 bits of what is derived for this alone."""
    return derive(key, "fingerprint").hex()[:16]


class SecretBox:
    """Seals and opens texts for one purpose: what was sealed for another does not open."""

    def __init__(self, keys: Sequence[str], purpose: str) -> None:
        """Derive the keys once.

        Args:
            keys: The installation's secret keys, newest first.
            purpose: What is kept, such as `endpoint`; part of the key.

        Raises:
            ConfigError: no key.
        """
        if not keys:
            raise ConfigError(_FIELD, "at least one key is needed")
        derived = [derive(key, f"sealed {purpose}") for key in keys]
        self._keys = {_key_id(key): AESGCM(key) for key in derived}
        self._current = _key_id(derived[0])
        self._key_indexes = {_key_id(key): key_index for key_index, key in enumerate(derived)}

    def __repr__(self) -> str:
        return f"SecretBox({len(self._keys)} keys)"

    def seal(self, text: str) -> str:
        """Return the text sealed under the newest key; each time differently."""
        nonce = os.urandom(_NONCE_BYTES)
        box = self._keys[self._current].encrypt(nonce, text.encode(), _VERSION.encode())
        return f"{_VERSION}.{self._current}.{_encode(nonce + box)}"

    def open(self, sealed: str) -> str:
        """Return what was sealed.

        Raises:
            ConfigError: sealed under a key that is no longer given, or not whole: naming the variable, never the text.
        """
        version, _, rest = sealed.partition(".")
        key_id, _, box = rest.partition(".")
        key = self._keys.get(key_id)
        if version != _VERSION or key is None:
            raise ConfigError(_FIELD, "a stored secret was sealed with a key that is no longer listed")
        try:
            raw = _decode(box)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _VERSION.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise ConfigError(_FIELD, "a stored secret is damaged") from error

    def key_index(self, sealed: str) -> int | None:
        """Return which of the keys sealed a text, 0 for the newest; None for one that is not given."""
        version, _, rest = sealed.partition(".")
        return self._key_indexes.get(rest.partition(".")[0]) if version == _VERSION else None

    def is_current(self, sealed: str) -> bool:
        """Whether a text is sealed under the newest key."""
        return sealed.startswith(f"{_VERSION}.{self._current}.")


def _key_id(key: bytes) -> str:
    return _encode(hashlib.sha256(b"id" + key).digest()[:6])


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
