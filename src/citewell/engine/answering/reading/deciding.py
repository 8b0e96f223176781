"""The clause of a statement that decides a question for yes or no, if any does.

`Vehicles are charged in row C, not overnight` denies `Are vehicles charged overnight?` though its
main clause affirms. A `Yes` needs the whole question in what is said; see `verification.leads`.
"""

from citewell.engine.answering.asking.predicates import is_listed
from citewell.engine.answering.asking.synonyms import said_otherwise
from citewell.engine.answering.base import Question
from citewell.engine.answering.reading.base import Statement
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.qualifying import (
    NEEDS,
    NEGATORS,
    VERB_NEGATORS,
    Listed,
    denials,
)
from citewell.engine.text.stemming import stem_english
from citewell.engine.verification.leads import affirms

_LIGHT = {
    "en": frozenset(
        ("allowed", "permitted", "able", "used", "use", "get", "got", "take", "need", "possible",
         "there", "anyone", "anybody", "i", "we", "you", "me", "us", "please", "also", "still",
         "ever", "really")
    ),
    "vi": frozenset(
        ("thể", "cần", "nên", "phép", "bạn", "tôi", "mình", "em", "anh", "chị", "ạ", "vậy", "thế")
    ),
}  # fmt: skip
"""Words that ask and are told in many ways, so that a statement need not repeat them."""

_CLAUSES = Listed(en=r"[,;:.!?] |\b(?:but|and)\b", vi=r"[,;:.!?] |\b(?:và|nhưng|còn)\b")

_DOES = {
    "en": frozenset(
        ("be", "been", "being", "allowed", "permitted", "possible", "able", "enter", "entered",
         "use", "used", "bring", "brought", "take", "taken", "come", "go", "stay", "longer",
         "any", "anymore", "one", "party", "person", "people")
    ),
    "vi": frozenset(
        ("được", "bị", "phép", "cho", "có", "thể", "ai", "tự", "ý", "ra", "vào", "đem", "mang",
         "dùng", "sử", "dụng", "người", "nào")
    ),
}  # fmt: skip
"""Words between a negator and what is denied, and verbs that any permission is told with."""

_MOST = 0.5
"""Share of the question's words that the sentence itself has to hold for a yes; its headings may
hold the others, but never the last one, which is what most questions turn on."""


def affirmed(question: Question, statement: Statement) -> bool:
    """Whether a statement says all of a question and qualifies none of it.

    Args:
        question: As asked.
        statement: The first of the answer.
    """
    wanted = _content(question.text, question.language)
    if not wanted or not affirms(statement.text, question.language, question.text):
        return False
    own = _held(wanted, question, statement.text)
    passage = statement.quotes[0].passage
    above = _held(wanted, question, "\n".join((passage.title, *passage.heading)))
    is_told = wanted[-1] in own and len(own) >= _MOST * len(set(wanted))
    return is_told and own | above >= set(wanted)


def denied_behind(question: Question, text: str) -> bool:
    """Whether a clause behind the main one denies what a question turns on.

    It must say nothing but words of the question, and what stands before it must leave some of
    them open: `Cars are charged in row C, not overnight`. `Refunds are paid in cash, and need no
    receipt` has said all before.

    Args:
        question: As asked.
        text: A statement whose main clause denies nothing.
    """
    language = question.language
    wanted = _content(question.text, language)
    if not wanted or not _held(wanted, question, text) >= set(wanted):
        return False
    clauses = [part for part in _CLAUSES.split(normalise(text), language) if part.strip()]
    for at, clause in enumerate(clauses[1:], 1):
        before = _held(wanted, question, ", ".join(clauses[:at]))
        if before >= set(wanted):
            return False  # what follows is told besides
        if wanted[-1] not in _held(wanted, question, clause) or not _denies(clause, language):
            continue
        if not before and _held(wanted, question, clause) >= set(wanted):
            return denies_asked(question, clause)  # behind `However, in that case,`
        if all(_is_asked(word, wanted, question) for word in _content(clause, language)):
            return True
    return False


def _denies(clause: str, language: str) -> bool:
    """Whether a clause denies a verb or a phrase, once, and not only that it must be so."""
    is_once = denials(clause, language) == 1 and VERB_NEGATORS.is_in(clause, language)
    return is_once and not NEEDS.is_in(clause, language)


def denies_asked(question: Question, main: str) -> bool:
    """Whether what a main clause denies is what is asked, and not something else besides.

    `Visitors may not eat in the lab` does not tell that they are not allowed in it.

    Args:
        question: As asked.
        main: The clause, normalised.
    """
    language = question.language
    wanted = _content(question.text, language)
    denied = NEGATORS.split(main, language)
    for behind in denied[1:]:
        if NEEDS.is_in(" ".join(behind.split()[:2]), language):
            return NEEDS.is_in(normalise(question.text), language)
        content = [word for word in _content(behind, language) if not _is_light(word, language)]
        if content and not _is_asked(content[0], wanted, question):
            return False
    return True


def _is_light(word: str, language: str) -> bool:
    does = _DOES.get(language, frozenset[str]())
    return word in does or word in map(fold, does)


def _is_asked(word: str, wanted: list[str], question: Question) -> bool:
    """Whether a word of a statement is one of the question's, or is said for one."""
    return bool(_held(wanted, question, word)) or _is_light(word, question.language)


def _content(text: str, language: str) -> list[str]:
    """The words of a question that a statement must hold, in their order."""
    light = _LIGHT.get(language, frozenset[str]())
    return [
        word
        for word in words(normalise(text))
        if word not in light and not is_function_word(word, language) and not is_listed(fold(word))
    ]


def _held(wanted: list[str], question: Question, text: str) -> set[str]:
    """Those of the words that a text holds, or says otherwise."""
    told = words(normalise(text))
    is_english = question.language == "en"
    known = {*map(stem_english, told)} if is_english else {*told, *map(fold, told)}
    otherwise = said_otherwise(question.text, question.language, text)
    return {
        word
        for word in wanted
        if (stem_english(word) if is_english else word) in known or fold(word) in otherwise
    }
