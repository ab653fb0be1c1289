"""Whom to trust on the other side of https."""

import os
import ssl
from pathlib import Path

import certifi


def client_context() -> ssl.SSLContext:
    """Return a context that verifies certificate and host name, by the system's authorities where it has any.

    A minimal container has none installed; there the bundle that `requests` uses too steps in.
    """
    context = ssl.create_default_context()
    folder = Path(os.environ.get("SSL_CERT_DIR") or ssl.get_default_verify_paths().openssl_capath)
    has_own = context.cert_store_stats()["x509_ca"] > 0 or (folder.is_dir() and any(folder.iterdir()))
    if not has_own:
        context.load_verify_locations(certifi.where())
    return context
