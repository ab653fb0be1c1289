"""The thread between `notifier up` and the processes it starts. Standard library only: it is loaded before all else.

A child's standard input is a pipe that its supervisor holds open and never writes to. When the supervisor dies, kill -9
included, the pipe ends and the child stops as if by SIGTERM: no process of an installation outlives the rest. (Linux
alone could do it with PR_SET_PDEATHSIG; a pipe does it on macOS too.)
"""

import os
import select
import signal
import threading
import time

READY_VARIABLE = "_NOTIFIER_READY_FD"
NAME_VARIABLE = "_NOTIFIER_CHILD"
HELD_VARIABLE = "_NOTIFIER_HELD"  # set for a `notifier up` whose own standard input is such a pipe
_STDIN = 0


def watch(grace: float) -> None:
    """Stop this process when its supervisor is gone: SIGTERM at once, the end in any case after `grace` seconds."""
    threading.Thread(target=_watch, args=(grace,), name="lifeline", daemon=True).start()


def _watch(grace: float) -> None:
    # A signal for the process must interrupt what its main thread waits for, whatever state that thread is in just now.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    while os.read(_STDIN, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)


def has_ended() -> bool:
    """Whether the pipe on standard input has ended; for a process that may have no threads. Never waits."""
    readable, _, _ = select.select([_STDIN], [], [], 0)
    return bool(readable) and not os.read(_STDIN, 1024)


def report_ready() -> None:
    """Tell the supervisor that this process now does its work; says nothing to anybody when there is none."""
    descriptor = os.environ.get(READY_VARIABLE)
    name = os.environ.get(NAME_VARIABLE)
    if descriptor is not None and name is not None:
        # One short write to a pipe is never torn (pipe(7), PIPE_BUF), so all children share it.
        os.write(int(descriptor), f"{name}\n".encode())
