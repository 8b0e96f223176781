"""The first account of a new installation: with the operator's token, and for nobody else."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.entrypoints.conftest import Installation, installed, on_terminal
from tests.entrypoints.test_serving import address_of, key_of
from tests.waiting import PATIENCE

PASSWORD = "plum-anchor-violet-desk"
NOBODY = {"email": "mallory@example.org", "password": PASSWORD}


@contextmanager
def serving_on_a_terminal(installation: Installation, *arguments: str) -> Iterator[str]:
    """A server that somebody has started by hand; yields what they see once it is ready."""
    master, slave = os.openpty()
    command = ("serve", "--port", "0", *arguments)
    process = on_terminal(installation, command, slave, COLUMNS="200")
    os.close(slave)
    try:
        screen, deadline = "", time.monotonic() + PATIENCE
        while "Content-Type: application/json' -d" not in screen.partition("Ask a question")[2]:
            assert time.monotonic() < deadline, screen
            try:
                screen += os.read(master, 10_000).decode(errors="replace")
            except OSError:  # the terminal is closed with the server's end
                pytest.fail(screen)
        yield screen
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)
        os.close(master)


class TestSetup:
    def test_a_terminal_shows_the_token_which_works_once(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "leave.txt").write_text("Employees get 26 days of annual leave.")
        file = installation.home / "setup.token"
        with serving_on_a_terminal(installation, "--preload", str(tmp_path)) as screen:
            token = file.read_text().strip()
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert f'{{"token": "{token}"' in screen
            assert f"/setup#{token}" in screen
            assert key_of(installation) in screen
            shown = installation.json("setup")
            assert shown["token"] == token
            renewed = installation.json("setup", "--renew")["token"]
            assert renewed not in (None, token)
            assert file.read_text().strip() == renewed
            address = screen[screen.index("http://") :].split()[0]
            # The port stands in no setting: `serve` was told it.
            assert f"{address}/setup#{renewed}" in installation.call("setup").stdout
            with httpx.Client(base_url=f"{address}/api/v1/auth", timeout=PATIENCE) as client:
                wanted = {"email": "ann@example.org", "password": PASSWORD}
                assert client.post("/register", json=wanted).status_code == 403
                assert client.post("/setup", json={**wanted, "token": token}).status_code == 403
                made = client.post("/setup", json={**wanted, "token": renewed})
                assert made.status_code == 201, made.text
                bearer = {"Authorization": f"Bearer {made.json()['access_token']}"}
                assert client.get("/me", headers=bearer).json()["user"]["is_admin"]
                assert client.post("/setup", json={**NOBODY, "token": renewed}).status_code == 403
        again = installation.call("setup")
        assert (again.exit_code, again.stdout) == (2, "")
        assert "citewell user create" in again.stderr
        assert not file.exists()


class TestInstallationUsedByItsKey:
    @pytest.fixture
    def used(self, tmp_path: Path, prepared: Path) -> Installation:
        return installed(tmp_path, prepared)

    def test_no_stranger_becomes_its_administrator(self, used: Installation) -> None:
        running = used.start("serve", "--port", "0")
        try:
            running.wait_for("Ask a question")
            token = (used.home / "setup.token").read_text().strip()
            base_url = f"{address_of(running)}/api/v1"
            with httpx.Client(base_url=base_url, timeout=PATIENCE) as client:
                added = client.post(
                    "/documents",
                    json={"title": "Salaries", "content": "All.", "access_level": "restricted"},
                    headers={"Authorization": f"Bearer {key_of(used)}"},
                )
                assert added.status_code == 202, added.text
                assert client.post("/auth/register", json=NOBODY).status_code == 403
                for guess in ("", "cws_", key_of(used)):
                    reply = client.post("/auth/setup", json={**NOBODY, "token": guess})
                    assert reply.json()["code"] == "invalid_setup_token"
        finally:
            running.end()
        said = running.out + running.err
        assert key_of(used) not in said, "more people read logs than may administer"
        assert token not in said
