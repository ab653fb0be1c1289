"""Trusted certificate authorities for https."""

import os
import ssl
from functools import lru_cache
from pathlib import Path

import certifi


def client_context() -> ssl.SSLContext:
    """Return a context that verifies certificate and host name with the system's CAs.

    Falls back to certifi's bundle: a minimal container has no CAs. Loading over a hundred
    certificates is slow, so the process shares one context.
    """
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=1)
def _trusting(_file: str | None, own_folder: str | None) -> ssl.SSLContext:  # OpenSSL reads SSL_CERT_FILE itself
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian's Python leaves it to the system
    folder = Path(own_folder or ssl.get_default_verify_paths().openssl_capath)
    has_own = context.cert_store_stats()["x509_ca"] > 0 or (folder.is_dir() and any(folder.iterdir()))
    if not has_own:
        context.load_verify_locations(certifi.where())
    return context
