"""Access to the connection of a request, so that a fault can close it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY = "sandbox.transport"


class ReachableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with its transport in the ASGI scope."""

    def on_message_begin(self) -> None:
        """Begin a request and store the transport for `transport_of`."""
        super().on_message_begin()
        self.scope["extensions"] = {_KEY: {"transport": self.transport}}


def transport_of(scope: Mapping[str, Any]) -> asyncio.Transport:
    """Return the connection of a request.

    Raises:
        RuntimeError: The application is not served by `notifier.sandbox.server`.
    """
    extension = scope.get("extensions", {}).get(_KEY)
    if extension is None:
        raise RuntimeError("closing connections needs the sandbox's own server")
    transport: asyncio.Transport = extension["transport"]
    return transport
