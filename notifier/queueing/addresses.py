"""Addresses of the broker and Redis. Pure: no I/O, and no client library is loaded."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_AMQP = ("amqp", "amqps")
_SOCKET_NAME = "redis.sock"
# sun_path holds 108 bytes on Linux and 104 on macOS (unix(7)), the closing NUL included.
_SOCKET_PATH_MAX = 100
# Not gettempdir(): all processes of the installation need the same path, whatever their TMPDIR.
SHORT_FOLDERS = Path("/tmp")  # noqa: S108  embedded.py checks whose the folder in it is


def socket_path(data_dir: Path) -> Path:
    """Return the embedded server's socket; in its own folder under /tmp if the path is too long."""
    home = data_dir.resolve()
    path = home / "run" / _SOCKET_NAME
    if len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return SHORT_FOLDERS / f"notifier-{os.geteuid()}-{name}" / _SOCKET_NAME


def embedded_url(data_dir: Path) -> str:
    """Return the embedded server's address, whether or not it is running."""
    return f"redis+socket://{quote(str(socket_path(data_dir)))}"


@dataclass(frozen=True, slots=True, repr=False)
class QueueAddresses:
    """URLs of broker and Redis (may contain passwords).

    `embedded`: we start this Redis ourselves.
    """

    broker: str
    redis: str
    embedded: bool

    @property
    def broker_is_amqp(self) -> bool:
        """Whether messages go through RabbitMQ; Redis is then not the broker."""
        return urlsplit(self.broker).scheme in _AMQP


def queue_addresses(*, data_dir: Path, redis_url: str | None, broker_url: str | None) -> QueueAddresses:
    """Resolve the two addresses: as configured, else the embedded server's; Redis is the broker unless one is set."""
    address = redis_url or embedded_url(data_dir)
    return QueueAddresses(broker=broker_url or address, redis=address, embedded=redis_url is None)


def for_celery(url: str) -> str:
    """Convert a URL for kombu: `unix:///s?db=1` becomes `redis+socket:///s?virtual_host=1`."""
    return _respelled(url, "unix", "redis+socket", "db", "virtual_host")


def for_client(url: str) -> str:
    """Convert a URL for redis-py: `redis+socket:///s?virtual_host=1` becomes `unix:///s?db=1`."""
    return _respelled(url, "redis+socket", "unix", "virtual_host", "db")


def _respelled(url: str, scheme: str, new_scheme: str, key: str, new_key: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != scheme:
        return url
    query = urlencode([(new_key if name == key else name, value) for name, value in parse_qsl(parts.query)])
    return f"{new_scheme}://{parts.netloc}{parts.path}{'?' if query else ''}{query}"
