"""Yes or no, where the sentence that answers a question decides it."""

import re

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.narrowing import is_of_another_part, narrowed
from citewell.engine.answering.asking.predicates import asks_listed, is_listed, tells_predicate
from citewell.engine.answering.asking.synonyms import only_otherwise, said_otherwise
from citewell.engine.answering.candidates import is_aside
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.deciding import affirmed, denied_behind, denies_asked
from citewell.engine.answering.reading.subjects import is_function_word, names_of
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.qualifying import (
    CONDITIONS,
    NOT_ALWAYS,
    Listed,
    denials,
    without_ending,
)
from citewell.engine.text.sentences import is_table_row
from citewell.engine.text.stemming import stem_english

LEADS = {"en": ("Yes", "No"), "vi": ("Có", "Không")}

_BEGINS = re.compile(r"(?:yes|no|có|không|vâng|chưa)\b\s*[,.:;–-]", re.IGNORECASE)  # noqa: RUF001

_WITHOUT = re.compile(r"\b(?:is|are) (?:[^,;.]{0,40} )?without (\w+)")
_LIST_MARK = re.compile(r"^\(?\w{1,3}[.)] ")
_CLAUSE_END = Listed(
    en=r"[,;:.] |\b(?:where|because|since|so that)\b", vi=r"[,;:.] |\b(?:vì|bởi)\b"
)
"""Ends the main clause: a reason behind it may deny something else."""

_REASON = re.compile(r"\bdo\b")
"""Ends a Vietnamese clause as well; `đó` and `độ`, which fold to it, do not."""

_CUT = "~"
_AGENT_DENIES = Listed(
    en=r"(?!)", vi=r"\bvà (?:không|chưa|cấm|nghiêm cấm)(?: (?:được|phải|bị|phép))* [^\W_]+"
)
"""A denial behind who does something: `Con dấu do Văn thư giữ và không được mang ra ngoài`."""

_SAYS_BEFORE = Listed(en=r"(?!)", vi=r"\b(?:được|phải|có thể|cần|nên|bị|không|chưa|cấm|miễn phí)\b")
"""Of a clause that says all before `do`: what follows is the reason, no agent."""

_OTHERS = Listed(
    en=r"\b(?:others|the rest|everybody else|everyone else)\b", vi=r"\b(?:còn lại|người khác)\b"
)
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
    # A remark decides nothing.
    if _BEGINS.match(statement.text) or "\n" in statement.text or is_aside(statement.text):
        return statement
    plain = fold(normalise(statement.text))
    names = [material.question.terms[at].text for at in names_of(material.question)]
    if not all(fold(name.lower()) in plain for name in names):
        return statement  # `Staff in Bristol may` says nothing of Đà Nẵng
    if _is_under_denial(material, statement):
        text = f"{leads[1]}: {statement.text}"
        return Statement(text, statement.quotes, statement.score, statement.coverage)
    # Of a row only its cells decide, and only what is listed: `Phòng sử dụng` in the header of a
    # broken printer does not say that it can be used.
    quoted, is_row = statement.quotes[0].text, is_table_row(statement.quotes[0].text)
    if is_row and not asks_listed(material.asked.text):
        return statement
    if not _is_decided(material, quoted if is_row else statement.text):
        return statement
    main = _main_clause(material, statement.text)
    if _rests_on_without(material, main) or _is_denied_by_reason(material, statement.text):
        return statement
    denied = is_denied(material, statement.text)
    if not denied and not affirmed(material.question, statement):
        denied = _is_denied_behind(material, statement.text)
        if not denied:
            return statement
    elif denied and not denies_asked(material.question, main):
        return statement
    language = material.question.language
    limits, within = (NOT_ALWAYS, normalise(statement.text)) if denied else (CONDITIONS, main)
    depends = limits.is_in(within, language)
    if depends or statement.coverage < _MIN_COVERAGE or _is_otherwise(material, statement.text):
        return statement
    text = f"{leads[1] if denied else leads[0]}: {statement.text}"
    return Statement(text, statement.quotes, statement.score, statement.coverage)


