"""Generate Standard Webhooks secrets and key pairs; `webhook/signing.py` signs with them."""

import base64
import secrets as entropy
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HMAC_PREFIX = "whsec_"
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
SEED_BYTES = 32
_NEW_HMAC_BYTES = 32  # the specification: between 24 and 64


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 pair: `private` (`whsk_...`) is ours, `public` (`whpk_...`) the partner's."""

    private: str = field(repr=False)
    public: str


def new_secret() -> str:
    """Return a new shared secret: `whsec_` and 32 random bytes in base64."""
    return HMAC_PREFIX + encoded(entropy.token_bytes(_NEW_HMAC_BYTES))


def new_key_pair() -> KeyPair:
    """Return a new ed25519 pair; `private` has seed and public key, as elsewhere in practice."""
    seed = entropy.token_bytes(SEED_BYTES)
    public = public_bytes(seed)
    return KeyPair(private=PRIVATE_PREFIX + encoded(seed + public), public=PUBLIC_PREFIX + encoded(public))


def public_bytes(seed: bytes) -> bytes:
    """Return the public key (32 bytes) of a private seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def encoded(data: bytes) -> str:
    """Encode as padded base64."""
    return base64.b64encode(data).decode("ascii")
