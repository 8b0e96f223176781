"""A PostgreSQL of the operator's own, over TCP, that is stopped and started."""

import os
import pwd
import subprocess
from pathlib import Path
from typing import Literal

import psycopg

from citewell.core.database.embedded import SYSTEM_USER, EmbeddedServer
from tests.ports import free_port


class OperatorsDatabase:
    """The programs and the cluster are those of the embedded one; how it runs is not."""

    def __init__(self, folder: Path) -> None:
        embedded = EmbeddedServer(folder)
        embedded.start()
        self._bin = Path(f"/proc/{embedded.pid()}/exe").resolve().parent
        embedded.stop()
        self._data = folder / "data"
        self._user = pwd.getpwnam(SYSTEM_USER).pw_uid if os.geteuid() == 0 else None
        self._port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/citewell"

    def prepare(self) -> None:
        """Start it, and do what an operator does before the first start."""
        self.start()
        with psycopg.connect(self.url.replace("/citewell", "/postgres"), autocommit=True) as server:
            server.execute("CREATE DATABASE citewell TEMPLATE template0 ENCODING 'UTF8'")
        with psycopg.connect(self.url, autocommit=True) as database:
            database.execute("CREATE EXTENSION vector")

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self._port} -c unix_socket_directories=''"
        self._control("start", "-o", options, "-l", str(self._data / "log" / "own.log"))

    def stop(self, how: Literal["fast", "immediate"]) -> None:
        """Stop it: sessions are cut off, and `immediate` leaves the log to be read again."""
        self._control("stop", "-m", how)

    def _control(self, action: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / "pg_ctl"), action, "-D", str(self._data), "-w", *arguments],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            user=self._user, start_new_session=True,
        )  # fmt: skip
