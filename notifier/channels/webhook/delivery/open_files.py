"""Fit the number of slots to the limit of open files."""

import fcntl
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from notifier.channels.webhook.delivery.limits import EngineLimits, SlotLimits
from notifier.files import grant_open_files

_RESERVE = 256  # database, broker, logs, the caller's own sockets
_LEAST = 8


def fit_to_open_files(limits: EngineLimits) -> EngineLimits:
    """Raise the soft limit of open files, up to the hard one; if too low, scale down the slots."""
    wanted = _sockets(limits) + _RESERVE
    granted = grant_open_files(wanted)
    _make_room(min(granted, wanted))
    if granted >= wanted:
        return limits
    share = max(0.0, (granted - _RESERVE) / (wanted - _RESERVE))
    return replace(
        limits,
        first=_scaled(limits.first, share),
        retry=_scaled(limits.retry, share),
        idle_sockets=int(limits.idle_sockets * share),
    )


def _make_room(files: int) -> None:
    """Grow the process's file descriptor table to that size now.

    Linux doubles the table as files are opened. Each time it blocks a process with threads until no
    CPU reads the old table: 7 to 20 ms or more in which nothing is sent, eight times on the way to
    10,000 connections.
    """
    with suppress(OSError), Path(os.devnull).open("rb") as file:  # only an optimisation
        os.close(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, files - 1))


def _sockets(limits: EngineLimits) -> int:
    slots = (limits.first, limits.retry)
    return sum(slot_limits.fast + slot_limits.slow for slot_limits in slots) + limits.idle_sockets


def _scaled(slot_limits: SlotLimits, share: float) -> SlotLimits:
    return replace(
        slot_limits, fast=max(_LEAST, int(slot_limits.fast * share)), slow=max(_LEAST, int(slot_limits.slow * share))
    )
