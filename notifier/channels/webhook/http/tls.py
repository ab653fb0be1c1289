"""Trusted certificate authorities for https."""

import os
import ssl
from functools import lru_cache
from pathlib import Path

import certifi


def client_context() -> ssl.SSLContext:
    """Return a context that verifies certificate and host name, by the system's authorities where it has any.

    A minimal container has none installed; there the bundle that `requests` uses too steps in. Reading some hundred
    certificates takes a while, so there is one context for all of a process.
    """
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=1)
def _trusting(_file: str | None, own_folder: str | None) -> ssl.SSLContext:  # OpenSSL reads the file's name by itself
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Debian's Python leaves it to the system
    folder = Path(own_folder or ssl.get_default_verify_paths().openssl_capath)
    has_own = context.cert_store_stats()["x509_ca"] > 0 or (folder.is_dir() and any(folder.iterdir()))
    if not has_own:
        context.load_verify_locations(certifi.where())
    return context
