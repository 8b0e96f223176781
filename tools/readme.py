"""Runs the transcript of README.md anew, in an installation of its own.

python tools/readme.py          # write what the commands print into README.md
python tools/readme.py --check  # only tell whether it still says that (exit code 1 if not)
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
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


def run(typed: list[str]) -> str:
    """Run the commands on a new installation; returns what a terminal shows, but for notices."""
    # Short, for the database's socket; removed with everything in it.
    with tempfile.TemporaryDirectory(prefix="cw-") as home:
        environment = {
            name: value
            for name, value in os.environ.items()  # noqa: TID251 - handed on to the commands
            if not name.startswith("CITEWELL_")
        }
        environment |= {"CITEWELL_HOME": home, "PYTHONUTF8": "1"}
        shown: list[str] = []
        for line in typed:
            program, *arguments = shlex.split(line)
            assert program == "citewell", line
            result = subprocess.run(
                [sys.executable, "-m", "citewell.entrypoints.cli", *arguments],
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
            shown += [f"$ {line}", *_folded(result.stdout), ""]
    return "\n".join(shown[:-1]) + "\n"


def _folded(output: str) -> list[str]:
    lines: list[str] = []
    for line in output.rstrip().splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(line, WIDTH, subsequent_indent=indent) or [""]
    return lines


def main() -> int:
    """Write or check the transcript."""
    readme = README.read_text(encoding="utf-8")
    match = TRANSCRIPT.search(readme)
    assert match is not None, "README.md has no transcript"
    fresh = run(commands(match[2]))
    if "--check" not in sys.argv:
        README.write_text(
            readme[: match.start(2)] + fresh + readme[match.end(2) :], encoding="utf-8"
        )
        return 0
    difference = difflib.unified_diff(
        match[2].splitlines(), fresh.splitlines(), "README.md", "as it is now", lineterm=""
    )
    text = "\n".join(difference)
    print(text or "README.md says what the commands print.")
    return 1 if text else 0


if __name__ == "__main__":
    sys.exit(main())
