"""The commands as users and scripts run them, beside a server on the same installation.

The main ones run as processes of their own; the others inside this one, which saves minutes.
"""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from citewell.core.database.embedded import EmbeddedServer
from citewell.entrypoints.commands.values import parse_value
from tests.entrypoints.conftest import COMMAND, Installation, Running
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

DOCUMENT_KEYS = {
    "path", "document_id", "version", "status", "chunks", "pages", "error", "warnings",
    "known_by", "resembles", "change",
}  # fmt: skip
HIT_KEYS = {
    "chunk_id", "document_id", "title", "version", "page", "heading", "start", "end", "score",
    "text", "folded", "before", "after", "page_end", "sheet",
}  # fmt: skip
QUESTION, QUESTION_OF_NOTES = "How much does a replacement badge cost?", "Who waters the plants?"


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Running]:
    """A server on the installation: the commands share its database, and start sooner."""
    running = installation.start("serve", "--port", "0")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module", autouse=True)
def out_of_reach(installation: Installation) -> Iterator[Running]:
    """A command that waits ten seconds for its database, while the first tests run."""
    url = "postgresql://citewell:hidden@127.0.0.1:1/citewell"
    running = installation.start("search", QUESTION, "--json", CITEWELL_DATABASE_URL=url)
    yield running
    running.end()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "notes" / "deep").mkdir(parents=True)
    (folder / "badges.md").write_text("# Badges\n\nA replacement badge costs 18 euros.\n")
    (folder / "notes" / "deep" / "plants [red].txt").write_text("Mai Linh waters the plants.\n")
    (folder / "notes" / "broken.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<garbage")
    (folder / "notes" / ".hidden.txt").write_text("Not to be taken in.")
    (folder / "notes" / "program.bin").write_bytes(b"\x7fELF")
    return folder


@pytest.fixture(scope="module")
def ingested(
    installation: Installation, server: Running, files: Path
) -> subprocess.CompletedProcess[str]:
    return installation.run("ingest", str(files / "badges.md"), str(files / "notes"), "--json")


