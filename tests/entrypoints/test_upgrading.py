"""`citewell upgrade --check`, as a script before an upgrade calls it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from citewell.core.database.migrations import revisions
from tests.conftest import Servers
from tests.entrypoints.conftest import Installation
from tests.quiet import quiet_database

pytestmark = pytest.mark.usefixtures("logging_put_back")


@pytest.fixture
def url(servers: Servers, template: str) -> Iterator[str]:
    """A database at the newest schema."""
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
def site(tmp_path: Path, url: str) -> Installation:
    """An installation on it."""
    return Installation(tmp_path, {"CITEWELL_DATABASE_URL": url})


def at(url: str, revision: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in report["checks"]}


class TestCheck:
    def test_installation_up_to_date_is_ready(self, site: Installation) -> None:
        report = site.json("upgrade", "--check")
        assert report["ok"]
        assert report["revision"] == report["newest_revision"] == revisions()[-1]
        assert verdicts(report) == {
            "schema": "ok", "nodes": "ok", "jobs": "ok", "transactions": "ok", "disk": "ok",
            "backup": "note",
        }  # fmt: skip
        assert "can be upgraded now" in site.call("upgrade", "--check").stdout

    def test_pending_migrations_want_a_backup_first(
        self, site: Installation, url: str, tmp_path: Path
    ) -> None:
        at(url, "0060")
        site.variables["CITEWELL_BACKUP_URL"] = str(tmp_path / "backups")
        report = site.json("upgrade", "--check", code=1)
        assert report["pending"][0]["name"] == "mailed resets"
        assert verdicts(report)["backup"] == "problem"
        said = site.call("upgrade", "--check")
        assert said.exit_code == 1
        assert "builds an index; writes wait: notice" in said.stdout

    @pytest.mark.parametrize(("served", "verdict"), [("0001", "note"), ("9998", "problem")])
    def test_newer_schema_is_a_problem_unless_its_release_serves_this_one(
        self, site: Installation, url: str, served: str, verdict: str
    ) -> None:
        at(url, "9999")
        with psycopg.connect(url, autocommit=True) as connection:
            note = f"Citewell: processes of schema {served} and newer may run on it"
            connection.execute(f"COMMENT ON TABLE alembic_version IS '{note}'")
        report = site.json("upgrade", "--check", code=0 if verdict == "note" else 1)
        assert verdicts(report)["schema"] == verdict

    def test_new_installation_is_ready_and_stays_untouched(self, tmp_path: Path) -> None:
        new = Installation(tmp_path)
        report = new.json("upgrade", "--check")
        assert (report["ok"], report["revision"]) == (True, None)
        assert not new.home.exists()

    def test_database_out_of_reach_is_not_available(self, tmp_path: Path) -> None:
        away = Installation(tmp_path, {"CITEWELL_DATABASE_URL": "postgresql://x@127.0.0.1:1/none"})
        assert away.call("upgrade", "--check").exit_code == 3

    def test_without_check_is_a_misuse(self, tmp_path: Path) -> None:
        assert Installation(tmp_path).call("upgrade").exit_code == 2
