"""The commands for jobs."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.entrypoints.conftest import Installation

pytestmark = pytest.mark.usefixtures("logging_put_back")


@pytest.fixture(scope="module")
def failed(
    installation: Installation, database_runs: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The job of a file without text, beside that of a good one."""
    folder: Path = tmp_path_factory.mktemp("files")
    (folder / "good.md").write_text("# Good\n\nThe harbour freezes in January.")
    (folder / "empty.md").write_text("\n\n")
    assert installation.call("ingest", str(folder)).exit_code == 1
    [job] = installation.json("jobs", "list", "--status", "failed")["jobs"]
    return job


class TestJobs:
    def test_list_show_retry_and_cancel(
        self, installation: Installation, failed: dict[str, Any]
    ) -> None:
        assert failed["reason"] == "The file is empty."
        listed = installation.json("jobs", "list")
        assert listed["total"] == 2
        assert {job["status"] for job in listed["jobs"]} == {"failed", "succeeded"}
        of_one = installation.json("jobs", "list", "--document", failed["document_id"])
        assert of_one == {"jobs": [failed], "total": 1}
        assert installation.json("jobs", "list", "--document", "empty.md") == of_one
        assert "empty.md" in installation.call("jobs", "list").stdout
        for few in (failed["id"], failed["id"][-8:]):
            assert installation.json("jobs", "show", few) == failed
        again = installation.json("jobs", "retry", failed["id"])
        assert (again["status"], again["attempts"]) == ("queued", 0)
        assert "Cancelled." in installation.call("jobs", "cancel", failed["id"]).stdout
        shown = installation.call("jobs", "show", failed["id"]).stdout
        assert "cancelled" in shown
        assert "1 job." in installation.call("jobs", "list", "--status", "cancelled").stdout

    def test_what_cannot_be_is_said(
        self, installation: Installation, failed: dict[str, Any]
    ) -> None:
        [done] = installation.json("jobs", "list", "--status", "succeeded")["jobs"]
        assert "published 1/1 chunks" in installation.call("jobs", "list").stdout
        for action, job_id, said in (
            ("cancel", done["id"], "has succeeded already"),
            ("retry", done["id"], "has succeeded"),
            ("show", str(uuid.UUID(int=1)), "There is no job"),
        ):
            result = installation.call("jobs", action, job_id)
            assert result.exit_code == 2
            assert said in result.stderr
        assert failed["status"] == "failed"
