"""`python -m notifier.supervise.redis_supervisor`: starts the embedded Redis again when it is gone.

A process of its own: looking after a server may take seconds, and the supervisor has no time to wait and no threads.
"""

import time
from pathlib import Path
from typing import NoReturn

from notifier.domain.errors import ConfigError
from notifier.observability import configure_logging, get_logger
from notifier.queueing import embedded
from notifier.settings import load_settings

_WATCH_SECONDS = 1.0
_log = get_logger(__name__)


def tend(data_dir: Path) -> bool:
    """Start the server of this data folder unless it runs; False where there is no such folder any more."""
    if not data_dir.is_dir():
        # Somebody removed the installation: a server for it would live on when nobody knows of it any more.
        return False
    try:
        embedded.ensure(data_dir)
    except ConfigError as error:
        _log.warning("embedded_redis_start_failed", error=error.message)
    return True


def main() -> NoReturn:
    """Look after the server of the configured data folder every second, until SIGTERM."""
    settings = load_settings()
    configure_logging(settings.deployment.log_level, settings.deployment.log_format, process="redis-keeper")
    there = True
    while True:
        time.sleep(_WATCH_SECONDS)
        was, there = there, tend(settings.data_dir)
        if was and not there:
            _log.error("data_folder_missing", folder=str(settings.data_dir))


if __name__ == "__main__":
    main()
