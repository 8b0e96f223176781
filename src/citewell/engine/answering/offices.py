"""Answers of somebody else than the holder of the post that was asked for."""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.synonyms import said_otherwise, synonyms_in
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.scattering import is_scattered
from citewell.engine.answering.signals import text_near
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.stemming import stem_english

_WHOLE = frozenset(
    ("association", "board", "branch", "business", "club", "company", "firm", "foundation", "group",
     "house", "institute", "library", "museum", "office", "organisation", "organization", "school",
     "site", "society", "theatre", "trust")
)  # fmt: skip
"""Those that a whole belongs to: the director of the museum is its boss. So is that of a name."""

_OF = re.compile(r"\b(?:of|for|in|at|on|to) ")
"""A question that says of what somebody is the head may have another word for that as well."""

_ENGLISH_POST = re.compile(
    r"\bwho(?:'s| s| is| are| was| were) (?:currently |now )?(?:the|our|your|its|their|an?) "
    r"(?:[^\W\d_]+ )?(?P<post>[^\W\d_]+) (?:of|at|for|in|on|to) "
)
"""The noun before the preposition: `director` of `the new director of`."""

_VIETNAMESE_POST = re.compile(
    r"^ai (?:hien |dang ){0,2}(?:la|lam|giu chuc|giu vai tro) (?!nguoi )(?P<post>\w+ \w+)\b|"
    r"^(?!nguoi )(?P<first>\w+ \w+) .*\bla ai$"
)
"""`Ai là giám đốc X?`, `Giám đốc X là ai?`: posts have two syllables or more. Behind `người` stands
a verb (`người ký hợp đồng`), which a text may have elsewhere."""

_DOER = re.compile(r"(?:er|or)$")
_SHORTEST_VERB = 4

_DOING = re.compile(
    r"\b(?:by|to|from|with|for|and|or|of) (?:the|our|your|its|their|an?) (?:\w+ )?$"
)
_NAMED = re.compile(
    r"(?: (?:of|at|for|in) (?:the |our |its )?(?:[\w-]+ ?){1,4}?)?"
    r"(?:,? | \((?:[a-z]+ ){0,3}|: | (?:is|was|are|were) (?:the |Mrs?\.? |Ms\.? |Dr\.? )?)[A-ZĐÀ-Ỹ]"
)
"""Before a post that does something, and behind one whose holder is named."""

_NO_POSTS = frozenset(("contact", "name", "one", "people", "person", "best", "right", "first"))
"""Words in the place of a post that name none."""


def is_of_another_office(material: Material, statement: Statement) -> bool:
    """Whether a synonym stands for whom a question asks about, as the head of something else.

    The director of photography is nobody's big boss.
    """
    question = material.question
    is_of_person = material.asked.kind is Kind.PERSON and question.language == "en"
    if not is_of_person or _OF.search(material.asked.text):
        return False
    text = " ".join(statement.text.split())
    said = frozenset(words(normalise(text)))
    heads = [
        one
        for asked, told in synonyms_in(question.text, "en")
        if asked.isdisjoint(said)
        for one in told
    ]
    return any(
        match[1].islower() and match[1] not in _WHOLE
        for one in heads
        for match in re.finditer(rf"\b(?i:{re.escape(one)}) (?:of|for) (?:the )?(\w+)", text)
    )


def is_of_several(material: Material, statement: Statement) -> bool:
    """Whether people are listed, and what is asked about is said of one and of another.

    `Present: Ann, chair of the council; Bob of the farm office` does not tell who chairs the farm
    office.
    """
    return material.asked.kind is Kind.PERSON and is_scattered(material, statement)


def only_mentions_post(material: Material, statement: Statement) -> bool:
    """Whether who holds a post is asked, and a sentence has the post do something, unnamed.

    `Claims are approved by the chair of the committee` does not tell who the chair is; `by the
    chair, Ann Hale,` does.
    """
    post = _post_of(material)
    if post is None or material.question.language != "en":
        return False
    said = " ".join(statement.text.split())
    places = [match.start() for match in re.finditer(rf"(?i)\b{re.escape(post)}\b", said)]
    return bool(places) and all(
        _DOING.search(said[:at]) and not _NAMED.match(said[at + len(post) :]) for at in places
    )


def lacks_post(material: Material, statement: Statement) -> bool:
    """Whether who holds a post is asked, and nothing near says it: no captain where a ship is."""
    post = _post_of(material)
    if post is None:
        return False
    question = material.question
    near = text_near(material, statement)
    told = said_otherwise(question.text, question.language, near)
    return not (_says(near, post, question.language) or told.issuperset(post.split()))


def _post_of(material: Material) -> str | None:
    """The post whose holder is asked for, folded; None where none is."""
    if material.asked.kind is not Kind.PERSON:
        return None
    if material.question.language == "en":
        match = _ENGLISH_POST.search(material.asked.text)
        post = match["post"] if match else None
    else:
        match = _VIETNAMESE_POST.match(material.asked.text.rstrip("?! ."))
        post = (match["post"] or match["first"]) if match else None
    return None if post in _NO_POSTS else post


def _says(text: str, post: str, language: str) -> bool:
    """Whether a text names a post, or has its verb: `managed by` for the manager."""
    said = words(fold(normalise(text)))
    if language == "en":
        verb = _DOER.sub("", post)
        is_verb = verb != post and len(verb) >= _SHORTEST_VERB
        return stem_english(post) in map(stem_english, said) or (
            is_verb and any(word.startswith(verb) for word in said)
        )
    return f" {post} " in f" {' '.join(said)} "
