"""Commands that README and the guides tell people to type can be typed."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.entrypoints.cli import COMMANDS, load
from citewell.entrypoints.http.app import create_app
from tests.entrypoints.conftest import (
    Installation,
    database_runs,
    installation,
    logging_put_back,
    prepared,
)
from tools.readme import commands, differences, transcript_of, written

__all__ = ["database_runs", "installation", "logging_put_back", "prepared"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "AGENTS.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(?:console|sh)\n(.*?)^```", re.M | re.S)


def typed() -> list[str]:
    """Every command line in the pages' shell blocks, continued lines joined, without comments."""
    lines: list[str] = []
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            joined = block.replace("\\\n", " ")
            # In a transcript only lines after a prompt were typed.
            is_transcript = re.search(r"^\$ ", joined, re.M) is not None
            lines += [
                line.removeprefix("$ ").strip()
                for line in joined.splitlines()
                if line.startswith("$ ") or not is_transcript
            ]
    return sorted({line for line in lines if line and not line.startswith("#")})


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


CITEWELL = [line for line in typed() if re.match(r"(\.venv/bin/)?citewell ", line)]
MAKE = [line for line in typed() if line.startswith("make ")]
CURL = [line for line in typed() if line.startswith("curl ")]


def parse(arguments: list[str]) -> str:
    """Parse a command line against the real commands; returns the command's name.

    Raises:
        typer's usage errors: No such command or option, or an argument that cannot be used.
    """
    word, *arguments = arguments
    assert word in COMMANDS, f"no command `{word}`"
    command, name = load(word), f"citewell {word}"
    while isinstance(command, typer.core.TyperGroup):
        word, *arguments = arguments
        assert word in command.commands, f"no command `{name} {word}`"
        command, name = command.commands[word], f"{name} {word}"
    # As below the whole command: what it takes for help is settled by the first context.
    with command.make_context(name, arguments, help_option_names=["-h", "--help"]):
        return name


class TestCommands:
    def test_there_are_some(self) -> None:
        assert len(CITEWELL) >= 10
        assert len(MAKE) >= 2
        assert len(CURL) >= 5

    def test_every_command_can_be_parsed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(ROOT)
        for line in CITEWELL:
            assert parse(words(line.partition(" > ")[0])[1:]), line

    def test_every_path_is_there(self) -> None:
        paths = {word for line in CITEWELL for word in words(line)[1:]}
        named = [path for path in paths if path.startswith("samples/")]
        assert [path for path in named if not (ROOT / path).exists()] == []

    @pytest.mark.parametrize("line", ["ask --no-such-option x", "asks x", "documents shows x"])
    def test_a_wrong_command_is_noticed(self, line: str) -> None:
        with pytest.raises(Exception, match=r"No such option|no command"):
            parse(words(line))


class TestMake:
    @pytest.mark.parametrize("line", MAKE)
    def test_every_target_exists(self, line: str) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
        wanted = [word for word in words(line)[1:] if "=" not in word]
        assert wanted
        assert set(wanted) <= targets

    def test_help_tells_every_target(self) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        phony = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.M))
        told = set(re.findall(r"^([a-z-]+):.*## \w", makefile, re.M))
        assert told == phony


class TestCurl:
    def test_every_call_fits_a_route(self) -> None:
        def platform() -> Platform:
            raise AssertionError

        paths = create_app(Settings(_env_file=None), platform).openapi()["paths"]  # pyright: ignore[reportArgumentType]
        for line in CURL:
            match = re.search(r"http://127\.0\.0\.1:8000((?:/api)?/v1/[^\s\"]+)", line)
            assert match is not None, line
            stated = re.search(r" -X ([A-Z]+) ", line)
            assumed = "post" if re.search(r" (-d|-F) ", line) else "get"
            called = re.sub(r"\$[A-Z]+", "{}", match[1])
            [fitting] = [path for path in paths if re.sub(r"\{\w+\}", "{}", path) == called]
            assert (stated[1].lower() if stated else assumed) in paths[fitting], line


class TestTranscript:
    @pytest.mark.usefixtures("database_runs", "logging_put_back")
    def test_readme_says_what_the_commands_print(
        self, installation: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If it does not: `make docs`."""
        monkeypatch.chdir(ROOT)

        def execute(arguments: list[str]) -> str:
            result = installation.call(*arguments)
            assert result.exit_code == 0, result.stderr
            return result.stdout

        transcript = written()[2]
        assert not differences(transcript, transcript_of(commands(transcript), execute))
