"""Measures and the things that they are of: `the deposit for a key` in an English question."""

import re

from citewell.engine.answering.asking.carrying import plain

_MEASURES = re.compile(
    r"(?:deposit|fine|penalt(?:y|ie)|charge|discount|number|amount|price|cost|length|limit|deadline|"
    r"duration|size|weight|life|fee|name|date|head|owner|day|value|level|rate|term|hour|percentage|"
    r"share|begin|end|start|time|accuracy|range)s?"
)
"""Nouns of something that things have, from questions that were asked; one that is missing is taken
for a thing."""

_ASKS_WHETHER = re.compile(r"(?:is|are|was|were) ", re.I)
_WORD = re.compile(r"\S+")
_DETERMINER = re.compile(r"(?:the|an?|my|our|your|each|every)", re.I)
_BEGINS_SAID = re.compile(r"(?:the|an?|more|less|over|under|about|\S?\d\S*)", re.I)
_ADVERB = re.compile(r"(?:very|so|too|also|still|not|always|quite|\w{1,16}ly)", re.I)
_SAID_BY_FORM = re.compile(r"\w{3,16}(?:able|ible)", re.I)
"""Of what is said of a thing, as `transferable`. `table` is none for its short stem; `vegetable` is
taken for one. Words are bounded, so that time is too."""


def is_measure(noun: str) -> bool:
    """Whether a noun phrase names a measure, in the singular or plural."""
    return _MEASURES.fullmatch(plain(noun).split()[-1]) is not None


def end_of_thing(question: str, start: int, end: int) -> int:
    """Where a thing ends whose measure is asked: `chairs` of `the warranty on chairs transferable`.

    A question that begins with the verb ends with what it asks to be so: what begins with an
    article or a figure, or else its last word with the adverbs before it (`nice and firm` is cut
    within). Before another phrase (`chairs transferable to others`) the last word is as often a
    noun, so its form decides.
    """
    words = list(_WORD.finditer(question, start, end))
    first = 2 if words and _DETERMINER.fullmatch(words[0].group()) else 1
    if len(words) <= first or _ASKS_WHETHER.match(question) is None:
        return end
    if end < len(question):
        return words[-2].end() if _SAID_BY_FORM.fullmatch(words[-1].group()) else end
    begins = (n for n in range(first, len(words)) if _BEGINS_SAID.fullmatch(words[n].group()))
    place = next(begins, len(words) - 1)
    while place > first and _ADVERB.fullmatch(words[place - 1].group()):
        place -= 1
    return words[place - 1].end()
