"""The API's listening socket, owned by the supervisor so that an API restart refuses nobody."""

import errno
import socket
from contextlib import suppress

from notifier.domain.errors import ConfigError

_BACKLOG = 2048
_HIGHEST_PORT = 65_535


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        ConfigError: names `--port` or `--host`, and what is wrong with it.
    """
    if not 0 <= port <= _HIGHEST_PORT:  # getaddrinfo would silently use it modulo 65536
        raise ConfigError("--port", f"{port} is no port; choose one from 0 to {_HIGHEST_PORT}")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigError("--host", f"{host!r} is no address of this machine") from error
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by accepted connections. A response is sent in two pieces; without this the
        # second waits for the delayed acknowledgement of the first: 40 ms per keep-alive request.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(host, port, error) from error
    return listener


def _refusal(host: str, port: int, error: OSError) -> ConfigError:
    code = error.errno
    if code == errno.EADDRINUSE:
        return ConfigError("--port", f"{port} on {host} is in use by another program; choose another one")
    if code == errno.EADDRNOTAVAIL:
        return ConfigError("--host", f"{host!r} is no address of this machine")
    if code == errno.EACCES:
        return ConfigError("--port", f"{port} needs rights this user does not have; choose one above 1023")
    return ConfigError("--port", f"cannot listen on {host} port {port}: {error}")


def inherited(descriptor: int) -> socket.socket:
    """Return the listening socket passed by the supervisor (`notifier api --fd N`).

    Raises:
        ConfigError: there is no such socket.
    """
    try:
        return socket.socket(fileno=descriptor)
    except OSError as error:
        raise ConfigError("--fd", f"{descriptor} is no inherited socket") from error


def base_url(listener: socket.socket) -> str:
    """Return the URL at which a browser on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  not bound here, only recognised
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def free_port(preferred: int) -> int:
    """Return a free port of 127.0.0.1, the preferred one if possible; 0 means no preference."""
    for port in (preferred, 0):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise ConfigError("NOTIFIER_SANDBOX_URL", "no free port for the sandbox on 127.0.0.1")
