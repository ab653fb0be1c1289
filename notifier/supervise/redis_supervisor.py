"""`python -m notifier.supervise.redis_supervisor`: restarts the embedded Redis if it is dead.

A separate process: checking a server may take seconds; the supervisor has no threads and must not
block.
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


def ensure_running(data_dir: Path) -> bool:
    """Start this data folder's server unless it runs; False if the folder no longer exists."""
    if not data_dir.is_dir():
        # The installation was removed: a new server would run on unnoticed.
        return False
    try:
        embedded.ensure(data_dir)
    except ConfigError as error:
        _log.warning("embedded_redis_start_failed", error=error.message)
    return True


def main() -> NoReturn:
    """Check the configured data folder's server every second, until SIGTERM."""
    settings = load_settings()
    configure_logging(settings.deployment.log_level, settings.deployment.log_format, process="redis-keeper")
    there = True
    while True:
        time.sleep(_WATCH_SECONDS)
        was, there = there, ensure_running(settings.data_dir)
        if was and not there:
            _log.error("data_folder_missing", folder=str(settings.data_dir))


if __name__ == "__main__":
    main()
