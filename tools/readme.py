"""Runs the transcript of README.md anew, in an installation of its own.

python tools/readme.py          # write what the commands print into README.md
python tools/readme.py --check  # only tell whether it still says that (exit code 1 if not)

tests/meta/test_readme.py compares the same transcript with what the commands print inside its own
process, which saves their starts.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TRANSCRIPT = re.compile(
    r"(<!-- transcript -->\n```console\n)(.*?)(```\n<!-- /transcript -->)", re.S
)
WIDTH = 110
"""Characters of a line; longer ones are continued as a terminal does, but between words."""


def commands(transcript: str) -> list[str]:
    """The lines that were typed."""
    return [line.removeprefix("$ ") for line in transcript.splitlines() if line.startswith("$ ")]


def transcript_of(typed: list[str], execute: Callable[[list[str]], str]) -> str:
    """The output of commands in a terminal, but for notices.

    Args:
        typed: The command lines.
        execute: Gives what `citewell` prints with some arguments.
    """
    shown: list[str] = []
    for line in typed:
        program, *arguments = shlex.split(line)
        assert program == "citewell", line
        shown += [f"$ {line}", *_folded(execute(arguments)), ""]
    return "\n".join(shown[:-1]) + "\n"


def run(typed: list[str]) -> str:
    """Run the commands on a new installation; returns what a terminal shows."""
    # Short, for the database's socket; removed with everything in it.
    with tempfile.TemporaryDirectory(prefix="cw-") as home:
        environment = {
            name: value
            for name, value in os.environ.items()  # noqa: TID251 - handed on to the commands
            if not name.startswith("CITEWELL_")
        }
        environment |= {"CITEWELL_HOME": home, "PYTHONUTF8": "1"}

        def execute(arguments: list[str]) -> str:
            return subprocess.run(
                [sys.executable, "-m", "citewell.entrypoints.cli", *arguments],
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True,
            ).stdout  # fmt: skip

        return transcript_of(typed, execute)


def _folded(output: str) -> list[str]:
    lines: list[str] = []
    for line in output.rstrip().splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(line, WIDTH, subsequent_indent=indent) or [""]
    return lines


# The embedder's integers are multiplied by other instructions on other processors, and sums differ
# in the last digits: 0.94 there is 0.95 here.
SCORE = re.compile(r"\b0\.\d\d\b")


def _lines(transcript: str) -> list[str]:
    """The lines of a transcript, but for what depends on the processor."""
    return SCORE.sub("0.nn", transcript).splitlines()


def written() -> re.Match[str]:
    """README's transcript: before it, itself, after it."""
    match = TRANSCRIPT.search(README.read_text(encoding="utf-8"))
    assert match is not None, "README.md has no transcript"
    return match


def differences(transcript: str, fresh: str) -> str:
    """The lines two transcripts do not have in common; empty if nothing."""
    return "\n".join(
        difflib.unified_diff(
            _lines(transcript), _lines(fresh), "README.md", "as it is now", lineterm=""
        )
    )


def main() -> int:
    """Write or check the transcript."""
    match = written()
    readme, fresh = match.string, run(commands(match[2]))
    if "--check" not in sys.argv:
        README.write_text(
            readme[: match.start(2)] + fresh + readme[match.end(2) :], encoding="utf-8"
        )
        return 0
    text = differences(match[2], fresh)
    print(text or "README.md says what the commands print.")
    return 1 if text else 0


if __name__ == "__main__":
    sys.exit(main())
