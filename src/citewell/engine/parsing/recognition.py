"""Recognises the text of pictures with Tesseract, where it is installed.

It runs as a process of its own below the one that reads the document: without a network, with that
process's bounds on memory, files and processor time, and it ends when that process does. Source:
Tesseract 5's manual page and its TSV output.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import NamedTuple

from citewell.engine.parsing.cleaning import join_lines
from citewell.kit.sandbox.confinement import die_with_parent

INSTALL = (
    "install Tesseract and its languages (Debian, Ubuntu: `apt install tesseract-ocr"
    " tesseract-ocr-vie`; macOS: `brew install tesseract tesseract-lang`), then have the document"
    " read again"
)
"""Advice for a document whose text could be recognised."""

_HOMEBREW = os.path.join("/", "opt", "homebrew", "bin")
_PATH = os.pathsep.join((os.defpath, "/usr/local/bin", _HOMEBREW))
"""Folders of the program: the reading process has no environment that names others."""

LEAST_CONFIDENCE = 50.0
"""Mean confidence of a page, in percent, below which its text is none: a page upside down gives
letters at 49, pictures of things at 10 to 40, a poor scan 51 and more."""
UNSURE_CONFIDENCE = 75.0
"""Mean confidence below which people are told; clean scans reach 85 to 96."""
_LEAST_WORD = 15.0
"""Confidence of a single word below which it is a speck or a line."""

_LISTING_SECONDS = 10.0


class RecognisedWord(NamedTuple):
    """A word that was recognised."""

    block: int
    paragraph: int
    line: int
    confidence: float
    text: str


@dataclass(slots=True)
class RecognisedPage:
    """The text of one picture."""

    paragraphs: list[str] = field(default_factory=list[str])
    confidence: float = 0.0
    """Mean of its words, in percent."""


class RecognitionError(Exception):
    """A picture could not be read; the message says why."""


class Recogniser:
    """Tesseract with the languages that are wanted and installed, within a time for all pages."""

    def __init__(self, program: str, languages: str, data: frozenset[str], seconds: float) -> None:
        self._program = program
        self._languages = languages
        self._has_directions = "osd" in data
        self._ends = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether the time for the document is used up."""
        return time.monotonic() >= self._ends

    def read(self, picture: bytes | str) -> list[RecognisedPage]:
        """Read a picture: a file's path, or the bytes of one. A TIFF may hold several pages.

        Raises:
            RecognitionError: It is damaged or took too long.
        """
        source, data = ("stdin", picture) if isinstance(picture, bytes) else (picture, None)
        # 1: pages may lie on their side, which a model of its own tells; 3: without it.
        layout = "1" if self._has_directions else "3"
        command = [self._program, source, "stdout", "-l", self._languages, "--psm", layout, "tsv"]
        try:
            done = subprocess.run(  # noqa: S603 - no shell; the path is ours
                command,
                input=data,
                capture_output=True,
                check=False,
                timeout=max(self._ends - time.monotonic(), 0.1),
                # One thread: documents are read side by side.
                env={"OMP_THREAD_LIMIT": "1", "PATH": _PATH, "TMPDIR": tempfile.gettempdir()},
                preexec_fn=_bind if sys.platform == "linux" else None,
            )
        except subprocess.TimeoutExpired as error:
            raise RecognitionError("took too long") from error
        except OSError as error:
            raise RecognitionError(f"Tesseract cannot be started: {error.strerror}") from error
        if done.returncode:
            if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
                raise RecognitionError("took too long")
            raise RecognitionError("the picture is damaged, or of a kind Tesseract does not read")
        return list(_pages(done.stdout.decode("utf-8", "replace")))


_bind = partial(die_with_parent)


def find_program() -> str | None:
    """The path of the program; None where it is not installed."""
    return shutil.which("tesseract", path=_PATH)


def installed_languages(program: str) -> frozenset[str]:
    """The languages whose models are installed; none if the program does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the path is ours
            [program, "--list-langs"],
            capture_output=True, check=False, timeout=_LISTING_SECONDS, env={"PATH": _PATH},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    # The first line says where they are.
    return frozenset(done.stdout.decode("utf-8", "replace").split("\n")[1:]) - {""}


def open_recogniser(languages: str, seconds: float) -> Recogniser | None:
    """Tesseract for one document; None where it, or each of the languages, is missing.

    Args:
        languages: Tesseract's names joined by `+`; those that are not installed are left out.
            Empty to recognise nothing.
        seconds: Time for all pages of the document.
    """
    program = find_program() if languages else None
    if program is None:
        return None
    data = installed_languages(program)
    wanted = [name for name in languages.split("+") if name in data]
    return Recogniser(program, "+".join(wanted), data, seconds) if wanted else None


def _pages(table: str) -> Iterator[RecognisedPage]:
    rows = (line.split("\t") for line in table.splitlines()[1:])
    for _, group in groupby((row for row in rows if len(row) == 12), key=lambda row: row[1]):
        words = [word for row in group if row[0] == "5" and (word := _word(row))]
        yield _page(words)


def _word(row: list[str]) -> RecognisedWord | None:
    text = row[11].strip()
    try:
        confidence = float(row[10])
        place = (int(row[2]), int(row[3]), int(row[4]))
    except ValueError:
        return None
    return RecognisedWord(*place, confidence, text) if text and confidence >= _LEAST_WORD else None


def _page(words: list[RecognisedWord]) -> RecognisedPage:
    letters = sum(len(word.text) for word in words)
    if not letters:
        return RecognisedPage()
    confidence = sum(word.confidence * len(word.text) for word in words) / letters
    if confidence < LEAST_CONFIDENCE:
        return RecognisedPage(confidence=confidence)
    paragraphs: list[str] = []
    for _, group in groupby(words, key=lambda word: (word.block, word.paragraph)):
        lines = [
            " ".join(word.text for word in line)
            for _, line in groupby(group, key=lambda word: word.line)
        ]
        paragraphs.append(join_lines(lines))
    return RecognisedPage(paragraphs, confidence)
