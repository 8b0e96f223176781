"""Document codes: `123/2020/NĐ-CP`, `HR-POL-007`, `TCVN 5574:2018` as one key each."""

import re
import unicodedata
from dataclasses import dataclass

from citewell.engine.text.normalisation import fold, normalise

_MAX_CODES = 200
"""Per text: a price list may hold thousands of article numbers, a chunk does not."""

_MAX_GROUPS = 8
"""Longer chains are paths and tables, not codes."""

# Marks that join the parts of a code. PDF texts often have typographic hyphens in place of the
# ASCII one.
_JOIN = r"[-/._:\u2010-\u2013]"
_TAIL = rf"(?:{_JOIN}[^\W_]+)"
# Groups joined without a space ("HR-POL-007", "123/2020/NĐ-CP"), or letters that run into digits
# ("ISO27001"). Dates and prices match too; plain numbers are sorted out afterwards, and a date as a
# code does no harm.
_JOINED = re.compile(rf"(?<![^\W_])(?:[^\W_]+{_TAIL}+|[^\W\d_]{{1,6}}\d[^\W_]*)(?![^\W_])")
# A name before a number ("TCVN 5574:2018"). In a passage the name must be in capitals, or every
# "page 12" would be a code; a question is typed in any case.
_NAMED = r"(?<![^\W_]){name}(?:[-/]{name}){{0,3}} \d+{tail}*(?![^\W_])"
_NAMED_STRICT = re.compile(_NAMED.format(name="[A-ZĐ]{2,6}", tail=_TAIL))
_NAMED_LOOSE = re.compile(_NAMED.format(name=r"[^\W\d_]{2,6}", tail=_TAIL))
# Amounts with separators ("1,000.50") are numbers, which the ordinary terms cover.
_PLAIN_NUMBER = re.compile(r"\d+(?:[.,:]\d+)?|\d{1,3}(?:[.,]\d{3})+")
_DIGIT = re.compile(r"\d")
# Runs of digits or of letters: the parts of the key, so that "ISO27001" and "ISO 27001" meet.
_GROUP = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Code:
    """A code as written, and the key under which all its spellings meet."""

    text: str
    key: str

    def prefixes(self) -> list[str]:
        """Return the keys of its leading parts that hold a number: `123-2020`, `123-2020-nd`."""
        groups = self.key.split("-")
        heads = ("-".join(groups[:end]) for end in range(2, len(groups)))
        return [head for head in heads if _DIGIT.search(head)]


def code_key(text: str) -> str:
    """Return the key of a code: case, accents and the kind of joiner do not matter.

    `ISO-27001`, `iso 27001` and `ISO27001` all give `iso-27001`.
    """
    return "-".join(_GROUP.findall(fold(normalise(text))))


def find_codes(text: str, *, is_query: bool = False) -> list[Code]:
    """Return the codes of a text, each once, in order of kind and place.

    Args:
        text: Text in its own case: in a passage, `ISO 27001` is a code and `year 2020` is not.
        is_query: Take any word before a number for a code's name, as people type lower case;
            what is no code is in no passage and costs nothing.
    """
    if not _DIGIT.search(text):
        return []
    text = unicodedata.normalize("NFKC", text)
    named = _NAMED_LOOSE if is_query else _NAMED_STRICT
    found: dict[str, Code] = {}
    for pattern in (_JOINED, named):
        for match in pattern.finditer(text):
            written = match.group()
            if _PLAIN_NUMBER.fullmatch(written) or not _GROUP.search(written):
                continue
            key = code_key(written)
            groups = key.split("-")
            if 2 <= len(groups) <= _MAX_GROUPS and any(group[0].isdigit() for group in groups):
                found.setdefault(key, Code(written, key))
            if len(found) >= _MAX_CODES:
                return list(found.values())
    return list(found.values())
