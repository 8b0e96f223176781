"""Joins letter-spaced words of PDFs: "S A L A R Y" and "工 资 表" are words, not letters."""

import re
from collections.abc import Mapping
from itertools import pairwise

from citewell.engine.parsing.readers.pdf_tables import line_key

# Five single letters in a row: four occur as lists of labels and in Vietnamese ("y ở a à").
_LETTERS = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){4,}(?!\S)")
# Characters of Chinese and Japanese: three single ones; words of such texts have no spaces at all.
_HAN = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_HAN_RUN = re.compile(rf"(?<!\S){_HAN}(?: {_HAN}){{2,}}(?!\S)")


def is_spaced(text: str) -> bool:
    """Whether a text has letter-spaced words."""
    return bool(_LETTERS.search(text) or _HAN_RUN.search(text))


def without_spacing(text: str, gaps: Mapping[str, frozenset[int]]) -> str:
    """The text with letter-spaced words joined; two spaces, or a wide gap, part words.

    Letters in the order of the alphabet are labels ("A B C D E") and stay. Where the gaps are not
    known, words that were spaced alike run together.
    """
    if not is_spaced(text):
        return text
    return "\n".join(_joined(line, gaps) for line in text.split("\n"))


def _joined(line: str, gaps: Mapping[str, frozenset[int]]) -> str:
    wide = gaps.get(line_key(line), frozenset())

    def join(found: re.Match[str]) -> str:
        letters = found[0].split(" ")
        if all(a < b for a, b in pairwise(letters)) and not re.match(_HAN, letters[0]):
            return found[0]
        start = len("".join(line[: found.start()].split()))
        return "".join(
            (" " if at and start + at in wide else "") + letter for at, letter in enumerate(letters)
        )

    return _HAN_RUN.sub(join, _LETTERS.sub(join, line))
