"""Scheduling priority of a process."""

import os
from contextlib import suppress
from pathlib import Path

_NICE = 10  # of 19: a tenth of the processor while others want it, all of it otherwise
_AUTOGROUP = Path("/proc/self/autogroup")


def lower_priority() -> None:
    """Lower the CPU priority of this process: for work that nobody waits for.

    Linux may schedule by session before processes (sched(7), "The autogroup feature"). Each worker
    has its own session, so set the niceness of the session too, if supported.
    """
    os.nice(_NICE)
    with suppress(OSError):
        _AUTOGROUP.write_text(str(_NICE), encoding="ascii")
