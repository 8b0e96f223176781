"""Parts of follow-up questions that no language is needed for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english

MAX_ITEM_WORDS = 12
"""An item of a list is named by so many words: the rest of it says something about it."""

MOST_MENTIONED = 300
"""Characters of the words that a follow-up puts in: folded, a few may become very many."""

_CODE = re.compile(
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+)*\b|\b\d{3,4}-\d\b"
)
"""Article and document codes: `R310-6`, `S-PH-02`, `E-18`."""

_WORD = re.compile(r"[^\W_]+")
_WHOLE = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_NUMBERED = re.compile(r"^\s*(?:\(?(?:\d{1,3}|[a-zđ])[.)]|[-*•–])\s+")  # noqa: RUF001
_LEAD = re.compile(r"^[^:]{0,200}:\s+(?=\S)")
_COMMA = re.compile(r"(?<!\s)\s*[,;]\s+(?:and |or |và )?")
_LAST = re.compile(r"(?<!\s)\s+(?:and|or|và)\s+")
"""Between the last things of a list: there is none before a comma."""


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """A question of a conversation that got an answer."""

    question: str
    """Standing alone."""
    sentences: tuple[str, ...] = ()
    """Of the answer, without citation marks; those the reader may not read now left out."""
    quotes: tuple[str, ...] = ()
    """Of the answer's citations."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A follow-up that stands alone now."""

    text: str
    uses_answer: bool = False
    """Whether it holds words of an answer, which stand in documents."""
    must_mention: str = ""
    """Words that took the place of others: an answer without them is one to the question before."""


def items_of(turn: DialogueTurn) -> list[str]:
    """The things that an answer lists, in its order; none where it is no list."""
    lines = [line for sentence in turn.sentences for line in sentence.splitlines() if line.strip()]
    marked = [_named(_NUMBERED.sub("", line)) for line in lines if _NUMBERED.match(line)]
    if len(marked) > 1:
        return marked
    if len(lines) == 1:
        *parts, rest = _COMMA.split(_LEAD.sub("", lines[0]).rstrip("."))
        parts += _LAST.split(rest)
        # Two commas make a list; one may be any clause.
        if len(parts) > 2 or (len(parts) == 2 and ":" in lines[0]):
            return [_named(part) for part in parts]
        return []
    plain = [_named(_LEAD.sub("", line) if n == 0 else line) for n, line in enumerate(lines)]
    return plain if len(plain) > 2 else plain[:2]


def _named(item: str) -> str:
    """The words an item is called by: up to its first clause."""
    first = re.split(r"(?<=\w)[.;:,]\s|\s\(|\s[–—-]\s|\s\|\s", item.strip(), maxsplit=1)[0]  # noqa: RUF001
    return " ".join(first.split()[:MAX_ITEM_WORDS]).rstrip(" .;:,")


def newest_list(turns: Sequence[DialogueTurn], *, at_most: int = 3) -> tuple[int, list[str]]:
    """How many turns ago something was listed, and what; an empty list if nothing was."""
    for back, turn in enumerate(reversed(turns[-at_most:])):
        items = items_of(turn)
        if len(items) > 1:
            return back, items
    return 0, []


def swap_code(question: str, fragment: str) -> str | None:
    """The question with its only code or year replaced by that of the fragment."""
    for pattern in (_CODE, _YEAR):
        new, old = pattern.findall(fragment), pattern.findall(question)
        if len(new) == 1 and len(set(old)) == 1 and new != old:
            return question.replace(old[0], new[0])
    return None


def new_words(fragment: str, question: str) -> str:
    """The words and codes of a fragment that a question does not have, as far as there is room."""
    known = {stem_english(word) for word in words_and_codes(question)}
    new = " ".join(w for w in words_and_codes(fragment) if stem_english(w) not in known)
    return new[:MOST_MENTIONED]


def words_and_codes(text: str) -> list[str]:
    """The folded words of a text; what holds a digit stays whole, as `r310-6` does."""
    found: list[str] = []
    for written in _WHOLE.findall(plain(text)):
        is_code = any(map(str.isdigit, written))
        found += [written] if is_code else _WORD.findall(written)
    return found


def plain(text: str) -> str:
    """Lower case without accents."""
    return fold(normalise(text))


def asked(text: str) -> str:
    """The text ending with one question mark, beginning with a capital."""
    body = " ".join(text.split()).rstrip(" ?.!,;")
    return f"{body[:1].upper()}{body[1:]}?"
