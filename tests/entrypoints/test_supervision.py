import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.waiting import PATIENCE

from .conftest import Installation

pytestmark = pytest.mark.usefixtures("logging_put_back")


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def of_this(installation: Installation, word: str) -> list[psutil.Process]:
    """Live processes of the installation whose command line has `word`."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("CITEWELL_HOME") == str(installation.home)
            is_alive = process.status() != psutil.STATUS_ZOMBIE
            if is_ours and is_alive and word in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


class TestServeMany:
    def test_worker_is_restarted_and_all_end_with_a_killed_parent(
        self, installation: Installation
    ) -> None:
        running = installation.start("serve", "--workers", "2", "--port", "0")
        until(lambda: of_this(installation, "worker"))
        [first] = of_this(installation, "worker")
        first.kill()
        until(lambda: {p.pid for p in of_this(installation, "worker")} - {first.pid})
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        until(lambda: not of_this(installation, "worker"))
        until(lambda: not of_this(installation, "--multiprocessing-fork"))

    def test_more_processes_than_connections_are_refused(self, installation: Installation) -> None:
        result = installation.call("serve", "--workers", "40", "--port", "0")
        assert result.exit_code == 3
        assert "need 472 connections, the embedded database has 120" in result.stderr
