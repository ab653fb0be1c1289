"""Files that several processes share."""

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from notifier.files import HeldElsewhereError, file_lock, is_private_dir, private_dir, write_private

HOLD = """
import sys, time
from pathlib import Path
from notifier.files import file_lock
with file_lock(Path(sys.argv[1]), wait=5):
    print("held", flush=True)
    time.sleep(60)
"""


def holder_of(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(Path.cwd())}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_names_the_process_that_holds_it_and_dies_with_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with holder_of(lock) as process:
        with pytest.raises(HeldElsewhereError) as caught, file_lock(lock, wait=0):
            pytest.fail("the lock was taken twice")
        assert caught.value.holder == str(process.pid)
        process.kill()
    with file_lock(lock, wait=5):
        assert lock.exists()


def test_a_waiting_process_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    lock, order = tmp_path / "lock", list[str]()
    held = threading.Event()

    def second() -> None:
        held.wait(5)
        with file_lock(lock, wait=5):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with file_lock(lock, wait=0):
        held.set()
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_what_is_written_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    assert is_private_dir(private_dir(tmp_path / "a" / "b"))
    (tmp_path / "open").mkdir(mode=0o755)
    assert not is_private_dir(private_dir(tmp_path / "open"))
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b")
    assert not is_private_dir(tmp_path / "link")
