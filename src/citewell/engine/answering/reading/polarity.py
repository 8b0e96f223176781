"""Yes or no, where the sentence that answers a question decides it."""

import re

from citewell.engine.answering.asking.kinds import Kind
from citewell.engine.answering.asking.narrowing import is_of_another_part, narrowed
from citewell.engine.answering.asking.predicates import tells_predicate
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.subjects import names_of
from citewell.engine.text.normalisation import fold, normalise

LEADS = {"en": ("Yes", "No"), "vi": ("Có", "Không")}

_BEGINS = re.compile(r"(?:yes|no|có|không|vâng|chưa)\b\s*[,.:;–-]", re.IGNORECASE)  # noqa: RUF001

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nobody|nothing|without|cannot|forbidden|prohibited|banned|"
    r"refused|blocked|excluded|khong|chua|cam|nghiem cam)\b|n['’]t\b"  # noqa: RUF001
)
_HARMLESS = re.compile(
    r"\b(?:no (?:more|less|later|fewer|earlier) than|not (?:more|less|later|only|exceed\w*)|"
    r"khong (?:qua|vuot qua|muon hon|duoi|chi|khi|gian|thap hon|it hon)|"
    r"(?:hay|co hay) khong)\b"
)
"""Bounds and other phrases that hold a negator and deny nothing."""

_WITHOUT = re.compile(r"\b(?:is|are) (?:[^,;.]{0,40} )?without (\w+)")
_LIST_MARK = re.compile(r"^\(?\w{1,3}[.)] ")
_CLAUSE_END = re.compile(r"[,;:.] |\b(?:where|because|since|so that|vi|boi)\b")
"""Ends the main clause: a reason behind it may deny something else. Vietnamese `do` names who does
it as often as why: `Con dấu do Văn thư giữ và không được mang ra ngoài`."""

_DEPENDS = re.compile(
    r"\b(?:only|except|unless|if|provided|depends|tru khi|tru truong hop|chi (?:duoc|khi)|neu|"
    r"truong hop)\b"
)
"""Conditions: neither yes nor no is the whole truth, so the sentence speaks for itself."""

_OTHERS = re.compile(r"\b(?:others|the rest|everybody else|everyone else|con lai|nguoi khac)\b")
"""Those of whom something else holds: neither yes nor no is the whole truth."""

_HOLDS_FOR = re.compile(
    r"\b(?:free|allowed|permitted|open|included|mien phi) (?:of charge )?(?:only )?"
    r"(?:for|on|if|up|until|till|after|during|between|with|to|cho|vao|trong) (?P<whom>.+)"
)
"""People or times that something is free for."""

_BEFORE_MAIN = re.compile(
    r"^(?:on|in|at|for|from|during|after|before|with|vao|trong|tai|doi voi|tu|sau)\b"
)
"""A phrase that stands before the main clause: `On Sundays, parking is free`."""

_PARTS = re.compile(r"[,;.] |\b(?:where|because|since|so that|vi|do|boi)\b")
_WORD = re.compile(r"[^\W_]+")

_MIN_COVERAGE = 0.5
"""Share of the question that must be covered before a sentence is taken to decide it: with less
the sentence may speak of something else, and a wrong `yes` is worse than none."""


def lead_with_polarity(material: Material, statement: Statement) -> Statement:
    """Put yes or no before a statement that decides a question which asks for it."""
    leads = LEADS.get(material.question.language)
    if material.asked.kind is not Kind.YES_NO or leads is None:
        return statement
    if _BEGINS.match(statement.text) or "\n" in statement.text:
        return statement
    plain = fold(normalise(statement.text))
    names = [material.question.terms[at].text for at in names_of(material.question)]
    if not all(fold(name.lower()) in plain for name in names):
        return statement  # `Staff in Bristol may` says nothing of Đà Nẵng
    if not _is_decided(material, statement.text):
        return statement
    if _rests_on_without(material, _main_clause(statement.text)):
        return statement
    denied = is_denied(material, statement.text)
    plain = _main_clause(statement.text)
    if statement.coverage < _MIN_COVERAGE or (_DEPENDS.search(plain) and not denied):
        return statement
    text = f"{leads[1] if denied else leads[0]}: {statement.text}"
    return Statement(text, statement.quotes, statement.score, statement.coverage)


def _is_decided(material: Material, text: str) -> bool:
    """Whether a text says what is asked, of all that is asked about."""
    question, language = material.question.text, material.question.language
    plain = _LIST_MARK.sub("", fold(normalise(text)))
    if _OTHERS.search(plain) or is_of_another_part(question, text, language):
        return False
    if narrowed(question, text, language) is not None:
        return False
    clauses = [one for one in _PARTS.split(plain) if one.strip()]
    count = 2 if _BEFORE_MAIN.match(plain) else 1
    told = ", ".join(clauses[:count])
    held = _HOLDS_FOR.search(told)
    if held and material.asked.words.isdisjoint(_WORD.findall(held["whom"])):
        return False
    return tells_predicate(question, material.asked.text, told, language)


def _rests_on_without(material: Material, main: str) -> bool:
    """Whether a clause denies only that something comes with another thing than is asked about.

    `There are drinks without alcohol` does not tell that nobody may drink.
    """
    match = _WITHOUT.search(main)
    return (
        match is not None
        and _denials(main) == 1
        and match[1] not in material.asked.words
        and "without" not in material.asked.words
    )


def is_denied(material: Material, text: str) -> bool:
    """Whether the main clause of a text denies what the question asks."""
    asked = re.sub(r"\b(?:hay )?(?:khong|chua)$", "", material.asked.text)
    return (_denials(_main_clause(text)) - _denials(asked)) % 2 == 1


def _main_clause(text: str) -> str:
    plain = _LIST_MARK.sub("", fold(normalise(text)))
    return _CLAUSE_END.split(plain, maxsplit=1)[0]


def _denials(plain: str) -> int:
    return len(_NEGATION.findall(_HARMLESS.sub(" ", plain)))
