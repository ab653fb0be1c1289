"""One process of the installation under test: `notifier ...`, by a clock that the run can put forward and back.

    python -m notifier.bench.chaos.node up|api|worker|scheduler ...

The real-time clock of a machine belongs to root, so what jumps is the one function every process reads its time from
(`bootstrap.core.utc_now`): the product itself has no hook for it. The file named by CHAOS_CLOCK holds the seconds.
"""

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from notifier.bootstrap import core
from notifier.cli.console import EXIT_USAGE
from notifier.cli.main import run
from notifier.cli.setup import application
from notifier.domain.errors import ConfigError
from notifier.supervise.up import run_up

VARIABLE = "CHAOS_CLOCK"
_true_now = core.utc_now


def shifted_now() -> datetime:
    """The true instant, and as many seconds as the file says."""
    path = Path(os.environ[VARIABLE])
    return _true_now() + timedelta(seconds=float(path.read_text(encoding="ascii") or 0))


def main(arguments: list[str]) -> int:
    """Become one of the product's processes."""
    if VARIABLE in os.environ:
        core.utc_now = shifted_now
    if arguments[0] != "up":
        return run(arguments)
    try:
        settings, migrate = (notifier := application("up")).settings, notifier.migrate
        port = int(arguments[-1])
        return run_up(settings, host="127.0.0.1", port=port, migrate=migrate, program="notifier.bench.chaos.node")
    except ConfigError as error:
        sys.stderr.write(f"notifier: {error}\n")
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
