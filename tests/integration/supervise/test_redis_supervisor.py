import os
import shutil
import signal
from pathlib import Path

from notifier.queueing import embedded
from notifier.queueing.server import ServerHealth
from notifier.supervise.redis_supervisor import ensure_running
from tests.integration.queueing.test_embedded import pid_of, server_of, until


def test_a_keeper_brings_its_server_back_but_not_for_a_folder_that_is_gone(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    os.kill(pid_of(data_dir), signal.SIGKILL)
    until(lambda: server_of(data_dir).health() is not ServerHealth.READY)
    assert ensure_running(data_dir)
    assert server_of(data_dir).health() is ServerHealth.READY
    os.kill(pid_of(data_dir), signal.SIGKILL)
    shutil.rmtree(data_dir)
    assert not ensure_running(data_dir)
    assert not data_dir.exists()
