"""Sign event batches as SendGrid does: ECDSA (P-256, SHA-256) over timestamp and raw body."""

from base64 import b64decode, b64encode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"


def new_signing_key() -> str:
    """Generate a private key: PKCS#8 DER in base64."""
    key = ec.generate_private_key(ec.SECP256R1())
    return b64encode(
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ).decode()


def public_key_of(private_key: str) -> str:
    """Return the public key in SendGrid's format: DER SubjectPublicKeyInfo in base64."""
    public = load_key(private_key).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(public.public_bytes(serialization.Encoding.DER, form)).decode()


def load_key(private_key: str) -> ec.EllipticCurvePrivateKey:
    """Load a private key from `new_signing_key`.

    Raises:
        ValueError: Not a P-256 key in base64 DER.
    """
    key = serialization.load_der_private_key(b64decode(private_key, validate=True), password=None)
    match key:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return key
        case _:
            raise ValueError("the event signing key is not a P-256 key")


def sign(key: ec.EllipticCurvePrivateKey, timestamp: str, body: bytes) -> str:
    """Return the signature header for a body and a timestamp header."""
    return b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
