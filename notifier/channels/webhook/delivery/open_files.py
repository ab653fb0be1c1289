"""As many slots as there are files to open for them."""

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
    """Raise the soft limit of open files as far as the hard one allows; where that is not enough, have fewer slots."""
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
    """Let the system's table of our open files grow to that size now.

    It doubles as files are opened, and each time Linux makes a process that has threads wait until no processor reads
    the old table any more: 7 to 20 ms and more during which nothing is sent, eight times until 10,000 connections.
    """
    with suppress(OSError), Path(os.devnull).open("rb") as file:  # without it, it is slower only
        os.close(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, files - 1))


def _sockets(limits: EngineLimits) -> int:
    slots = (limits.first, limits.retry)
    return sum(lane.fast + lane.slow for lane in slots) + limits.idle_sockets


def _scaled(lane: SlotLimits, share: float) -> SlotLimits:
    return replace(lane, fast=max(_LEAST, int(lane.fast * share)), slow=max(_LEAST, int(lane.slow * share)))
