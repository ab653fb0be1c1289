"""Encrypt secrets at rest with AES-256-GCM under keys derived from NOTIFIER_SECRET_KEYS.

A sealed text is `v1.<key id>.<nonce and ciphertext>`, base64url without padding. The first key
encrypts, all keys decrypt; sealing again (see `is_current`) moves a secret to the newest key.
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
_NONCE_BYTES = 12  # NIST SP 800-38D section 5.2.1.1; random, with far fewer than 2**32 uses per key
_KEY_BYTES = 32
_FIELD = "NOTIFIER_SECRET_KEYS"


def derive(key: str, purpose: str) -> bytes:
    """Return 32 bytes of key material for one purpose (RFC 5869, HKDF-SHA256)."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=b"notifier", info=purpose.encode()).derive(key.encode())


def fingerprint(key: str) -> str:
    """Return a key's public identifier: 64 derived bits that reveal nothing about it."""
    return derive(key, "fingerprint").hex()[:16]


class SecretBox:
    """Encrypts and decrypts texts for one purpose; texts of another purpose do not decrypt."""

    def __init__(self, keys: Sequence[str], purpose: str) -> None:
        """Derive the keys once.

        Args:
            keys: The installation's secret keys, newest first.
            purpose: Such as `endpoint`; part of the derived key.

        Raises:
            ConfigError: there is no key.
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
        """Encrypt a text with the newest key; the result differs each time."""
        nonce = os.urandom(_NONCE_BYTES)
        box = self._keys[self._current].encrypt(nonce, text.encode(), _VERSION.encode())
        return f"{_VERSION}.{self._current}.{_encode(nonce + box)}"

    def open(self, sealed: str) -> str:
        """Decrypt a sealed text.

        Raises:
            ConfigError: its key is not configured any more, or it is damaged. Names the variable,
                never the text.
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
        """Return the index of the key that sealed a text, 0 for the newest; None if unknown."""
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
