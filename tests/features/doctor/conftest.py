"""Documents over a database without a worker, and an administrator who damages what there is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.features.doctor import service as doctor
from citewell.features.doctor.pace import CheckPace
from citewell.features.doctor.schemas import Report
from citewell.features.ingestion import service as ingestion
from tests.conftest import new_caller
from tests.quiet import Shelf, quiet_platform
from tests.waiting import PATIENCE

NOW = timedelta(0)


@pytest.fixture
async def quiet(own_url: str, settings: Settings) -> AsyncIterator[Platform]:
    """Light parts; jobs run when a test runs them."""
    async with quiet_platform(settings, own_url) as platform:
        pace = platform.state_of(CheckPace)
        pace.second_look_seconds = pace.poll_seconds = 0.01
        pace.page = 2  # every loop goes round
        yield platform


@dataclass(frozen=True)
class Ward:
    """A tenant's library, the statements that damage it, and the doctor."""

    url: str
    shelf: Shelf
    administrator: psycopg.Connection[dict[str, Any]]
    """Whom no constraint and no policy stops."""

    @property
    def tenant_id(self) -> str:
        return str(self.shelf.caller.tenant_id)

    def sql(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Run a statement as the administrator; `{t}` stands for the condition on the tenant."""
        statement = statement.replace("{t}", f"tenant_id = '{self.tenant_id}'")
        cursor = self.administrator.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    async def look(self, **options: Any) -> Report:
        """The doctor's findings."""
        return await doctor.check(
            self.shelf.platform, self.shelf.caller.tenant_id, grace=NOW, **options
        )

    async def mend(self, **options: Any) -> Report:
        """The same with repair, while a worker does the jobs."""
        working = asyncio.ensure_future(self._work())
        try:
            return await self.look(repair=True, wait=PATIENCE, **options)
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    async def _work(self) -> None:
        while True:
            for job in self.sql(
                "SELECT j.id FROM job j JOIN procrastinate_jobs q ON q.id = j.queue_id "
                "WHERE {t} AND j.status = 'queued' AND q.status = 'todo'"
            ):
                await ingestion.process(self.shelf.platform, self.shelf.caller.tenant_id, job["id"])
            await asyncio.sleep(0.02)

    async def assert_mended(self, *names: str) -> Report:
        """Exactly these checks find something; repair mends it, and then nothing is found."""
        report = await self.mend()
        assert report.left == [], report
        assert found(report) == set(names)
        await self.assert_sound()
        return report

    async def assert_sound(self) -> None:
        """Nothing is wrong."""
        report = await self.look(deep=True)
        assert found(report) == set(), report


def found(report: Report) -> set[str]:
    """Names of the checks that found something."""
    return {check.name for check in report.checks if check.problems}


@pytest.fixture
async def ward(
    quiet: Platform, own_url: str, tmp_path: Path, superuser: None
) -> AsyncIterator[Ward]:
    """A tenant of this test's own; its damages take a superuser, whom no constraint stops."""
    with psycopg.connect(own_url, row_factory=dict_row, autocommit=True) as administrator:
        administrator.execute("SET session_replication_role = replica")
        yield Ward(own_url, Shelf(quiet, await new_caller(quiet), tmp_path), administrator)


def long_text(name: str, sections: int = 3) -> str:
    """A text of several passages."""
    return "\n\n".join(
        f"# Part {number} of {name}\n\n" + f"The {name} rule {number} is about boxes. " * 30
        for number in range(sections)
    )


def files_of(ward: Ward) -> Sequence[Path]:
    """The tenant's stored files."""
    folder = ward.shelf.platform.settings.home / "files" / ward.tenant_id
    return sorted(path for path in folder.rglob("*") if path.is_file())
