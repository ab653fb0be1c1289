"""A tiny child: says that it is ready, writes down how it lives. Arguments: diary, name, then what it is like.

`stubborn` ignores SIGTERM, `wrong` ends with 2 at once, `mute` never says it is ready.
"""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from notifier.parent_watch import report_ready


def main(diary: Path, name: str, traits: list[str]) -> None:
    def write(line: str) -> None:
        with diary.open("a") as file:
            file.write(f"{name} {line}\n")

    def on_term(_number: int, _frame: FrameType | None) -> None:
        write("stopped")
        sys.exit(0)

    if "wrong" in traits:
        write("refused")
        sys.exit(2)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in traits else on_term)
    write(f"started {os.getpid()}")
    if "mute" not in traits:
        report_ready()
    while True:
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