def _is_under_denial(material: Material, statement: Statement) -> bool:
    """Whether the nearest heading denies what is asked, and a statement names what of.

    Under `Not repaid` stands `Minibar purchases`: they are not paid back.
    """
    question, language = material.question.text, material.question.language
    heading = statement.quotes[0].passage.heading[-1:]
    # `Có được ở lại không?` denies nothing: it asks.
    if not heading or heading[0].endswith("?") or denials(normalise(heading[0]), language) != 1:
        return False
    if denials(statement.text, language) or denials(_asked(material), language):
        return False
    told = frozenset(_WORD.findall(fold(normalise(heading[0]))))
    is_of_it = said_otherwise(question, language, heading[0]) or any(
        word in told and not is_function_word(word, language) for word in material.asked.words
    )
    own = frozenset(map(stem_english, _WORD.findall(fold(normalise(statement.text)))))
    content = (
        stem_english(fold(term.text.lower()))
        for term in material.question.terms
        if not is_function_word(term.text, language)
    )
    return bool(is_of_it) and not own.isdisjoint(content)


def _is_decided(material: Material, text: str) -> bool:
    """Whether a text says what is asked, of all that is asked about."""
    question, language = material.question.text, material.question.language
    plain = _LIST_MARK.sub("", fold(normalise(text)))
    if _OTHERS.is_in(normalise(text), language) or is_of_another_part(question, text, language):
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
        and denials(main, material.question.language) == 1
        and match[1] not in material.asked.words
        and "without" not in material.asked.words
    )


def is_denied(material: Material, text: str) -> bool:
    """Whether the main clause of a text denies what the question asks."""
    language = material.question.language
    told = denials(_main_clause(material, text), language)
    return (told - denials(_asked(material), language)) % 2 == 1


def _is_denied_behind(material: Material, text: str) -> bool:
    """Whether the main clause of a text denies nothing, and another one denies what is asked."""
    language = material.question.language
    if denials(_asked(material), language) or denials(_main_clause(material, text), language):
        return False
    return denied_behind(material.question, text)


def _asked(material: Material) -> str:
    """The question with its accents, without the `không` that makes it one."""
    asked = material.asked.written or material.asked.text
    return without_ending(asked, material.question.language)


def _is_otherwise(material: Material, text: str) -> bool:
    """Whether a text has only another word for one that is asked about: `dogs` for `pets`.

    A synonym finds a sentence, yet says too little alike to decide. `Allowed` and `forbidden` do.
    """
    question, language = material.question, material.question.language
    return any(
        not is_listed(word) and not is_function_word(word, language)
        for word in only_otherwise(question.text, language, text)
    )


def _main_clause(material: Material, text: str) -> str:
    """The main clause of a text, normalised; in Vietnamese without the reason behind `do`."""
    main, behind = _cut_at_reason(material, text)
    language = material.question.language
    if not behind or _SAYS_BEFORE.is_in(main, language):
        return main
    denied = _AGENT_DENIES.found(behind, language)[:1]
    if any(fold(denial.split()[-1]) in material.asked.words for denial in denied):
        return f"{main}do{behind}"
    return main


def _is_denied_by_reason(material: Material, text: str) -> bool:
    """Whether a text denies something behind `do` only, which need not be what is asked."""
    main, behind = _cut_at_reason(material, text)
    whole = _main_clause(material, text)
    language = material.question.language
    return whole == main and not denials(main, language) and denials(behind, language) > 0


def _cut_at_reason(material: Material, text: str) -> tuple[str, str]:
    """The main clause of a text, normalised, and what stands in it behind `do`."""
    written, language = normalise(text), material.question.language
    if language == "vi":
        written = _REASON.sub(_CUT, written, count=1)
    plain = _LIST_MARK.sub("", written)
    main, _, behind = _CLAUSE_END.split(plain, language)[0].partition(_CUT)
    return main, behind
