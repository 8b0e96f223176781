"""Real processes of the command line, each with a CITEWELL_HOME of its own."""

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psutil
import psycopg
import pytest
import structlog
from psycopg import sql
from typer.testing import CliRunner, Result

from citewell.core.database.embedded import EmbeddedServer
from citewell.core.settings import Settings
from citewell.entrypoints import logs
from citewell.entrypoints.cli import app
from citewell.entrypoints.installation import running_database
from tests.conftest import NOTHING_IS_KEPT, Servers
from tests.entrypoints.forking import FORK_SERVER, Forked
from tests.waiting import PATIENCE

sys.path.insert(0, str(Path(__file__).parents[1]))  # sheet_files and what it imports

COMMAND = [sys.executable, "-m", "citewell.entrypoints.cli"]


def can_fork(arguments: Sequence[str | bytes], environment: Mapping[str, str]) -> bool:
    """Whether a command may be forked: not what starts copies of itself, or measures them."""
    return (
        FORK_SERVER.is_open
        and "--workers" not in arguments
        and "CITEWELL_METRICS_PORT" not in environment
    )


@pytest.fixture(scope="session", autouse=True)
def fork_server(no_process_stays: None) -> Iterator[None]:
    """Commands are forked from one process, where orphans can be adopted."""
    FORK_SERVER.is_open = sys.platform == "linux"
    yield
    FORK_SERVER.close()


@dataclass(frozen=True)
class Installation:
    """A home, an empty working folder and the environment of a user."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        own = {"CITEWELL_HOME": str(self.home), "HOME": str(self.folder), "CITEWELL_THREADS": "1"}
        return {**kept, **own, **self.variables, **more}

    def run(self, *arguments: str | bytes, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        cwd = self.folder / "empty"
        cwd.mkdir(exist_ok=True)
        environment = self.environment(**more)
        if can_fork(arguments, environment):
            with Path(os.devnull).open() as nothing, TemporaryFile() as out, TemporaryFile() as err:
                files = (nothing.fileno(), out.fileno(), err.fileno())
                process = FORK_SERVER.start(arguments, environment, cwd, files)
                try:
                    code = process.wait(PATIENCE)
                except BaseException:
                    process.kill()
                    process.wait()
                    raise
                said = [each.seek(0) or each.read().decode() for each in (out, err)]
            return subprocess.CompletedProcess(process.args, code, *said)
        return subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            env=environment, cwd=cwd, check=False,
        )  # fmt: skip

    def call(self, *arguments: str) -> Result:
        """Run a command inside this process: without the two seconds of a start."""
        own = {"CITEWELL_HOME": str(self.home), "CITEWELL_THREADS": "1"}
        variables = {**own, **self.variables}
        return CliRunner().invoke(app, list(arguments), env=variables, catch_exceptions=False)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Returns the output of a command with `--json`; nothing else may be on stdout."""
        result = self.call(*arguments, "--json")
        assert result.exit_code == code, result.stderr
        return json.loads(result.stdout)

    def start(self, *arguments: str, in_background: bool = False, **more: str) -> "Running":
        """Start a command in a process group of its own, as a terminal does.

        `in_background`: deaf to Ctrl-C, as shells start what ends in `&`.
        """
        deaf = ["bash", "-c", "trap '' INT; exec \"$@\"", "bash"] if in_background else []
        environment, stamp = self.environment(**more), time.monotonic_ns()
        out_file, err_file = self.folder / f"o-{stamp}", self.folder / f"e-{stamp}"
        with (
            Path(os.devnull).open() as nothing,
            out_file.open("w") as out,
            err_file.open("w") as err,
        ):
            if can_fork(arguments, environment):
                process: subprocess.Popen[bytes] | Forked = FORK_SERVER.start(
                    arguments, environment, self.folder,
                    (nothing.fileno(), out.fileno(), err.fileno()),
                    has_session=True, is_deaf=in_background,
                )  # fmt: skip
            else:
                process = subprocess.Popen(
                    [*deaf, *COMMAND, *arguments], stdin=nothing, stdout=out, stderr=err,
                    env=environment, cwd=self.folder, start_new_session=True,
                )  # fmt: skip
        return Running(process, out_file, err_file)

    def assert_database_ends(self) -> None:
        """No server is left on this home; one that has ended needs a moment to be gone."""
        deadline = time.monotonic() + PATIENCE
        while left := self.database_processes():
            assert time.monotonic() < deadline, left
            time.sleep(0.02)

    def database_processes(self) -> list[int]:
        """Servers that run on this home."""
        found: list[int] = []
        for process in psutil.process_iter(["name", "cmdline"]):
            command = process.info["cmdline"] or []
            if process.info["name"] == "postgres" and str(self.home.resolve()) in " ".join(command):
                found.append(process.pid)
        return found


