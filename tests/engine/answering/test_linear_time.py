"""No pattern of answering takes more than linear time, whatever a document holds."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import product

import pytest

from citewell.engine import answering, text, verification
from citewell.engine.answering.asking.kinds import read_question
from citewell.engine.answering.reading.smalltalk import fixed_reply
from tests.timing import processor_seconds

HOSTILE = (
    " ", "\n", "\t", "a", "A ", "1", "1.", "1,", "1 ", "1-", "- ", ": ", ", ", "; ", ". ", "?", "(",
    "[1]", "[", "a.", "a-", "a/", "x@", "a b ", "not ", "no more ", "and ", "điều ", "1 to ", "$",
    "| ", "tien ", "\"a", "é",
)  # fmt: skip
"""Beginnings, repeated until nothing of them can match in the end."""

ANCHORED = frozenset({"_NEXT", "_RANGE", "_MEASURE", "_VALUE", "_DATA", "_HELD"})
"""Patterns that are only matched at one place, or in a few characters (`marks._MAX_HELD`)."""

SIZE = 2_000
GROWTH = 8
"""A run four times as long may take this much longer: linear, with room for a busy machine;
quadratic time is sixteen times as much."""

FLOOR = 0.1
"""Seconds below which nothing is compared."""


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every compiled pattern that reads passages, those in tables included.

    Questions are read by others, which get `MAX_QUESTION` characters; they are timed as a whole.
    """
    for module in (
        found
        for package in (answering, text, verification)
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    ):
        if module.name.endswith((".kinds", ".smalltalk")):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            yield from ((f"{module.name}.{name}", found) for found in _compiled(value))


def _compiled(value: object) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _compiled(item)
    elif isinstance(value, dict):
        yield from _compiled(list(value.values()))


def seconds(name: str, pattern: re.Pattern[str], source: str) -> float:
    if name.rpartition(".")[2] in ANCHORED:
        return processor_seconds(lambda: pattern.match(source), rounds=1)
    return processor_seconds(lambda: sum(1 for _ in pattern.finditer(source)), rounds=1)


PATTERNS = tuple(patterns())
MODULES = sorted({name.rpartition(".")[0] for name, _ in PATTERNS})


@pytest.mark.parametrize("module", MODULES)
def test_time_grows_with_the_length(module: str):
    """Of each pattern of the module, on each beginning."""
    own = [one for one in PATTERNS if one[0].rpartition(".")[0] == module]
    for (name, pattern), start in product(own, HOSTILE):
        short, long = (start * (size // len(start)) + "\x00" for size in (SIZE, 4 * SIZE))
        taken = seconds(name, pattern, long)
        if taken > FLOOR:
            limit = GROWTH * max(seconds(name, pattern, short), FLOOR / GROWTH)
            assert taken < limit, (name, start)


def test_question_is_read_in_no_time():
    for start in HOSTILE:
        question = start * (4_000 // len(start))

        def read(question: str = question) -> None:
            for language in ("en", "vi"):
                read_question(question, language)
            fixed_reply(question)

        assert processor_seconds(read, rounds=1) < 0.5, start
