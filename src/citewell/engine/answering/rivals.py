"""Sentences of another subject: one alike in its words, or one with the asked verb only."""

import re
from collections.abc import Iterable, Sequence

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.subjects import capitalised
from citewell.engine.answering.signals import content_of, near_terms, own_terms
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english

_SEVERAL = (Kind.LIST, Kind.PROCEDURE, Kind.COMPARISON, Kind.DEFINITION)
"""Kinds whose answer may need more sentences than one."""

_TELLING = 0.5
"""Weight of a word, relative to the heaviest of the question, from which a sentence without it is
about something else."""

_LITTLE = 0.25
"""Share of the question's weight that the first sentence may lack (`use` for `talks to`)."""

_ALIKE = 0.3
"""Jaccard similarity of their words from which two sentences say the same of two things. Without
this bound answers to the questions of the sample library lose one in a hundred."""

_WHO_DID = re.compile(
    r"^(?:who|which \w+|by whom) (?:has |have |had |was |were )?"
    r"(?!(?:is|are|was|were|do|does|did|can|may|must|shall|should|will|would) )(?P<verb>\w+) "
    r"(?:by )?(?:the |a |an |our |this |that |these )?(?P<thing>\w.*)$"
)
_AI_LAM = re.compile(r"^ai (?:da |la nguoi )?(?P<verb>ky|viet|lap|duyet|soan) (?P<thing>\w.*)$")
_WORD = re.compile(r"[^\W_]+")
_IN_PLACE = re.compile(
    r"\b(?:in|at|ở|tại) (?!(?:January|February|March|April|May|June|July|August|September|October|"
    r"November|December|[A-Z]+\b)\b)([A-ZĐ][^\W\d_]+)"
)
"""A place by its name; months are none, nor are codes."""

_NOT_DOING = (["by"], ["is"], ["are"], ["was"], ["were"])
"""Behind a verb that is none: `trips approved by`, `the team lead is`."""


def without_rivals(material: Material, statements: Sequence[Statement]) -> list[Statement]:
    """Leave out what is said of others, where the first sentence is of what was asked for.

    `Anna holds the forklift certificate` adds nothing to who holds the crane certificate.
    """
    if len(statements) < 2 or material.asked.kind in _SEVERAL:
        return list(statements)
    first, *others = statements
    weights = [term.weight for term in material.question.terms]
    content = content_of(material)
    held = near_terms(material, first) & content
    total = sum(weights[at] for at in content) or 1.0
    if not held or sum(weights[at] for at in content - held) > _LITTLE * total:
        return list(statements)
    least = _TELLING * max(weights[at] for at in content)
    kept = [first]
    for other in others:
        near = near_terms(material, other) & content
        if not near and held == content:
            continue  # neither it nor what stands around it has a word of the question
        lacks = any(weights[at] >= least for at in held - near)
        if near - held or not lacks or not _are_alike(first, other):
            kept.append(other)
    return kept


def _are_alike(one: Statement, other: Statement) -> bool:
    mine, its = (frozenset(_WORD.findall(fold(normalise(each.text)))) for each in (one, other))
    return len(mine & its) >= _ALIKE * len(mine | its)


def is_of_another_thing(material: Material, statement: Statement) -> bool:
    """Whether who did something is asked, and a sentence says who did it to something else.

    In the minutes `the contract was signed by Helen` does not tell who signed the minutes, though
    title and sentence have all the words; `Signed by Helen` does.
    """
    asked = material.asked
    if asked.kind is not Kind.PERSON:
        return False
    text = asked.text.rstrip("?! .")
    match = _WHO_DID.match(text) or _AI_LAM.match(text)
    if match is None:
        return False
    verb = _key(match["verb"])
    things = frozenset(map(_key, match["thing"].split()))
    named = {
        at
        for at in content_of(material)
        if things.issuperset(map(_key, fold(material.question.terms[at].text.lower()).split()))
    }
    said = [_key(word) for word in _WORD.findall(fold(normalise(statement.text)))]
    if _does_it(said, _key(match["thing"].split()[-1]), verb):
        return True
    if not named or named & own_terms(material, statement):
        return False
    # A sentence that begins with the verb is said of the document it stands in.
    return verb in said[1:] and verb not in said[:1] and not _has_any(things, said)


def is_of_another_place(material: Material, statement: Statement) -> bool:
    """Whether a sentence is of another place or branch than the one that is asked about.

    `The office in Gent was opened in 2015` does not tell when the one in Lyon was, though the
    sentence before names Lyon. Not where a name is asked for: the other one may be it.
    """
    asked = capitalised(material.question.text)
    if not asked or material.asked.kind in (Kind.PERSON, Kind.PLACE, *_SEVERAL):
        return False
    above = [
        text for quote in statement.quotes for text in (quote.passage.title, *quote.passage.heading)
    ]
    said = frozenset(_WORD.findall(fold(normalise(" ".join([statement.text, *above])))))
    names = frozenset(fold(normalise(name)) for name in asked)
    if names & said:
        return False
    known = frozenset(_WORD.findall(fold(normalise(" ".join([material.question.text, *above])))))
    return any(
        fold(normalise(match[1])) not in known for match in _IN_PLACE.finditer(statement.text)
    )


def _does_it(said: Sequence[str], thing: str, verb: str) -> bool:
    """Whether the thing itself does what is asked: `both offices clean a stretch of river`.

    `Trips approved by the manager` says who does it to the trips, and `Ada, who trains drivers` who
    does it before.
    """
    follows = (at for at, word in enumerate(said[:-1]) if word == thing and said[at + 1] == verb)
    return any(verb not in said[:at] and said[at + 2 : at + 3] not in _NOT_DOING for at in follows)


def _has_any(things: Iterable[str], said: Sequence[str]) -> bool:
    return any(thing in said for thing in things)


def _key(word: str) -> str:
    return stem_english(word)
