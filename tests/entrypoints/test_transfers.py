"""Collections as files, by the command line."""

from pathlib import Path

import pytest

from tests.entrypoints.conftest import Installation


@pytest.fixture(scope="module")
def filled(installation: Installation, database_runs: None) -> Installation:
    """An installation with one document, and one more organisation."""
    folder = installation.folder / "documents"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nEmployees get 26 days of annual leave in a year.")
    (installation.folder / "passphrase").write_text("a long enough passphrase\nmore\n")
    assert installation.call("ingest", str(folder), "--json").exit_code == 0
    assert installation.call("tenant", "create", "branch").exit_code == 0
    return installation


def with_passphrase(installation: Installation) -> tuple[str, str]:
    return "--passphrase-file", str(installation.folder / "passphrase")


class TestExportAndImport:
    def test_collection_answers_in_another_organisation(
        self, filled: Installation, tmp_path: Path
    ) -> None:
        file = tmp_path / "library.citewell"
        made = filled.json("collections", "export", "library", str(file), *with_passphrase(filled))
        assert made["size_bytes"] == file.stat().st_size
        assert file.stat().st_mode & 0o777 == 0o600
        assert b"Employees" not in file.read_bytes()
        again = filled.call("collections", "export", "library", str(file), *with_passphrase(filled))
        assert again.exit_code == 2
        report = filled.json(
            "collections", "import", str(file), "--tenant", "branch", "--name", "From the centre",
            *with_passphrase(filled),
        )  # fmt: skip
        assert (report["name"], report["documents"]) == ("From the centre", 1)
        assert (report["to_embed"], report["new_ids"], report["unknown"]) == (0, 0, [])
        query = ("search", "days of annual leave")
        theirs, ours = filled.json(*query), filled.json(*query, "--tenant", "branch")
        assert theirs["results"] == ours["results"]
        assert len(ours["results"]) == 1
        again = filled.call(
            "collections", "import", str(file), "--tenant", "branch", "--name", "From the centre",
            *with_passphrase(filled),
        )  # fmt: skip
        assert again.exit_code == 2
        assert "exists already" in again.stderr

    @pytest.mark.usefixtures("filled")
    def test_what_cannot_be_is_one_line_and_leaves_nothing(
        self, filled: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "short").write_text("short")
        (tmp_path / "junk").write_bytes(b"junk" * 1000)
        target = str(tmp_path / "out")
        for arguments in (
            ("export", "library", target, "--passphrase-file", str(tmp_path / "short")),
            ("export", "library", target, "--passphrase-file", str(tmp_path / "none")),
            ("export", "nothing", target, *with_passphrase(filled)),
            ("export", "library", target),
            ("import", str(tmp_path / "junk"), *with_passphrase(filled)),
            ("import", str(tmp_path / "none"), *with_passphrase(filled)),
            ("import", str(tmp_path / "junk"), "--name", "x" * 201, *with_passphrase(filled)),
        ):
            result = filled.call("collections", *arguments)
            assert result.exit_code == 2, arguments
            assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["junk", "short"]


class TestRetention:
    @pytest.mark.usefixtures("filled")
    def test_rule_is_tried_set_shown_and_taken_away(self, filled: Installation) -> None:
        look = ("collections", "retention", "library")
        nothing = {"keep_days": None, "total": 0, "is_final": False, "documents": []}
        assert filled.json(*look) == nothing
        assert "for good" in filled.call(*look).stdout
        tried = filled.json(*look, "--keep-days", "30")
        assert (tried["keep_days"], tried["total"]) == (30, 0)
        update = ("collections", "update", "library")
        assert filled.json(*update, "--keep-days", "365")["keep_days"] == 365
        assert "older than 365 days" in filled.call(*look).stdout
        assert filled.json(*update, "--description", "Papers")["keep_days"] == 365
        assert filled.json(*update, "--keep-all")["keep_days"] is None
        for wrong in (("--keep-days", "0"), ("--keep-days", "3", "--keep-all"), ()):
            assert filled.call(*update, *wrong).exit_code == 2
        assert filled.call(*look, "--keep-days", "0").exit_code == 2
