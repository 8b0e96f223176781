"""A faulty call is told in one line, before anything is opened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from citewell.entrypoints.cli import COMMANDS, app, load
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

ID = "01a1fda3-4931-7011-891e-bf776bf60bfb"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and a home that must not come to be."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("CITEWELL_HOME", str(tmp_path / "never-made"))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def assert_refused(result: Result, said: str) -> None:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr
    assert not Path(os.environ["CITEWELL_HOME"]).exists()


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["ingest", "nowhere.pdf"], "There is no file or folder nowhere.pdf."),
            (["ingest", ".", "--access", "secret"], "use one of public, internal, confidential"),
            (["ingest", ".", "--access", ""], "use one of public, internal, confidential"),
            (["ingest", ".", "--collection", " "], "The name cannot be used"),
            (["ingest", ".", "--collection", "x" * 201], "at most 200 characters"),
            (["ingest", ".", "--collection", "\udcff"], "lone surrogates"),
            (["search", ""], "A question has 1 to 4,000 characters."),
            (["search", "  \t"], "A question has 1 to 4,000 characters."),
            (["search", "x" * 4001], "A question has 1 to 4,000 characters."),
            (["search", "caf\udce9"], "The query cannot be used"),
            (["search", "x", "--filter", "year"], "`year` is not a filter"),
            (["search", "x", "--filter", "=1"], "`=1` is not a filter"),
            (["search", "x", "--filter", "k\udcff=1"], "The filters"),
            (["search", "x", "--collection", "\udcff"], "lone surrogates"),
            (["search", "x", "--tenant", "\udcff"], "lone surrogates"),
            (["ask", ""], "A question has 1 to 4,000 characters."),
            (["ask", "x", "--llm", "gpt"], "CITEWELL_LLM has a bad value"),
            (["ask", "x", "--llm", "openai:"], "CITEWELL_LLM has a bad value"),
            (["serve", "--port", "70000"], "CITEWELL_PORT has a bad value"),
            (["tenant", "update", "x", "--prompt", "verify=a"], "`verify=a` is no prompt"),
            (["tenant", "update", "x", "--prompt", "answer.en=a"], "a cannot be read: No such"),
            (["tenant", "update", "x", "--verifier", "onnx:x"], "The verifier cannot be used"),
        ],
    )
    def test_a_bad_argument_is_one_line(self, arguments: list[str], said: str) -> None:
        result = call(*arguments)
        assert_refused(result, said)
        if "surrogates" not in said:
            assert len(result.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["search", "x", "--top-k", "0"], "--top-k"),
            (["search", "x", "--top-k", "10000"], "--top-k"),
            (["search", "x", "--top-k", "many"], "--top-k"),
            (["documents", "list", "--status", "done"], "done"),
            (["documents", "list", "--limit", "101"], "--limit"),
            (["agent", "approve", "last", "--call", "first"], "--call"),
            (["eval", "retrieval", "nowhere"], "nowhere"),
            (["serve", "--workers", "0"], "--workers"),
            (["serve", "--preload", "nowhere"], "nowhere"),
            (["worker", "--concurrency", "0"], "--concurrency"),
            (["ingest"], "paths"),
            (["search"], "query"),
            (["frobnicate"], "frobnicate"),
            (["search", "x", "--frobnicate"], "--frobnicate"),
        ],
    )
    def test_a_bad_option_is_named(self, arguments: list[str], said: str) -> None:
        assert_refused(call(*arguments), said)


class TestHelp:
    def test_every_command_explains_itself(self) -> None:
        for command in ["", *COMMANDS, "documents list", "eval answers", "db migrate"]:
            result = call(*command.split(), "-h")
            assert result.exit_code == 0, command
            assert "Usage:" in result.stdout
            assert len(result.stdout.splitlines()) > 5, command

    @pytest.mark.processes
    def test_commands_start_by_themselves(self) -> None:
        """In processes that have read nothing else before."""
        for name in ("ask", "backup", "ingest", "worker"):
            words = [sys.executable, "-m", "citewell.entrypoints.cli", name, "--help"]
            said = subprocess.run(
                words, capture_output=True, text=True, timeout=PATIENCE, check=True
            )
            assert f"citewell {name}" in said.stdout or f"cli {name}" in said.stdout, said.stdout

    def test_overview_says_what_the_commands_say_of_themselves(self) -> None:
        told = {
            name: " ".join((load(name).help or "").split("\n\n")[0].split()) for name in COMMANDS
        }
        assert {name: summary for name, (summary, *_) in COMMANDS.items()} == told

    def test_overview_imports_no_command(self) -> None:
        program = (
            "import sys\nfrom citewell.entrypoints.cli import main\n"
            "sys.argv[1:] = ['-h']\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
            "print([name for name in sys.modules if name.split('.')[0] in "
            "('sqlalchemy', 'fastapi', 'pydantic', 'numpy')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "[]"

    def test_commands_of_the_library_import_nothing_of_answers_agents_or_redis(self) -> None:
        program = (
            "import sys\nimport citewell.entrypoints.commands.documents\n"
            "print([name for name in ('redis', 'onnxruntime', 'numpy',"
            " 'citewell.engine.answering.extractive', 'citewell.engine.retrieval.pipeline',"
            " 'citewell.features.transfers', 'citewell.features.agents',"
            " 'citewell.features.conversations') if name in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "[]"

    def test_promised_options_exist(self) -> None:
        for command, options in {
            "serve": ("--host", "--port", "--workers", "--no-worker"),
            "ingest": (
                "--collection",
                "--access",
                "--on-duplicate",
                "--no-wait",
                "--json",
                "--tenant",
            ),
            "search": ("--collection", "--top-k", "--filter", "--explain", "--json", "--tenant"),
            "ask": ("--collection", "--llm", "--json", "--tenant"),
        }.items():
            shown = call(command, "--help").stdout
            assert [option for option in options if option not in shown] == [], command


class TestEvalVerify:
    def test_claims_are_graded_without_a_library(self, tmp_path: Path) -> None:
        row = {"evidence": "The fee is 3 euros.", "claim": "The fee is 3 euros."}
        file = tmp_path / "claims.jsonl"
        file.write_text(json.dumps(row | {"label": "supported"}), encoding="utf-8")
        result = call("eval", "verify", str(file), "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["grades"] == {"supported": {"quoted": 1.0}}

    def test_malformed_line_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "claims.jsonl"
        file.write_text('{"claim": "a"}', encoding="utf-8")
        result = call("eval", "verify", str(file))
        assert result.exit_code == 2
        assert "line 1" in result.stderr


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("CITEWELL_FOO", "1"),
            ("CITEWELL_PORTS", "1"),
            ("CITEWELL_PORT", "high"),
            ("CITEWELL_PORT", "65536"),
            ("CITEWELL_LOG_LEVEL", "loud"),
            ("CITEWELL_DATABASE_URL", "mysql://localhost/db"),
            ("CITEWELL_DATABASE_URL", "localhost"),
            ("CITEWELL_LLM", "gpt-5"),
            ("CITEWELL_EMBEDDING", "word2vec"),
            ("CITEWELL_MAX_UPLOAD_BYTES", "0"),
            ("CITEWELL_MAX_UPLOAD_BYTES", "10MB"),
            ("CITEWELL_THREADS", "-1"),
        ],
    )
    def test_a_bad_variable_stops_with_one_line_that_names_it(
        self, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        for command in (["settings"], ["search", "x"], ["serve"], ["db", "migrate"]):
            result = call(*command)
            assert_refused(result, name)
            assert len(result.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"CITEWELL_FOO=1\n", "CITEWELL_FOO"),
            (b"export CITEWELL_BAR = 1\n", "CITEWELL_BAR"),
            (b"CITEWELL_PORT=high\n", "CITEWELL_PORT"),
            (b"CITEWELL_PORT=8000\xff\xfe\n", ".env"),
        ],
    )
    def test_a_bad_dotenv_stops_with_one_line_that_names_it(
        self, content: bytes, said: str
    ) -> None:
        Path(".env").write_bytes(content)
        result = call("settings")
        assert_refused(result, said)
        assert len(result.stderr.splitlines()) == 1

    def test_the_list_shows_what_is_in_force_but_no_secret(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CITEWELL_DATABASE_URL", "postgresql://u:pa@ss@db:5432/c?password=pass2")
        monkeypatch.setenv("CITEWELL_LLM_API_KEY", "sk-secret")
        monkeypatch.setenv("CITEWELL_LOG_LEVEL", "error")
        monkeypatch.setenv("CITEWELL_CORS_ORIGINS", "https://a.example, https://b.example")
        Path(".env").write_text("# CITEWELL_OLD=1\nCITEWELL_PORT=8765\nOTHER=1\n")
        result = call("settings")
        assert result.exit_code == 0
        for shown in ("8765", "error", "https://a.example, https://b.example", "@db:5432/c"):
            assert shown in result.stdout
        for secret in ("sk-secret", "pa@ss", "pass2"):
            assert secret not in result.stdout
