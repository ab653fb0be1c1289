"""The place of a process among the others of its machine."""

import os
from contextlib import suppress
from pathlib import Path

_NICE = 10  # of 19: a tenth of the processor while others want it, all of it otherwise
_AUTOGROUP = Path("/proc/self/autogroup")


def lower_priority() -> None:
    """Let every other process have the processor first: for work that nobody waits for.

    Linux may share it out by session before it looks at processes (sched(7), "The autogroup feature"); each worker is a
    session of its own, so the session is made nice too, where there is such a thing.
    """
    os.nice(_NICE)
    with suppress(OSError):
        _AUTOGROUP.write_text(str(_NICE), encoding="ascii")
