import fcntl
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from citewell.core.database.embedded import (
    SERVER_SETTINGS,
    SYSTEM_USER,
    EmbeddedServer,
)
from citewell.core.errors import StartupError
from tests.waiting import PATIENCE

from .conftest import UserProcess, answer, assert_none_left, kill_server, server_processes

Use = Callable[..., UserProcess]
is_root = os.geteuid() == 0
only_root = pytest.mark.skipif(not is_root, reason="only root changes users")

QUICK = 0.05
"""Seconds between two looks of what keeps a server up."""

ENDLESS = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"


class TestStart:
    @pytest.mark.promise
    def test_first_start_answers_and_stop_leaves_nothing_running(self, folder: Path) -> None:
        server = EmbeddedServer(folder)
        server.start()
        assert server.is_first_user
        assert answer(server, "SHOW server_version_num") >= "160000"
        assert answer(server, "SHOW server_encoding") == "UTF8"
        assert answer(server, "SHOW listen_addresses") == ""
        pid = server.pid()
        assert pid is not None
        assert psutil.Process(pid).name().startswith("postgres")
        server.stop()
        assert server.pid() is None
        assert_none_left(folder)

    def test_second_start_keeps_the_data(self, used: Path) -> None:
        server = EmbeddedServer(used)
        server.start()
        try:
            assert answer(server, "SELECT n FROM kept") == 42
            server.start()  # nothing to do
        finally:
            server.stop()
            server.stop()  # nothing to do
        assert_none_left(used)

    @pytest.mark.parametrize(
        "name",
        [
            "thư mục, 'quote' and \"quote\" and 100% & $HOME and $(false) and `false`; \\ end",
            "deep/" * 40 + "x" * 200,
        ],
        ids=["odd", "long"],
    )
    @pytest.mark.processes
    def test_any_path_works(self, folder: Path, name: str) -> None:
        server = EmbeddedServer(folder / name)
        server.start()
        try:
            assert answer(server) == 1
            assert len(os.fsencode(server.socket_folder / ".s.PGSQL.5432")) <= 107
        finally:
            server.stop()
        assert_none_left(folder / name)
        assert not (server.socket_folder / ".s.PGSQL.5432").exists()
        assert server.socket_folder.parent == folder / name or not server.socket_folder.exists()

    @pytest.mark.processes
    def test_other_temporary_folder_finds_the_same_server(self, folder: Path) -> None:
        long = folder / ("x" * 120)
        other = folder / "t"
        other.mkdir(parents=True)
        user = UserProcess(long, env={**os.environ, "TMPDIR": str(other)}).wait_up()
        server = EmbeddedServer(long)
        server.start()
        try:
            assert not server.is_first_user
            assert server.socket_folder.parent == other
            assert answer(server) == 1
        finally:
            user.leave()
            server.stop()

    def test_link_to_the_folder_is_the_same_server(self, used: Path, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(used)
        first, second = EmbeddedServer(used), EmbeddedServer(link)
        first.start()
        try:
            second.start()
            assert second.pid() == first.pid()
            second.stop()
            assert answer(first) == 1
        finally:
            first.stop()

    def test_socket_folder_of_somebody_else_is_refused(self, folder: Path, tmp_path: Path) -> None:
        server = EmbeddedServer(folder)
        folder.mkdir()
        (folder / "socket").symlink_to(tmp_path)
        before = tmp_path.stat()
        with pytest.raises(StartupError, match="belongs to someone else"):
            server.start()
        assert tmp_path.stat().st_uid == before.st_uid

    def test_socket_is_for_its_owner_only(self, used: Path) -> None:
        server = EmbeddedServer(used)
        server.start()
        try:
            assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
            assert stat.S_IMODE((used / "data").stat().st_mode) == 0o700
        finally:
            server.stop()

    def test_unwritable_folder_is_one_line_that_says_what_to_do(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StartupError, match="CITEWELL_HOME") as caught:
            EmbeddedServer(tmp_path / "file" / "db").start()
        assert "\n" not in str(caught.value)

    def test_bad_configuration_is_told_with_the_servers_own_words(self, used: Path) -> None:
        server = EmbeddedServer(used)
        with (used / "data" / "postgresql.conf").open("a") as conf:
            conf.write("\nwork_mem = 'a lot'\n")
        with pytest.raises(StartupError, match="work_mem") as caught:
            server.start()
        assert "\n" not in str(caught.value)


class TestForeignFiles:
    """The folders of the server's account, in which a stronger user follows no links."""

    @only_root
    def test_planted_links_lead_root_nowhere(self, used: Path, tmp_path: Path) -> None:
        plan = {
            used / "data" / name: "UTC [1] FATAL:  the innermost secret"
            for name in ("citewell.conf", "start.log", "postmaster.pid", "log/zz.log")
        }
        plan[used / "socket" / ".s.PGSQL.5432.lock"] = "kept"
        victims: list[tuple[Path, str]] = []
        for number, (link, content) in enumerate(plan.items()):
            victim = tmp_path / f"victim-{number}"
            victim.write_text(content)
            victims.append((victim, content))
            link.unlink(missing_ok=True)
            link.symlink_to(victim)
        server = EmbeddedServer(used)
        server.start()
        try:
            assert answer(server, "SELECT n FROM kept") == 42
        finally:
            server.stop()
        for victim, content in victims:
            assert victim.read_text() == content
            assert victim.stat().st_uid == 0
        with (used / "data" / "postgresql.conf").open("a") as conf:
            conf.write("\nwork_mem = 'a lot'\n")
        with pytest.raises(StartupError, match="work_mem") as caught:
            server.start()
        assert "innermost secret" not in str(caught.value)

    @only_root
    def test_root_uses_no_folder_of_another_user(self, used: Path) -> None:
        os.chown(used, 65534, 65534)
        with pytest.raises(StartupError, match="another user"):
            EmbeddedServer(used).start()

    @only_root
    def test_data_of_another_account_is_told(self, used: Path) -> None:
        os.chown(used / "data", 65534, 65534)
        with pytest.raises(StartupError, match="chown -R --no-dereference"):
            EmbeddedServer(used).start()

    @only_root
    def test_without_a_system_user_nobody_takes_its_place(self, folder: Path) -> None:
        with pytest.raises(StartupError, match="CITEWELL_DATABASE_URL"):
            EmbeddedServer(folder, system_user="no:name").start()
        assert not (folder / "data").exists()

    def test_locks_are_closed_to_others(self, used: Path) -> None:
        locks = [used / f"{name}.lock" for name in ("users", "start", "server")]
        for lock in locks:
            lock.touch()
            lock.chmod(0o644)  # as earlier versions made them
        used.chmod(0o755)
        server = EmbeddedServer(used)
        server.start()
        server.stop()
        assert {stat.S_IMODE(lock.stat().st_mode) for lock in locks} == {0o600}
        assert stat.S_IMODE(used.stat().st_mode) == (0o711 if is_root else 0o700)

    def test_settings_of_an_earlier_version_do_not_hold(self, used: Path) -> None:
        with (used / "data" / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude 'citewell.conf'\n")
        earlier = used / "data" / "citewell.conf"
        earlier.write_text("max_connections = '33'\n")
        os.chown(earlier, (used / "data").stat().st_uid, -1)
        server = EmbeddedServer(used)
        server.start()
        try:
            assert answer(server, "SHOW max_connections") == SERVER_SETTINGS["max_connections"]
        finally:
            server.stop()


class TestSharing:
    def test_last_process_stops_it(self, used: Path, use: Use) -> None:
        first = use().wait_up()
        second = use().wait_up()
        assert first.is_first_user
        assert not second.is_first_user
        first.leave()
        assert server_processes(used)
        second.leave()
        assert_none_left(used)

    def test_first_starts_at_once_make_one_server(self, folder: Path, use: Use) -> None:
        users = [use() for _ in range(3)]
        assert sum(user.wait_up().is_first_user for user in users) == 1
        assert sum(process.ppid() == 1 for process in server_processes(folder)) <= 1
        for user in users:
            user.leave()
        assert_none_left(folder)

    def test_comings_and_goings_leave_it_running(self, used: Path, use: Use) -> None:
        constant = EmbeddedServer(used)
        constant.start()
        try:
            pid = constant.pid()
            for _ in range(2):
                users = [use() for _ in range(2)]
                for user in users:
                    user.wait_up().leave()
            assert constant.pid() == pid
            assert answer(constant) == 1
        finally:
            constant.stop()


class TestUsers:
    @only_root
    def test_root_runs_it_as_a_system_user(self, used: Path) -> None:
        server = EmbeddedServer(used)
        server.start()
        try:
            pid = server.pid()
            assert pid is not None
            assert psutil.Process(pid).username() == SYSTEM_USER
        finally:
            server.stop()

    @only_root
    def test_root_with_a_strict_umask_starts(self, folder: Path, use: Use) -> None:
        user = use("sh", "-c", 'umask 077; exec "$@"', "sh").wait_up()
        assert server_processes(folder)
        user.leave()

    @only_root
    def test_ordinary_user_starts_it_as_themself(
        self, folder: Path, tmp_path: Path, use: Use
    ) -> None:
        folder.parent.chmod(0o711)
        folder.mkdir()
        os.chown(folder, 65534, 65534)
        prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        user = use(*prefix, env={**os.environ, "HOME": str(tmp_path)}).wait_up()
        assert {process.uids().real for process in server_processes(folder)} == {65534}
        user.kill()
        again = use(*prefix, env={**os.environ, "HOME": str(tmp_path)}).wait_up()
        assert again.is_first_user
        again.leave()
        assert_none_left(folder)


class TestRecovery:
    def test_killed_app_leaves_a_server_that_the_next_one_takes_over(
        self, used: Path, use: Use
    ) -> None:
        use().wait_up().kill()
        assert server_processes(used)
        server = EmbeddedServer(used)
        server.start()
        try:
            assert server.is_first_user
            assert answer(server) == 1
        finally:
            server.stop()
        assert_none_left(used)

    @pytest.mark.promise
    def test_everything_killed_recovers_what_was_committed(self, used: Path, use: Use) -> None:
        user = use().wait_up()
        kill_server(used)
        user.kill()
        server = EmbeddedServer(used)
        server.start()
        try:
            assert answer(server, "SELECT n FROM kept") == 42
        finally:
            server.stop()

    def test_killed_postmaster_with_a_busy_child_recovers(self, used: Path, use: Use) -> None:
        """A busy backend outlives its postmaster, and nobody may start beside it."""
        user = use().wait_up()
        busy = start_query(used, ENDLESS)
        try:
            wait_until(lambda: busy_backends(used))
            [orphan] = busy_backends(used)
            pid = EmbeddedServer(used).pid()
            assert pid is not None
            psutil.Process(pid).kill()
            user.kill()
            assert orphan.is_running(), "the backend went by itself: this shows nothing"
            server = EmbeddedServer(used, orphan_end_seconds=PATIENCE)
            server.start()
            try:
                assert answer(server, "SELECT n FROM kept") == 42
                assert orphan not in server_processes(used)
            finally:
                server.stop()
        finally:
            busy.kill()
            busy.communicate()

    def test_killed_postmaster_under_a_running_app_is_started_by_the_next(
        self, used: Path, use: Use
    ) -> None:
        user = use().wait_up()
        kill_server(used)
        server = EmbeddedServer(used)
        server.start()
        try:
            assert not server.is_first_user
            assert answer(server) == 1
        finally:
            server.stop()
        assert server_processes(used), "the other process is still there"
        user.leave()
        assert_none_left(used)

    def test_server_that_ends_under_its_only_user_is_started_again(self, used: Path) -> None:
        server = EmbeddedServer(used, watch_seconds=QUICK)
        server.start()
        try:
            with server.kept_up():
                for _ in range(2):
                    kill_server(used)
                    wait_until(lambda: is_kept(server))
        finally:
            server.stop()
        assert_none_left(used)

    def test_server_that_ends_under_several_users_is_started_once(self, used: Path) -> None:
        servers = [EmbeddedServer(used, watch_seconds=QUICK) for _ in range(3)]
        with ExitStack() as stack:
            for server in servers:
                server.start()
                stack.callback(server.stop)
            for server in servers:
                stack.enter_context(server.kept_up())
            kill_server(used)
            wait_until(lambda: is_kept(servers[0]))
            first = servers[0].pid()
            time.sleep(10 * QUICK)  # all have looked several times
            assert servers[0].pid() == first
        assert_none_left(used)

    def test_stale_pid_file_does_not_stop_a_start(self, used: Path, use: Use) -> None:
        user = use().wait_up()
        lines = (used / "data" / "postmaster.pid").read_text().splitlines()
        kill_server(used)
        user.kill()
        for recycled in (str(os.getppid()), str(os.getpid()), "4194303", ""):
            stale = "\n".join([recycled, *lines[1:]])
            (used / "data" / "postmaster.pid").write_text(f"{stale}\n")
            again = EmbeddedServer(used)
            again.start()
            try:
                assert answer(again) == 1
            finally:
                again.stop()

    @pytest.mark.parametrize("moment", [0.0, 0.3])
    def test_first_start_killed_midway_leaves_nothing_in_the_way(
        self, folder: Path, use: Use, moment: float
    ) -> None:
        user = use()
        wait_until(lambda: any(folder.glob("data*")))
        time.sleep(moment)
        user.kill()
        wait_until(lambda: not is_being_made(folder))
        server = EmbeddedServer(folder)
        server.start()
        try:
            assert answer(server, "CREATE TABLE kept AS SELECT 42 AS n") is None
        finally:
            server.stop()
        server.start()
        try:
            assert answer(server, "SELECT n FROM kept") == 42
        finally:
            server.stop()
        server.start()
        server.stop()
        assert [*folder.glob("data.new*")] == []

    def test_server_held_by_what_cannot_be_ended_is_refused(self, used: Path) -> None:
        """As when another container runs a server on the same volume."""
        server = EmbeddedServer(used, orphan_end_seconds=0.3)
        with (used / "server.lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(StartupError, match="in use elsewhere"):
                server.start()
        server.start()
        server.stop()


def start_query(folder: Path, statement: str) -> subprocess.Popen[bytes]:
    script = "import psycopg, sys; psycopg.connect(sys.argv[1]).execute(sys.argv[2])"
    url = EmbeddedServer(folder).url("postgres", "postgres")
    command = [sys.executable, "-c", script, url, statement]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_being_made(folder: Path) -> bool:
    """Whether the `initdb` of a killed process is still at work."""
    lines = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return any(str(folder) in " ".join(line) and "initdb" in " ".join(line) for line in lines)


def is_kept(server: EmbeddedServer) -> bool:
    """Whether the server answers and has kept its table."""
    try:
        return answer(server, "SELECT n FROM kept") == 42
    except psycopg.OperationalError:
        return False


def busy_backends(folder: Path) -> list[psutil.Process]:
    """Sessions of a server that compute something."""
    found: list[psutil.Process] = []
    for process in server_processes(folder):
        with suppress(psutil.NoSuchProcess):
            if "SELECT" in " ".join(process.cmdline()) and process.cpu_times().user > 0.05:
                found.append(process)
    return found


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
