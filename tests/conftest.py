"""What concerns every test."""

import gc
import os
from pathlib import Path

from hypothesis import HealthCheck, settings

_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
_ROOM = 2 << 30  # bytes; a container often has 64 MiB there


# How long an example takes depends on the machine.
# The same examples in every run; `--hypothesis-profile=explore` looks for others.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("suite", settings.get_profile("explore"), derandomize=True)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is room: every commit waits for the disk, and none has to last."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        found = os.statvfs(_MEMORY)
        if found.f_bavail * found.f_frsize >= _ROOM and not found.f_flag & os.ST_NOEXEC:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection() -> None:
    """Collect without the garbage collector: what is made now stays, and it would look at all of it again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Take what stays to the end (modules, thousands of tests) out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()
    gc.enable()