@pytest.fixture(scope="module")
def documents(ingested: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The output of `ingest --json` by file name."""
    return {Path(item["path"]).name: item for item in json.loads(ingested.stdout)["documents"]}


class TestLoading:
    def test_modules_are_read_without_looking_for_garbage(self) -> None:
        """It would take a fifth of the time of a start."""
        code = (
            "import gc; from citewell.entrypoints import cli; cli.load('serve');"
            "print(gc.get_stats()[2]['collections'], gc.isenabled(), gc.get_freeze_count() > 10**5)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.stdout.split() == ["0", "True", "True"], run.stderr


class TestIngest:
    @pytest.mark.promise
    def test_json_has_the_promised_shape_and_the_exit_code_tells_of_failures(
        self, ingested: subprocess.CompletedProcess[str], documents: dict[str, dict[str, Any]]
    ) -> None:
        assert ingested.returncode == 1
        printed = json.loads(ingested.stdout)
        assert printed.keys() == {"documents", "failed", "skipped"}
        assert (printed["failed"], len(printed["skipped"])) == (1, 1)
        assert all(item.keys() == DOCUMENT_KEYS for item in printed["documents"])
        assert list(documents) == ["badges.md", "broken.pdf", "plants [red].txt"]
        good, broken = documents["badges.md"], documents["broken.pdf"]
        assert (good["status"], good["version"], good["error"]) == ("ready", 1, None)
        assert good["chunks"] >= 1
        assert broken["status"] == "failed"
        assert broken["error"]
        for item in documents.values():
            uuid.UUID(item["document_id"])

    def test_again_changes_nothing_and_names_what_failed(
        self, installation: Installation, files: Path, documents: dict[str, dict[str, Any]]
    ) -> None:
        result = installation.call("ingest", str(files))
        assert result.exit_code == 1
        assert result.stdout.startswith("2 ready (")
        assert result.stdout.endswith("1 failed. 2 unchanged.\n")
        assert "broken.pdf: " in result.stderr
        listed = installation.json("documents", "list")
        assert listed["total"] == 3
        assert {item["id"] for item in listed["documents"]} == {
            item["document_id"] for item in documents.values()
        }
        assert {item["version"] for item in listed["documents"]} == {1}

    @pytest.mark.usefixtures("documents")
    def test_missing_paths_are_named_and_the_others_are_taken_in(
        self, installation: Installation, files: Path, tmp_path: Path
    ) -> None:
        gone = str(tmp_path / "gone.txt")
        result = installation.call("ingest", gone, str(files / "badges.md"), "--json")
        assert result.exit_code == 1
        first, second = json.loads(result.stdout)["documents"]
        assert (first["path"], first["status"]) == (gone, "failed")
        assert first["error"] == "There is no such file or folder."
        assert second["status"] == "ready"
        nothing = installation.call("ingest", gone, gone)
        assert (nothing.exit_code, nothing.stdout) == (2, "")

    @pytest.mark.usefixtures("server")
    def test_an_empty_folder_is_told(self, installation: Installation, tmp_path: Path) -> None:
        result = installation.call("ingest", str(tmp_path))
        assert result.exit_code == 0
        assert result.stdout == "Nothing to ingest: no file of a supported kind was found.\n"

    @pytest.mark.usefixtures("documents")
    def test_space_that_is_kept_free_is_not_taken_and_reading_goes_on(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "new.md").write_text("# New\n\nThe new lamp is red.")
        short = replace(
            installation,
            variables={**installation.variables, "CITEWELL_DISK_RESERVE_BYTES": str(2**60)},
        )
        before = installation.json("documents", "list")["total"]
        result = short.call("ingest", str(tmp_path))
        assert (result.exit_code, "CITEWELL_DISK_RESERVE_BYTES" in result.stderr) == (1, True)
        assert short.json("documents", "list")["total"] == before
        assert short.json("search", "badges")["results"]

    @pytest.mark.usefixtures("server")
    def test_odd_files_fail_alone(self, installation: Installation, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.txt")
        (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
        (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
        deep = tmp_path
        for _ in range(13):  # a path longer than an index entry of the database may be
            deep /= os.urandom(120).hex()
            deep.mkdir()
        (deep / "deep.txt").write_text("Words far down.")
        (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("Words in a file with a bad name.")
        printed = installation.json("ingest", str(tmp_path), "--collection", "Odd", code=1)
        found = {Path(item["path"]).name: item for item in printed["documents"]}
        assert found.keys() == {"pipe.txt", "gone.txt", "loop.txt", "caf\\udce9.txt", "deep.txt"}
        for name in ("caf\\udce9.txt", "deep.txt"):
            assert (found[name]["status"], found[name]["version"]) == ("ready", 1)
        assert found["pipe.txt"]["error"] == "This is not a regular file."
        for name in ("gone.txt", "loop.txt"):
            assert found[name]["error"].startswith("The file cannot be read: ")
        again = installation.json("ingest", str(tmp_path), "--collection", "Odd", code=1)
        for each, before in zip(again["documents"], printed["documents"], strict=True):
            assert each == {**before, "known_by": each["known_by"], "change": each["change"]}

    @pytest.mark.usefixtures("server")
    def test_links_between_folders_end(self, installation: Installation, tmp_path: Path) -> None:
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        (inner / "words.txt").write_text("Words deep down.")
        (inner / "up").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "self").symlink_to(tmp_path / "self")
        printed = installation.json(
            "ingest", str(tmp_path), str(tmp_path / "self"), "--collection", "Links", code=1
        )
        found = {item["path"]: item for item in printed["documents"]}
        assert found.keys() == {str(inner / "words.txt"), str(tmp_path / "self")}
        assert found[str(inner / "words.txt")]["status"] == "ready"
        assert found[str(tmp_path / "self")]["error"].startswith("The file cannot be read: ")
        assert printed["failed"] == 1

    @pytest.mark.usefixtures("server")
    def test_known_paths_are_taken_as_the_caller_says(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        path = tmp_path / "plan.txt"

        def ingested(text: str, on_duplicate: str) -> dict[str, Any]:
            path.write_text(text)
            options = ("--collection", "Plans", "--on-duplicate", on_duplicate)
            [item] = installation.json("ingest", str(path), *options)["documents"]
            return item

        first = ingested("Paint it green.", "skip")
        skipped = ingested("Paint it blue.", "skip")
        assert skipped == {**first, "known_by": "source", "change": "unchanged"}
        copies = [ingested("Paint it blue.", "keep_both") for _ in range(2)]
        changed = ingested("Paint it red.", "version")
        assert len({item["document_id"] for item in (first, *copies)}) == 3
        assert (changed["document_id"], changed["version"]) == (first["document_id"], 2)
        listed = installation.json("documents", "list", "--collection", "Plans")["documents"]
        names = {item["filename"]: item["source"] for item in listed}
        assert names == {
            "plan.txt": f"file:{path}",
            "plan (2).txt": f"file:{path} (2)",
            "plan (3).txt": f"file:{path} (3)",
        }

    @pytest.mark.usefixtures("server")
    def test_unreadable_folder_and_path_are_listed(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "good.txt").write_text("Words in a readable file.")
        # Deeper than a path may be long: even root, who may read everything, cannot read it.
        at = os.open(tmp_path, os.O_RDONLY)
        deep = tmp_path
        while len(os.fsencode(deep)) < 4096:
            deep /= "d" * 240
            os.mkdir(deep.name, dir_fd=at)
            below = os.open(deep.name, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(at)
        printed = installation.json(
            "ingest", str(tmp_path), str(deep), "--collection", "Deep", code=1
        )
        found = {item["path"]: item for item in printed["documents"]}
        shutil.rmtree(tmp_path / deep.relative_to(tmp_path).parts[0])
        assert printed["failed"] == 2
        assert found[str(tmp_path / "good.txt")]["status"] == "ready"
        errors = [item["error"] for item in printed["documents"] if item["error"]]
        assert errors == [
            "The folder cannot be read: File name too long.",
            "The file cannot be read: File name too long.",
        ]


@pytest.mark.usefixtures("ingested")
class TestSearch:
    @pytest.mark.promise
    def test_json_is_all_there_is_on_stdout(self, installation: Installation) -> None:
        result = installation.run("search", QUESTION, "--top-k", "1", "--json")
        assert (result.returncode, result.stderr) == (0, "")
        found = json.loads(result.stdout)
        assert found.keys() >= {"query", "results", "timings_ms"}
        assert found["query"] == QUESTION
        [hit] = found["results"]
        assert hit.keys() == HIT_KEYS
        assert "18 euros" in hit["text"]
        assert 0 <= hit["score"] <= 1

    def test_explained_and_filtered_for_people(self, installation: Installation) -> None:
        result = installation.call(
            "search", QUESTION_OF_NOTES, "--explain", "--filter", "filename=plants [red].txt"
        )
        assert result.exit_code == 0, result.stderr
        assert "plants [red].txt" in result.stdout
        assert "Mai Linh waters the plants." in result.stdout
        assert "badge" not in result.stdout
        assert "cosine" in result.stdout
        assert "BM25" in result.stdout

    def test_filter_on_a_text_field_takes_any_text(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "2024").write_text("The wombat digs at dusk.")
        installation.json("ingest", str(tmp_path / "2024"), "--collection", "Years")
        for value, expected in (("2024", 1), ("2025", 0), ("true", 0), ('"2024"', 0)):
            found = installation.json("search", "wombat", "--filter", f"title={value}")
            assert len(found["results"]) == expected, value

    @pytest.mark.parametrize(
        ("given", "value"),
        [
            ("2024", 2024),
            ("true", True),
            ('"2024"', "2024"),
            ("May 2024", "May 2024"),
            ("[1]", "[1]"),
        ],
    )
    def test_filter_on_metadata_is_json_or_text(self, given: str, value: object) -> None:
        assert parse_value(f"year={given}") == ("year", value)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--filter", "colour=red"], "`colour`"),
            (["--collection", "nothing [/b]"], "`nothing [/b]`"),
            (["--tenant", "nobody"], "`nobody`"),
            (["--filter", "document_id=5"], "document_id"),
        ],
    )
    def test_unknown_names_are_usage_errors(
        self, installation: Installation, arguments: list[str], said: str
    ) -> None:
        result = installation.call("search", QUESTION, *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1

    def test_emoji_are_no_question(self, installation: Installation) -> None:
        result = installation.call("search", "🎉🎉", "--json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "The question has no word or number to search for.\n"


@pytest.mark.usefixtures("ingested")
class TestAsk:
    @pytest.mark.promise
    def test_json_is_all_there_is_on_stdout(self, installation: Installation) -> None:
        result = installation.run("ask", QUESTION, "--json")
        assert (result.returncode, result.stderr) == (0, "")
        answer = json.loads(result.stdout)
        assert answer.keys() >= {
            "question", "answer", "abstained", "confidence", "citations", "timings_ms",
        }  # fmt: skip
        assert answer["question"] == QUESTION
        assert answer["abstained"] is False
        assert "18 euros" in answer["answer"]
        assert answer["confidence"].keys() == {"level", "score", "reasons"}
        assert "18 euros" in answer["citations"][0]["quote"]

    def test_people_see_answer_and_sources(self, installation: Installation) -> None:
        result = installation.call("ask", QUESTION_OF_NOTES, "--llm", "none")
        assert result.exit_code == 0, result.stderr
        answer, *rest = result.stdout.splitlines()
        assert "Mai Linh" in answer
        assert any(line.startswith("[1] plants [red].txt") for line in rest)


@pytest.mark.usefixtures("ingested")
class TestConversations:
    def test_question_goes_on_from_the_one_before(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        first = installation.json("ask", QUESTION, "--conversation", "new")
        talk = first["conversation_id"]
        asked = installation.call("ask", "And for children?", "--conversation", talk)
        assert asked.exit_code == 0, asked.stderr
        assert "Answered as: " in asked.stdout
        assert talk in installation.call("conversations", "list").stdout
        shown = installation.json("conversations", "show", talk)
        assert [each["question"] for each in shown["messages"]] == [QUESTION, "And for children?"]
        assert "18 euros" in installation.call("conversations", "show", talk).stdout
        exported = installation.call("conversations", "export", talk).stdout
        assert exported.startswith("# ")
        assert "18 euros" in exported
        installation.call("conversations", "export", talk, "--json", "--output", f"{tmp_path}/x")
        assert json.loads((tmp_path / "x").read_text())["conversation"]["id"] == talk
        installation.call(
            "conversations", "export", talk, "--form", "pdf", "--output", f"{tmp_path}/p"
        )
        assert (tmp_path / "p").read_bytes().startswith(b"%PDF-")
        both = installation.call("conversations", "export", talk, "--form", "pdf", "--json")
        assert both.exit_code == 2
        assert installation.call("conversations", "delete", talk).stdout == "Deleted.\n"
        assert installation.call("conversations", "show", talk).exit_code == 2
        assert installation.call("ask", QUESTION, "--conversation", "mine").exit_code == 2


class TestDocuments:
    def test_table_shows_names_as_they_are(
        self, installation: Installation, documents: dict[str, dict[str, Any]]
    ) -> None:
        result = installation.call("documents", "list")
        assert result.exit_code == 0, result.stderr
        assert "plants [red].txt" in result.stdout
        for item in documents.values():
            assert item["document_id"] in result.stdout

    def test_list_can_be_narrowed(
        self, installation: Installation, documents: dict[str, dict[str, Any]]
    ) -> None:
        failed = installation.json("documents", "list", "--status", "failed")
        assert [item["id"] for item in failed["documents"]] == [
            documents["broken.pdf"]["document_id"]
        ]
        total = (
            failed["total"] + installation.json("documents", "list", "--status", "ready")["total"]
        )
        part = installation.json("documents", "list", "--limit", str(total - 1), "--page", "2")
        assert (len(part["documents"]), part["total"]) == (1, total)

    def test_show_tells_why_a_document_failed(
        self, installation: Installation, documents: dict[str, dict[str, Any]]
    ) -> None:
        shown = installation.json("documents", "show", documents["broken.pdf"]["document_id"])
        assert shown["status"] == "failed"
        assert shown["error"]["detail"] == documents["broken.pdf"]["error"]

    @pytest.mark.usefixtures("server")
    def test_deleted_document_is_not_found_any_more(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "zebra.txt").write_text("The zebra crossing is repainted.")
        [taken] = installation.json("ingest", str(tmp_path))["documents"]
        result = installation.call("documents", "delete", taken["document_id"])
        assert result.exit_code == 0
        assert result.stdout.startswith("1 deleted; `citewell documents restore` brings them back")
        again = installation.call("documents", "delete", taken["document_id"])
        assert (again.exit_code, again.stdout) == (2, "")
        assert taken["document_id"] in again.stderr
        hits = installation.json("search", "zebra crossing")["results"]
        assert all("zebra" not in hit["text"] for hit in hits)
        [trashed] = installation.json("documents", "trash")["documents"]
        assert trashed["id"] == taken["document_id"]
        assert f" {trashed['filename']} " in installation.call("documents", "trash").stdout
        # By what the list shows as well; of what is not in the trash nothing is told.
        for wanted in (taken["document_id"], trashed["title"].upper(), taken["document_id"][:18]):
            restored = installation.call("documents", "restore", wanted)
            assert (restored.exit_code, restored.stdout) == (0, "1 restored.\n"), restored.stderr
            unknown = installation.call("documents", "restore", trashed["title"])
            assert (unknown.exit_code, "There is no document" in unknown.stderr) == (2, True)
            installation.call("documents", "delete", trashed["title"])
        installation.call("documents", "restore", trashed["title"])
        assert "zebra" in installation.json("search", "zebra crossing")["results"][0]["text"]
        purged = installation.call("documents", "delete", "--purge", taken["document_id"])
        assert (purged.exit_code, purged.stdout) == (0, "1 deleted for good.\n")
        assert installation.json("documents", "trash") == {"documents": [], "total": 0}
        again = installation.call("documents", "restore", taken["document_id"])
        assert (again.exit_code, again.stdout) == (2, "")

    @pytest.mark.usefixtures("server")
    def test_versions_are_compared_and_gone_back_to(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        path = tmp_path / "parking.txt"
        for bay in (4, 7):
            path.write_text(f"Visitors park in bay {bay}.")
            [taken] = installation.json("ingest", str(tmp_path))["documents"]
        listed = installation.json("documents", "versions", taken["document_id"])
        assert listed["total"] == 2
        assert [item["is_active"] for item in listed["versions"]] == [True, False]
        diff = ("documents", "diff", taken["document_id"], "1", "2")
        [hunk] = installation.json(*diff)["hunks"]
        assert (hunk["removed"], hunk["added"]) == ("4", "7")
        assert "4.\n+Visitors park in bay 7.\n" in installation.call(*diff).stdout
        rolled = installation.call("documents", "rollback", taken["document_id"], "1")
        assert (rolled.exit_code, rolled.stdout) == (0, "Version 1 of parking.txt answers.\n")
        again = installation.call("ingest", str(tmp_path))
        assert "1 unchanged while another version answers" in again.stdout
        missing = installation.call("documents", "rollback", taken["document_id"], "9")
        assert (missing.exit_code, missing.stdout) == (2, "")


@pytest.mark.usefixtures("server")
class TestEvaluation:
    def test_figures_of_a_known_set(self, installation: Installation, tmp_path: Path) -> None:
        texts = {
            "a": ("Otters", "Otters hold hands while they sleep."),
            "b": ("Bees", "A queen bee lays two thousand eggs a day."),
            "c": ("Owls", "An owl turns its head by 270 degrees."),
            "void": ("", "  "),
        }
        corpus = [{"id": key, "title": t, "text": text} for key, (t, text) in texts.items()]
        queries = [
            {"id": "1", "text": "How many eggs does a queen bee lay?"},
            {"id": "2", "text": "How far can an owl turn its head?"},
        ]
        for name, rows in (("corpus", corpus), ("queries", queries)):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / f"{name}.jsonl").write_text(lines)
        (tmp_path / "qrels.tsv").write_text("query_id\tcorpus_id\tgrade\n1\tb\t1\n2\tc\t1\n")
        result = installation.call("eval", "retrieval", str(tmp_path), "--json")
        assert result.exit_code == 0, result.stderr
        assert "Document void is empty" in result.stderr
        figures = json.loads(result.stdout)
        assert figures.keys() == {"lexical", "dense", "hybrid"}
        for mode in figures.values():
            assert mode.keys() >= {
                "queries", "ndcg_at_10", "recall_at_5", "recall_at_20", "mrr_at_10", "p50_ms",
                "p95_ms",
            }  # fmt: skip
            assert mode["queries"] == 2
            assert mode["ndcg_at_10"] == mode["recall_at_5"] == mode["mrr_at_10"] == 1
            assert 0 < mode["p50_ms"] <= mode["p95_ms"]
        # The scratch library is gone.
        hits = installation.json("search", "queen bee eggs", "--top-k", "100")["results"]
        assert all("queen" not in hit["text"] for hit in hits)

    def test_malformed_set_is_a_usage_error_that_names_the_line(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "corpus.jsonl").write_text('{"id": "a", "title": "", "text": "x"}\n')
        (tmp_path / "queries.jsonl").write_text('{"id": "1", "text": "x"}\n')
        (tmp_path / "qrels.tsv").write_text("query_id\tcorpus_id\tgrade\n1\ta\tgood\n")
        result = installation.call("eval", "retrieval", str(tmp_path))
        assert (result.exit_code, result.stdout) == (2, "")
        assert "qrels.tsv" in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("server")
class TestOperations:
    def test_keys_are_made_listed_and_revoked(self, installation: Installation) -> None:
        made = installation.json("key", "create", "--name", "[/b] robot")
        assert made.keys() == {"id", "name", "key"}
        assert made["key"].startswith("cw_")
        listed = installation.call("key", "list")
        assert "[/b] robot" in listed.stdout
        assert made["key"] not in listed.stdout
        assert installation.call("key", "revoke", made["id"]).stdout == "Revoked.\n"
        keys = {item["id"]: item for item in installation.json("key", "list")["keys"]}
        assert keys[made["id"]]["is_revoked"] is True
        assert installation.call("key", "revoke", str(uuid.uuid4())).exit_code == 2

    @pytest.mark.usefixtures("ingested")
    def test_doctor_checks_and_counts(self, installation: Installation) -> None:
        report = installation.json("doctor", "--deep")
        assert report.keys() == {"checks", "problems", "repaired", "ok"}
        assert (report["problems"], report["repaired"], report["ok"]) == (0, 0, True)
        checks = {item["name"]: item for item in report["checks"]}
        assert {"database", "embedding", "disk", "documents", "term statistics"} <= checks.keys()
        assert "1 failed" in checks["documents"]["detail"]

    @pytest.mark.usefixtures("ingested")
    def test_doctor_mends_beside_the_server(self, installation: Installation) -> None:
        server = EmbeddedServer(installation.home / "database")
        server.start()  # it runs already; this only tells its socket
        try:
            with psycopg.connect(server.url("postgres", "citewell")) as connection:
                damaged = connection.execute("DELETE FROM chunk WHERE ordinal = 0").rowcount
        finally:
            server.stop()
        assert damaged
        shown = installation.call("doctor")
        assert shown.exit_code == 1
        assert "failed missing passages" in shown.stdout
        assert "--repair" in shown.stdout
        report = installation.json("doctor", "--repair")
        assert report["problems"] == report["repaired"] > 0
        assert installation.json("doctor")["problems"] == 0

    def test_trail_is_listed_and_exported(self, installation: Installation) -> None:
        found = installation.json("audit", "list", "--action", "document.created", "--limit", "1")
        assert found["total"] >= 1
        assert found["events"][0]["actor_kind"] == "operator"
        assert "document.created" in installation.call("audit", "list", "--limit", "100").stdout
        result = installation.call("audit", "export", "--from", "2020-01-01")
        events = [json.loads(line) for line in result.stdout.splitlines()]
        assert events[-1]["action"] == "audit.exported"
        assert len(events) > found["total"]
        rows = installation.call("audit", "export", "--format", "csv", "--to", "2020-01-01").stdout
        assert rows.startswith("id,at,actor_kind,")
        assert len(rows.splitlines()) == 1

    def test_migrate_is_quiet_when_there_is_nothing_to_do(self, installation: Installation) -> None:
        result = installation.call("db", "migrate")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == "The database is at the newest schema.\n"


class TestNotAvailable:
    def test_database_out_of_reach_is_one_line_and_3(self, out_of_reach: Running) -> None:
        assert (out_of_reach.process.wait(PATIENCE), out_of_reach.out) == (3, "")
        assert "CITEWELL_DATABASE_URL" in out_of_reach.err
        assert "hidden" not in out_of_reach.err
        assert len(out_of_reach.err.splitlines()) == 1

    def test_home_that_cannot_be_made_is_one_line_and_3(
        self, installation: Installation, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        result = installation.run("ask", QUESTION, CITEWELL_HOME=str(tmp_path / "file" / "home"))
        assert (result.returncode, result.stdout) == (3, "")
        assert "CITEWELL_HOME" in result.stderr
        assert len(result.stderr.splitlines()) == 1

    def test_nothing_needs_to_be_set(self, installation: Installation, tmp_path: Path) -> None:
        variables = installation.environment()
        for name in ("CITEWELL_HOME", "HOME", "LANG"):
            variables.pop(name, None)
        result = subprocess.run(
            [*COMMAND, "settings"],
            capture_output=True, text=True, env=variables, cwd=tmp_path, check=False,
            timeout=PATIENCE,
        )  # fmt: skip
        assert (result.returncode, result.stderr) == (0, "")
        assert "CITEWELL_HOME" in result.stdout
