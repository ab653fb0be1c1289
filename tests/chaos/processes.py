"""Processes of one machine: start, find, kill, stop, deny disk space. Reads Linux's /proc."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.node import MODULE
from tests.support.processes import words_of

_STOP_SECONDS = 40.0
_POLL_SECONDS = 0.02
_PROC = Path("/proc")
_CHECKOUT = Path(__file__).parents[2]


def descendants(pid: int) -> Iterator[int]:
    """Yield the descendants of a process, nearest first."""
    parents = {int(folder.name): _parent(folder) for folder in _PROC.iterdir() if folder.name.isdigit()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    yield from found[1:]


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def limit_files(pids: Sequence[int], most: int | None) -> None:
    """Limit these processes' files to `most` bytes (None: no limit), like a full disk.

    Needs no root. `RLIMIT_FSIZE` fails writes with EFBIG instead of ENOSPC; to a database both are
    a failed write.
    """
    for pid in pids:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most is None else most, hard))


@dataclass(slots=True)
class Machine:
    """A data folder and the processes that use it, `notifier up` or parts of it.

    Attributes:
        folder: The folder of the data and of `log.ndjson`, the log of all processes.
        environ: Variables of the processes, besides their data folder.
        python: The interpreter; another version's, to run two versions side by side.
        module: What to run: ours with the adjustable clock; `notifier` for another version.
    """

    folder: Path
    environ: Mapping[str, str]
    python: str = sys.executable
    module: str = MODULE
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _readers: list[threading.Thread] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "log.ndjson"

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start one process. It logs to a pipe, so that its log works when its disk is full."""
        self.folder.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [self.python, "-m", self.module, *arguments],
            cwd=self.folder,
            env={**self.environ, **self._path(), "NOTIFIER_DATA_DIR": str(self.folder / "data")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        reader = threading.Thread(target=self._keep_log, args=(process,), daemon=True)
        reader.start()
        self._readers.append(reader)
        self.running.append(process)
        return process

    def _path(self) -> Mapping[str, str]:
        """Return the import path of our module; another version must not see this checkout."""
        return {"PYTHONPATH": str(_CHECKOUT)} if self.module == MODULE else {}

    def _keep_log(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stderr is not None
        with process.stderr, self.log.open("ab") as log:
            for line in process.stderr:
                log.write(line)
                log.flush()

    def pids(self, *words: str) -> list[int]:
        """Return the processes whose command line has all of these words; all processes if none."""
        tops = [process.pid for process in self.running if process.poll() is None]
        everybody = [*tops, *(pid for top in tops for pid in descendants(top))]
        return [pid for pid in everybody if all(word in words_of(_PROC / str(pid)) for word in words)]

    def kill(self, *words: str) -> int:
        """Kill (-9) the matching processes; returns their number."""
        return self._signal(signal.SIGKILL, words)

    def pause(self, *words: str) -> int:
        """Suspend the matching processes (SIGSTOP)."""
        return self._signal(signal.SIGSTOP, words)

    def resume(self, *words: str) -> int:
        """Resume the matching processes."""
        return self._signal(signal.SIGCONT, words)

    def _signal(self, number: signal.Signals, words: Sequence[str]) -> int:
        found = self.pids(*words)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(found)

    def drain(self) -> list[int]:
        """Stop everything by SIGTERM, like a deployment; returns the exit codes."""
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        return self.gone(_STOP_SECONDS)

    def gone(self, seconds: float) -> list[int]:
        """Wait for all processes to end, killing late ones; returns the exit codes."""
        deadline = time.monotonic() + seconds
        for process in self.running:
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        self.kill()
        codes = [process.wait() for process in self.running]
        for reader in self._readers:
            reader.join(5)
        self.running.clear()
        self._readers.clear()
        return codes
