"""Content identifiers: CIDv1 with SHA-256 over DAG-CBOR (records) or raw bytes (blobs).

DAG-CBOR is canonical CBOR: shortest lengths, map keys sorted by length, then bytes, links as tag
42.
"""

import struct
from base64 import b32decode, b32encode
from hashlib import sha256
from typing import Any

_CBOR, _RAW = 0x71, 0x55
_SIMPLE = {None: b"\xf6", False: b"\xf4", True: b"\xf5"}
_POSITIVE, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(6)  # CBOR major types
_LINK_TAG = b"\xd8\x2a"


def cid_of_record(record: dict[str, Any]) -> str:
    """Return the CID of a record given as a JSON object."""
    return _cid(_CBOR, _encode(record))


def cid_of_blob(blob: bytes) -> str:
    """Return the CID of a blob."""
    return _cid(_RAW, blob)


def _cid(codec: int, content: bytes) -> str:
    binary = bytes((1, codec, 0x12, 0x20)) + sha256(content).digest()
    return "b" + b32encode(binary).decode().lower().rstrip("=")


def _encode(value: object) -> bytes:
    match value:
        case None | bool():
            return _SIMPLE[value]
        case int():
            return _head(_POSITIVE, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
        case float():
            return b"\xfb" + struct.pack(">d", value)
        case str():
            octets = value.encode()
            return _head(_TEXT, len(octets)) + octets
        case list():
            return _head(_ARRAY, len(value)) + b"".join(map(_encode, value))
        case _:
            return _encode_map(value)


def _encode_map(value: object) -> bytes:
    match value:
        case {"$link": str() as link, **rest} if not rest:
            binary = b"\0" + _binary(link)
            return _LINK_TAG + _head(_BYTES, len(binary)) + binary
        case dict():
            pairs = sorted(value.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode()))
            return _head(_MAP, len(pairs)) + b"".join(_encode(key) + _encode(one) for key, one in pairs)
        case _:
            raise TypeError(f"not JSON: {type(value).__name__}")


def _head(kind: int, number: int) -> bytes:
    for limit, code, form in ((24, None, ""), (1 << 8, 24, ">B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I")):
        if number < limit:
            return (
                bytes((kind << 5 | number,)) if code is None else bytes((kind << 5 | code,)) + struct.pack(form, number)
            )
    return bytes((kind << 5 | 27,)) + struct.pack(">Q", number)


def _binary(cid: str) -> bytes:
    letters = cid.removeprefix("b").upper()
    return b32decode(letters + "=" * (-len(letters) % 8))
