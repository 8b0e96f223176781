"""Supervises processes: restarts the job worker, and ends children with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)

PARENT_CHECK_SECONDS = 1.0
RESTART_SECONDS, LONGEST_RESTART_SECONDS = 1.0, 30.0
"""Pause before another worker is started; it doubles while they end within `STEADY_SECONDS`."""

STEADY_SECONDS = 30.0


def end_with(parent: int) -> None:
    """End this process as on Ctrl-C once its parent has died, also by `kill -9`."""

    def watch() -> None:
        # Polled: a death signal (prctl) would end it with SIGKILL or depend on the parent's thread.
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        log.warning("parent_is_gone")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


@contextmanager
def job_worker() -> Generator[None, None, None]:
    """A `citewell worker` beside the block; another one is started when it ends by itself."""
    begin = (
        "from citewell.entrypoints import cli, supervision; "
        f"supervision.end_with({os.getpid()}); cli.main()"
    )
    command = [sys.executable, "-c", begin, "worker"]
    is_over = threading.Event()
    current = [subprocess.Popen(command)]  # noqa: S603 - this program itself

    def keep() -> None:
        failures, begun = 0, time.monotonic()
        while True:
            code = current[0].wait()
            failures = failures + 1 if time.monotonic() - begun < STEADY_SECONDS else 0
            pause = min(RESTART_SECONDS * 2.0 ** max(failures - 1, 0), LONGEST_RESTART_SECONDS)
            if is_over.wait(pause):
                return
            begun = time.monotonic()
            log.warning("worker_restarted", exit_code=code)
            current[0] = subprocess.Popen(command)  # noqa: S603 - this program itself
            if is_over.is_set():
                current[0].terminate()

    keeper = threading.Thread(target=keep, name="worker-keeper")
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        current[0].terminate()
        keeper.join()
