"""The HTML files of a run, and the questions asked of them."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

JOB_FILES = 100
SMALLEST, LARGEST = 3_000, 80_000
"""Bytes of a file of the ingest job."""

BYTES_PER_CHUNK = 1_900
"""About, in Debian's kernel documentation (128 MB, 67,000 chunks)."""

_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{2,}")
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{30,160}[.!?]")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files in the order in which they are taken."""

    files: list[Path]
    name: str

    def job(self) -> list[Path]:
        """The ingest job: the first hundred of a middling size."""
        return [path for path in self.files if _is_middling(path)][:JOB_FILES]


def open_corpus(folder: Path, name: str) -> Corpus:
    """All HTML files below a folder, shuffled the same way every time.

    Raises:
        SystemExit: There are not enough.
    """
    files = sorted(folder.rglob("*.html"))
    middling = [path for path in files if _is_middling(path)]
    if len(middling) < JOB_FILES:
        raise SystemExit(f"{name} has {len(middling)} HTML files of 3 to 80 kB, not {JOB_FILES}.")
    random.Random(7).shuffle(middling)
    others = [path for path in files if not _is_middling(path)]
    return Corpus([*middling, *others], name)


def questions(texts: Sequence[str], count: int) -> list[str]:
    """Half six words drawn at random from the corpus, half whole sentences of it; alternating."""
    chance = random.Random(11)
    sample = chance.sample(list(texts), min(len(texts), 4_000))
    words = [word for text in sample for word in _WORD.findall(text)]
    sentences = [sentence for text in sample for sentence in _SENTENCE.findall(text)]
    asked: list[str] = []
    for _ in range(count // 2):
        asked.append(" ".join(chance.sample(words, 6)))
        asked.append(chance.choice(sentences))
    return asked


def _is_middling(path: Path) -> bool:
    return SMALLEST <= path.stat().st_size <= LARGEST
