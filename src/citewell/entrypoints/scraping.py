"""The port at which Prometheus finds the figures of all processes of this command."""

import errno
import os
import shutil
import socket
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

import citewell
from citewell.core.database import observing
from citewell.core.errors import StartupError
from citewell.core.metrics import BY_NAME, PREFIX, MetricKind
from citewell.core.settings import Settings

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = structlog.get_logger(__name__)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder of the processes' files; the library reads it at its import."""

KEPT_SECONDS = 5.0
"""The database is asked once in this time, however often Prometheus asks."""


@contextmanager
def scraped(settings: Settings, database_url: str | None) -> Generator[None, None, None]:
    """Serve the figures of this process and its children while the block lasts.

    A child of such a process only notes its own.

    Args:
        settings: Of the installation; without `metrics_port` nothing is served or noted.
        database_url: Of the running database.

    Raises:
        StartupError: The port is taken, or the folder cannot be used.
    """
    if settings.metrics_port is None or is_noting(settings):
        yield
        return
    _require_free(settings)  # before the folder is emptied: it may be another command's
    folder = _prepare(settings)
    os.environ[FOLDER_VARIABLE] = str(folder)  # noqa: TID251 - for the library, in children too
    from prometheus_client import (  # noqa: PLC0415 - only now may it be imported
        CollectorRegistry,
        start_http_server,
    )

    registry = CollectorRegistry()
    registry.register(_Gathered(folder, settings.home, database_url))
    try:
        server, thread = start_http_server(
            settings.metrics_port, addr=settings.metrics_host, registry=registry
        )
    except OSError as error:
        os.environ.pop(FOLDER_VARIABLE)  # noqa: TID251 - as above
        raise _refused(settings, error) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        os.environ.pop(FOLDER_VARIABLE, None)  # noqa: TID251 - as above


def _require_free(settings: Settings) -> None:
    host, port = settings.metrics_host, settings.metrics_port
    try:
        for family, *_, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[:1]:
            socket.create_server(address[:2], family=family).close()
    except OSError as error:
        raise _refused(settings, error) from error


def _refused(settings: Settings, error: OSError) -> StartupError:
    taken = error.errno == errno.EADDRINUSE
    return StartupError(
        f"Metrics cannot be served on {settings.metrics_host} port {settings.metrics_port}: "
        f"{'it is taken' if taken else error.strerror or error}. Give each command on this "
        "machine a CITEWELL_METRICS_PORT of its own."
    )


def is_noting(settings: Settings) -> bool:
    """Whether this process was told to note figures, by itself or by its parent."""
    given = os.environ.get(FOLDER_VARIABLE)  # noqa: TID251 - see `scraped`
    return settings.metrics_port is not None and given == str(_folder(settings))


def _folder(settings: Settings) -> Path:
    return settings.home / "metrics" / str(settings.metrics_port)


def _prepare(settings: Settings) -> Path:
    """The folder, emptied: what dead processes have counted would be counted again."""
    folder = _folder(settings)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise StartupError(f"{folder} cannot be made: {error.strerror}.") from error
    return folder


class _Gathered:
    """Figures of all processes from their files, and those of the database."""

    def __init__(self, folder: Path, home: Path, database_url: str | None) -> None:
        from prometheus_client import multiprocess  # noqa: PLC0415 - as above

        self._folder, self._home, self._url = folder, home, database_url
        self._merge: Any = multiprocess.MultiProcessCollector.merge  # pyright: ignore[reportUnknownMemberType]
        self._forget: Any = multiprocess.mark_process_dead  # pyright: ignore[reportUnknownMemberType]
        self._lock = threading.Lock()
        self._read: list[observing.Figure] = []
        self._read_at = -KEPT_SECONDS

    def collect(self) -> Iterator["Metric"]:
        """All figures; called for each scrape, by several threads at once."""
        for pid in self._dead():
            self._forget(pid, str(self._folder))
        yield from self._merge(self._written(), accumulate=True)
        yield from _families(self._figures())

    def describe(self) -> list["Metric"]:
        """Nothing: the library would collect everything to learn the names."""
        return []

    def _figures(self) -> list[observing.Figure]:
        with self._lock:
            if time.monotonic() - self._read_at >= KEPT_SECONDS:
                self._read = list(observing.figures(self._url)) if self._url else []
                self._read.append(("build_info", (citewell.__version__,), 1.0))
                free = float(shutil.disk_usage(self._home).free)
                self._read.append(("disk_free_bytes", (), free))
                self._read_at = time.monotonic()
            return self._read

    def _written(self) -> list[str]:
        """The files of all processes but empty ones, which the library cannot read.

        A file is empty for a moment after it was made, and for good if its process is killed then.
        """
        return [str(file) for file in self._folder.glob("*.db") if _size(file)]

    def _dead(self) -> set[int]:
        """Processes that have left gauges behind and are gone."""
        pids = {int(file.stem.rpartition("_")[2]) for file in self._folder.glob("gauge_live*.db")}
        return {pid for pid in pids if not Path(f"/proc/{pid}").exists()}


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # of a process that has ended just now
        return 0


def _families(figures: Iterable[observing.Figure]) -> Iterator["Metric"]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - see `scraped`

    families: dict[str, GaugeMetricFamily] = {}
    for name, labels, value in figures:
        spec = BY_NAME[name]
        assert spec.kind is MetricKind.GAUGE
        family = families.get(name)
        if family is None:
            family = families[name] = GaugeMetricFamily(
                PREFIX + name, spec.help, labels=spec.labels
            )
        family.add_metric(labels, value)
    yield from families.values()
