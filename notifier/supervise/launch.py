"""What a forked child does first: release everything that belongs to its supervisor.

Children are forked, not executed: the supervisor loads the modules they all need once, and they
share them. That is safe because the supervisor has no threads and no open connections when it
forks (decision 0011).
"""

import gc
import os
import runpy
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from setproctitle import setproctitle

from notifier.parent_watch import NAME_VARIABLE, READY_VARIABLE, watch

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# Longer than any child takes to drain; whatever still runs then is stuck.
_GRACE_SECONDS = 60.0
_STDIN, _STDOUT, _STDERR = range(3)


def preload(load: Callable[[], object]) -> None:
    """Load what the children need; keep the garbage collector from touching (copying) shared pages."""
    load()
    gc.collect()
    gc.freeze()


def exec_child(
    module: str,
    arguments: Sequence[str],
    *,
    name: str,
    environ: Mapping[str, str],
    supervisor_pipe: int,
    ready: int,
    inherits: Collection[int],
) -> None:
    """Run a module like `python -m MODULE [ARGUMENT ...]`, in this freshly forked process.

    Args:
        module: Runs under the name `__main__`.
        arguments: Its command line.
        name: The name with which it reports that it is ready.
        environ: Variables beyond the supervisor's.
        supervisor_pipe: A pipe that ends with the supervisor; it becomes standard input.
        ready: A pipe for the ready report.
        inherits: Other file descriptors to keep open.
    """
    os.setsid()
    os.dup2(supervisor_pipe, _STDIN)
    os.dup2(_STDERR, _STDOUT)  # standard output belongs to the supervisor's own lines
    _close_all_but({_STDIN, _STDOUT, _STDERR, ready, *inherits})
    os.environ.update(environ)
    os.environ.update({NAME_VARIABLE: name, READY_VARIABLE: str(ready)})
    sys.argv = [module, *arguments]
    setproctitle(" ".join(sys.argv))
    _reset_signals()
    watch(_GRACE_SECONDS)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _close_all_but(kept: Collection[int]) -> None:
    """Close the supervisor's files: its lock, its listeners, the lifelines of the other children."""
    # List the open ones (on Linux and macOS here): the limit may be a thousand million.
    for descriptor in [int(path.name) for path in Path("/dev/fd").iterdir()]:
        if descriptor not in kept:
            with suppress(OSError):  # the descriptor used for the listing is already closed
                os.close(descriptor)


def _reset_signals() -> None:
    """Restore default signal handling and deliver the signals that arrived meanwhile."""
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
