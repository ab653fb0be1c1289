"""One process of the installation under test: `notifier ...` with an adjustable clock.

    python -m tests.chaos.node up|api|worker|scheduler ...

Only root can set a machine's clock, so we replace the one function from which every process reads
the time (`bootstrap.container.utc_now`); the product has no hook for it. The file named by
CHAOS_CLOCK has the offset in seconds.
"""

import os
import runpy
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier.bootstrap import container
from notifier.bootstrap.api_container import ApiContainer
from notifier.cli.processes.up import PROGRAMS
from notifier.domain.errors import ConfigError
from notifier.observability.logs import configure_logging
from notifier.settings import load_settings
from notifier.supervise.up import run_up

VARIABLE = "CHAOS_CLOCK"
MODULE = "tests.chaos.node"


def shifted_now() -> datetime:
    """Return the real time plus the offset in the file."""
    path = Path(os.environ[VARIABLE])
    return datetime.now(UTC) + timedelta(seconds=float(path.read_text(encoding="ascii") or 0))


def main(arguments: list[str]) -> int:
    """Become one of the product's processes."""
    if VARIABLE in os.environ:
        container.utc_now = shifted_now
    if arguments[0] != "up":
        runpy.run_module("notifier", run_name="__main__", alter_sys=True)
        return 0
    configure_logging("info", "json", process="up")
    try:
        settings = load_settings()
        migrate = ApiContainer(settings).migrate
        programs = replace(PROGRAMS, product=MODULE)
        return run_up(settings, host="127.0.0.1", port=int(arguments[-1]), migrate=migrate, programs=programs)
    except ConfigError as error:
        sys.stderr.write(f"notifier: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
