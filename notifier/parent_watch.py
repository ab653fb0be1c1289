"""Ends child processes whose `notifier up` is dead. Standard library only: it is loaded first.

A child's standard input is a pipe that its supervisor keeps open and never writes to. When the
supervisor dies, even by kill -9, the pipe closes and the child stops as if by SIGTERM: no process
outlives the installation. (PR_SET_PDEATHSIG is Linux only; a pipe also works on macOS.)
"""

import os
import select
import signal
import threading
import time

READY_VARIABLE = "_NOTIFIER_READY_FD"
NAME_VARIABLE = "_NOTIFIER_CHILD"
HELD_VARIABLE = "_NOTIFIER_HELD"  # set if this `notifier up` itself has such a pipe as stdin
_STDIN = 0


def watch(grace: float) -> None:
    """Stop this process when its supervisor dies: SIGTERM at once, exit after `grace` seconds."""
    threading.Thread(target=_watch, args=(grace,), name="lifeline", daemon=True).start()


def _watch(grace: float) -> None:
    # A signal must interrupt what the main thread waits for, so it must not be delivered here.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    while os.read(_STDIN, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)


def has_ended() -> bool:
    """Return whether the pipe has closed, without waiting; for processes without threads."""
    readable, _, _ = select.select([_STDIN], [], [], 0)
    return bool(readable) and not os.read(_STDIN, 1024)


def report_ready() -> None:
    """Report to the supervisor, if any, that this process is ready."""
    descriptor = os.environ.get(READY_VARIABLE)
    name = os.environ.get(NAME_VARIABLE)
    if descriptor is not None and name is not None:
        # A short write to a pipe is atomic (pipe(7), PIPE_BUF), so all children can share it.
        os.write(int(descriptor), f"{name}\n".encode())