@dataclass(frozen=True)
class Running:
    """A command that runs."""

    process: subprocess.Popen[bytes] | Forked
    out_file: Path
    err_file: Path

    @property
    def out(self) -> str:
        return self.out_file.read_text()

    @property
    def err(self) -> str:
        return self.err_file.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until stdout holds a text."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.out:
            assert self.process.poll() is None, self.err
            assert time.monotonic() < deadline, self.out + self.err
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> int:
        """Send a signal; returns the exit code."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)


def on_terminal(
    installation: Installation, arguments: Sequence[str], terminal: int, **more: str
) -> subprocess.Popen[bytes] | Forked:
    """A command in a session of its own, on a terminal."""
    environment = installation.environment(**more)
    if can_fork(arguments, environment):
        files = (terminal, terminal, terminal)
        return FORK_SERVER.start(
            arguments, environment, Path.cwd(), files, has_session=True, has_terminal=True
        )
    return subprocess.Popen(
        [*COMMAND, *arguments], stdin=terminal, stdout=terminal, stderr=terminal,
        env=environment, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip


@pytest.fixture(scope="session")
def prepared(run_folder: Path) -> Path:
    """A stopped database at the newest schema that nobody has used: a first start takes seconds."""
    return prepared_once(run_folder / "prepared", NOTHING_IS_KEPT)


def prepared_once(home: Path, options: Mapping[str, str]) -> Path:
    """The folder of such a database, with options of the server.

    Whichever worker comes first makes it.
    """
    ready = home.with_suffix(".ready")
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            with running_database(Settings(_env_file=None, home=home, log_level="error")):
                pass
            with (home / "database" / "data" / "postgresql.conf").open("a") as settings:
                settings.writelines(f"{name} = {value}\n" for name, value in options.items())
            ready.touch()
    return home / "database"


def installed(folder: Path, prepared: Path) -> Installation:
    """An installation that is new but for its database's first start."""
    made = Installation(folder)
    made.home.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", str(prepared), str(made.home / "database")], check=True)
    return made


def ended_with_the_test(made: Installation) -> Iterator[Installation]:
    yield made
    for process_id in made.database_processes():  # of a test that failed
        os.kill(process_id, signal.SIGINT)


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, prepared: Path
) -> Iterator[Installation]:
    """One installation for the tests of a module."""
    yield from ended_with_the_test(installed(tmp_path_factory.mktemp("installation"), prepared))


@pytest.fixture(scope="module")
def database_runs(installation: Installation) -> Iterator[None]:
    """The installation's database stays up between commands, which therefore start sooner."""
    server = EmbeddedServer(installation.home / "database")
    server.start()
    yield
    server.stop()


@pytest.fixture(scope="module")
def new_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One of which nothing is there."""
    yield from ended_with_the_test(Installation(tmp_path_factory.mktemp("new")))


@pytest.fixture
def logging_put_back() -> Iterator[None]:
    """The process's logging is put back afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET_LIBRARIES}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, number in quiet.items():
        logging.getLogger(name).setLevel(number)
    structlog.configure(**before)


@pytest.fixture
def target(servers: Servers, template: str, superuser: None) -> Iterator[str]:
    """An empty database of an owner who is nobody special."""
    name, role = f"citewell_test_{uuid.uuid4().hex[:12]}", f"owner_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(servers.create(name), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    owner = sql.Identifier(role)
    servers.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(owner))
    servers.execute(sql.SQL("GRANT citewell_app TO {}").format(owner))
    servers.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), owner))
    parts = psycopg.conninfo.conninfo_to_dict(servers.url(name))
    place = f"host={parts['host']}" + (f"&port={parts['port']}" if "port" in parts else "")
    yield f"postgresql://{role}:secret@/{name}?{place}"
    servers.drop(name)
    servers.execute(sql.SQL("DROP ROLE {}").format(owner))
