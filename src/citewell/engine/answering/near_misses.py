"""Answers that have the words of a question and are about something else beside it.

The weights of `calibration` count words; these rules know which of them an answer cannot do
without. All of them look at passages under headings more strictly: headings say what a passage is
about, so what is neither there nor in the sentence is not what the passage tells.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.boundaries import (
    MONTHS,
    asks_boundary,
    tells_asked_boundary,
)
from citewell.engine.answering.asking.events import events_in, is_of_another_event
from citewell.engine.answering.asking.everyday import is_of_other_kin
from citewell.engine.answering.asking.evidence import asks_for_a_type
from citewell.engine.answering.asking.narrowing import (
    is_of_another_part,
    names_people,
    narrowed,
)
from citewell.engine.answering.asking.predicates import is_listed, tells_listed
from citewell.engine.answering.asking.quantities import asks_money, free_at
from citewell.engine.answering.asking.synonyms import (
    only_otherwise,
    said_otherwise,
)
from citewell.engine.answering.base import Question
from citewell.engine.answering.numbering import is_of_another_number
from citewell.engine.answering.offices import (
    is_of_another_office,
    is_of_several,
    lacks_post,
    only_mentions_post,
)
from citewell.engine.answering.reading.articles import reference_of
from citewell.engine.answering.reading.base import Material, Statement
from citewell.engine.answering.reading.compounds import UnsaidWord
from citewell.engine.answering.reading.conditions import asks_for_rows, pick_rows
from citewell.engine.answering.reading.counting import names_counted
from citewell.engine.answering.reading.grid import grids_of
from citewell.engine.answering.reading.subjects import is_function_word
from citewell.engine.answering.rivals import is_of_another_place, is_of_another_thing
from citewell.engine.answering.scattering import is_scattered, words_held
from citewell.engine.answering.signals import (
    Signals,
    content_of,
    near_terms,
    text_near,
    unsaid_by,
)
from citewell.engine.answering.table_misses import decides_nothing, is_priced_otherwise
from citewell.engine.answering.untold import (
    is_of_another_size,
    is_of_another_year,
    is_of_no_money,
    lacks_amount,
    lacks_names,
    lacks_provision,
)
from citewell.engine.lexical.codes import find_codes
from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.sentences import is_table_row
from citewell.engine.text.stemming import stem_english

NOTHING = 0.0
LOW = 0.59
"""The most that an answer can have whose subject is in doubt: it is given, and never trusted."""

_REWORDED = 0.92
"""The most where a synonym says a word of the question, a range its number, or no one part of the
sentence all of it: given, but not as sure."""

_ENDS_FOR = re.compile(r"\bfor (?:the |an? |our |my |your )?((?:[^\W\d_]{3,} ?){1,2})$")
"""`the notice period for directors`: what is said of others is no answer."""

_COUNTERS = frozenset(("luot", "lan", "cai", "chiec"))
"""Words that count anything: `bao nhiêu lượt` of visitors."""

_WHERE = re.compile(
    r"\b(?:at|in|for|on|to) the ((?:[^\W\d_]{1,30} ?){1,2})|"
    r"\b(?:o|tai|trong|cho) ((?:[^\W\d_]{1,30} ?){1,2})"
)
"""`at the pool`, `for the gym`: beside a synonym, what such a phrase names has to be told. Of other
words people have many that no document repeats (`if I don't like it`)."""

_LIST = 3
"""Items of a list that has one beside the word that it should be of."""

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_IN_YEAR = re.compile(
    rf"\b(?:in|since|until|during|year|nam|thang \d{{1,2}}|{MONTHS}) ((?:19|20)\d\d)\b|"
    r"\b(?:of|for|by) ((?:19|20)\d\d)\W*$"
)
"""A number that is certainly a year, by what stands before it; `of 2000 pounds` has none."""

_NAME = re.compile(r"(?<=[a-z] )([A-Z][a-z]+)(?= ([A-Z][a-z]+))")
"""Two words with capitals, not the first of a question."""

_PAST = re.compile(r"\b(?:did|was|were)\b")

_ASKS_ATTRIBUTE = re.compile(
    r"\bwhat (?P<of>[^\W\d_]{3,}) (?:is|are|was|were|do|does|did|has|have|had)\b|"
    r"\bwhat(?: is| are| was| were|'s| s) the (?P<the>[^\W\d_]{3,}) (?:of|for|on|in|at)\b"
)
"""`What colour is the meter?`, `What is the aim of the form?`. Where the answer is one of a kind
(`Which city`) texts seldom say the kind, so questions for a typed answer are left alone."""

_NO_ATTRIBUTES = frozenset(
    ("case", "item", "job", "kind", "people", "person", "place", "sort", "step", "thing", "type",
     "use", "way", "work")
)  # fmt: skip
"""Nouns in the place of a property's name that name none."""

_MOST_WORDS = 100
"""So many words of a question and of a statement are compared pair by pair."""

_OTHER_AMOUNT = re.compile(
    r"\d{2}[\d.,]{0,12} ?(?:dong|vnd|d\b|euros?|eur|pounds?|gbp|dollars?)|[€£$]"
)
_OWNED = re.compile(
    r"^(?P<what>[^\W\d_]+(?: [^\W\d_]+){0,2}) (?:của|cua) .*\b(?:bao nhiêu|bao nhieu|là gì|la gi)\b"
)
"""`Lương của X là bao nhiêu`: what is asked for stands before its owner."""

_MEASURING = frozenset(("muc", "so", "tong", "gia", "tien", "phi", "khoan", "ty", "le", "cac"))
"""Syllables before or in a property's name that texts leave out beside its number, folded."""

_OBTAINS = re.compile(
    r"\bhow (?:do|can|could|should|would|to) (?:(?:i|we|you|one) )?"
    r"(?:get|obtain|apply for|order|request|renew|replace|register for|sign up for) "
    r"(?:an? |my |our |the |another |new )*(?P<thing>[^\W\d_]{3,})"
    r"(?: (?:for|to|in|on|at|of|from)\b|$)"
)
"""The thing that somebody wants, before a preposition or the end: `a permit for the yard`."""

_HAS_MANY = re.compile(
    r"\bco (?:tat ca |tong cong )?(?:bao nhieu|may)\b|"
    r"\bhow many (?:\w+ ){1,3}(?:are there|does|do|has|have|is|are)\b"
)
"""Asks how many there are of something."""

_EACH = re.compile(r"\b(?:per|each|every|moi|mot lan|a|an) (\w+)")
_SPANS = frozenset(
    ("year", "month", "week", "day", "hour", "time", "nam", "thang", "tuan", "ngay", "gio", "lan",
     "quy", "quarter", "shift", "ca")
)  # fmt: skip


def most_of(material: Material, statement: Statement, signals: Signals) -> float:
    """Get the most that the confidence in a statement can be, 0 to 1; 0 says to abstain."""
    if reference_of(material.question.text) is not None:
        # The article that was asked for, or none was found.
        return NOTHING if lacks_provision(material, statement) else 1.0
    around = _around(statement)
    lacks_year = _lacks_year(material.question, around)
    held = frozenset(words(normalise(statement.text)))
    # A verb and its noun the other way round: `cửa được khóa` answers `khóa cửa`.
    unsaid = [
        word._replace(is_torn=word.is_torn and not held.issuperset(word.text.split()))
        for word in unsaid_by(material, statement)
    ]
    by_synonyms = _subject_by_synonyms(material, statement)
    if (
        _lacks_code(material.question, around)
        or _is_of_other_columns(material, statement, signals)
        or _lacks_owned(material, statement)
        or (lacks_year and (_YEAR.search(around) or _PAST.search(material.asked.text)))
        or (signals.headed and any(word.is_torn and word.is_listed for word in unsaid))
        or _is_of_others(material, statement, signals)
        or _is_of_one_item(material, statement)
        or is_of_another_number(material, statement)
        or _lacks_obtained(material, statement)
        or is_of_another_year(material, statement)
        or is_of_another_size(material, statement)
        or lacks_names(material, statement)
        or is_of_no_money(material, statement)
        or by_synonyms > 1
    ):
        return NOTHING
    # A rule without a year may hold in any.
    if lacks_year or by_synonyms == 1 or _is_in_doubt(material, statement, signals, unsaid):
        return LOW
    is_inferred = (
        _rests_on_synonym(material, statement)
        or _rests_on_range(material, statement)
        or (asks_for_a_type(material.asked) and is_scattered(material, statement))
    )
    return _REWORDED if is_inferred else 1.0


def _is_in_doubt(
    material: Material, statement: Statement, signals: Signals, unsaid: Sequence[UnsaidWord]
) -> bool:
    """Whether a statement may be of something beside what is asked about."""
    if any(signals.headed or (word.is_torn and word.is_first) for word in unsaid):
        return True
    if signals.headed and (
        _lacks_attribute(material, statement) or _lacks_whom(material, statement)
    ):
        return True
    plain = fold(normalise(statement.text))
    asked = material.asked
    return (
        _lacks_beside_synonym(material, statement)
        or is_of_several(material, statement)
        or lacks_post(material, statement)
        or (asks_boundary(asked) and not tells_asked_boundary(asked, plain))
        or is_of_another_thing(material, statement)
        or _rests_on_guess(material, statement)
        or is_of_another_place(material, statement)
        or _is_of_another_part(material, statement)
        or (asked.kind is Kind.YES_NO and not tells_listed(asked.text, plain))
        or _lacks_number(material, statement)
        or _meets_no_condition(material, statement)
        or _limits_each(material, statement)
        or _is_another_sort(material, statement)
        or _tears_name(material, statement)
        or lacks_amount(material, statement)
    )


def _is_of_one_item(material: Material, statement: Statement) -> bool:
    """Whether a list is asked for, and one item alone has the words of the question.

    Definitions of which one is that a working day is no holiday are no list of holidays.
    """
    items = statement.text.splitlines()
    if material.asked.kind is not Kind.LIST or len(items) < _LIST:
        return False
    passages = [quote.passage for quote in statement.quotes]
    led = [item for item in items if item.endswith((":", "："))]  # noqa: RUF001 - full width
    above = "\n".join(["\n".join((one.title, *one.heading, one.context)) for one in passages] + led)
    counts = Counter(word for item in items for word in words_held(material, item))
    return len(counts) > 0 and max(counts.values()) == 1 and not words_held(material, above)


def _is_of_others(material: Material, statement: Statement, signals: Signals) -> bool:
    """Whether a statement tells of other people than the question."""
    question = material.question
    return (
        is_of_other_kin(question.text, statement.text, question.language)
        or is_of_another_event(
            events_in(question.text), statement.text, text_near(material, statement)
        )
        or is_of_another_office(material, statement)
        or (signals.headed > 0 and lacks_post(material, statement))
        or only_mentions_post(material, statement)
    )


def _around(statement: Statement) -> str:
    """The text of a statement and of the passages it cites, with title and headings."""
    passages = [quote.passage for quote in statement.quotes]
    texts = ((one.title, *one.heading, one.names, one.context, one.text) for one in passages)
    return "\n".join([statement.text, *("\n".join(parts) for parts in texts)])


def _lacks_code(question: Question, around: str) -> bool:
    """Whether a code is asked about, and another one of its series is told: R310-8 by R310-D."""
    told = find_codes(around)
    known = {key for code in told for key in (code.key, *code.prefixes())}
    series = {prefix for code in told for prefix in code.prefixes()}
    # Dates and `24/7` look like codes, too, and are written in other ways: no series has them.
    return any(
        code.key not in known and not series.isdisjoint(code.prefixes())
        for code in find_codes(question.text)
    )


def _lacks_year(question: Question, around: str) -> bool:
    """Whether a year is asked about that no passage of the library has, nor the title of this."""
    plain = fold(normalise(question.text))
    asked = {match[1] or match[2] for match in _IN_YEAR.finditer(plain)}
    known = {term.text for term in question.terms if term.is_known}
    return any(year not in known and year not in around for year in asked)


def _is_of_other_columns(material: Material, statement: Statement, signals: Signals) -> bool:
    """Whether a property is asked for by its name, and a table has no column for it.

    Sentences often leave the name out (`It is blue`); a table says in its header what it tells.
    """
    if not is_table_row(statement.quotes[0].text):
        return False
    is_unnamed = material.asked.kind is Kind.PERSON and signals.focus_gap_typed >= 1
    return (
        is_unnamed
        or is_priced_otherwise(material, statement)
        or decides_nothing(material, statement)
        or _lacks_attribute(material, statement)
        or _counts_nothing_asked(material, statement)
    )


def _lacks_obtained(material: Material, statement: Statement) -> bool:
    """Whether it is asked how to get something, and nothing near a statement names it."""
    match = _OBTAINS.search(material.asked.text)
    if match is None or material.question.language != "en":
        return False
    terms = material.question.terms
    thing = {at for at in content_of(material) if fold(terms[at].text.lower()) == match["thing"]}
    return bool(thing) and thing.isdisjoint(near_terms(material, statement))


def _counts_nothing_asked(material: Material, statement: Statement) -> bool:
    """Whether a number of things is asked for that a table names nowhere: people in hotel rates."""
    asked, language = material.asked, material.question.language
    if asked.kind is not Kind.COUNT or not asked.counted or statement.operands is not None:
        return False
    if _COUNTERS.issuperset(asked.counted):
        return False
    near = "\n".join((text_near(material, statement), *(quote.text for quote in statement.quotes)))
    is_measured = re.search(rf"\d ?{re.escape(asked.counted[0])}\b", fold(normalise(near)))
    if is_measured or names_counted(asked, language, near):
        return False
    otherwise = said_otherwise(material.question.text, language, near)
    return otherwise.isdisjoint(asked.counted)


def _lacks_number(material: Material, statement: Statement) -> bool:
    """Whether a number of the question stands nowhere near: `at an interval of 5 minutes`."""
    lacking = content_of(material) - near_terms(material, statement)
    return any(material.question.terms[at].text.isdigit() for at in lacking)


def _meets_no_condition(material: Material, statement: Statement) -> bool:
    """Whether rows are asked for by a condition that no cell of the table meets."""
    quote = statement.quotes[0]
    if not is_table_row(quote.text):
        return False
    grids = (grid for stream in material.streams for grid in grids_of(stream))
    told = [
        grid
        for grid in grids
        if any(
            grid.candidate(row).passage is quote.passage
            and grid.candidate(row).span.start == quote.span.start
            for row in range(len(grid.rows))
        )
    ]
    return any(
        asks_for_rows(material, grid) and (picked := pick_rows(material, grid)) and not picked.rows
        for grid in told
    )


def _lacks_owned(material: Material, statement: Statement) -> bool:
    """Whether a Vietnamese question asks for the X of Y, and nothing near a statement says X.

    A sentence on what the director approves does not tell the director's `lương`.
    """
    question = material.question
    match = _OWNED.search(normalise(question.text))
    if question.language != "vi" or match is None:
        return False
    owned = [word for word in match["what"].split() if fold(word) not in _MEASURING]
    # A chapter's name is above far more than what it is asked of: the nearest heading tells.
    passages = [quote.passage for quote in statement.quotes]
    above = (text for one in passages for text in (*one.heading[-1:], one.context))
    near = "\n".join((statement.text, *above, *(quote.text for quote in statement.quotes)))
    held = frozenset(words(normalise(near)))
    held |= frozenset(map(fold, held)) | said_otherwise(question.text, "vi", near)
    return bool(owned) and held.isdisjoint(owned) and held.isdisjoint(map(fold, owned))


def _is_of_another_part(material: Material, statement: Statement) -> bool:
    """Whether a statement is of another part of a group: new members, children under six.

    `Towels are free for premium members` tells what towels cost; `Premium members pay nothing for
    towels` does not tell what anybody else pays.
    """
    question, language, text = material.question.text, material.question.language, statement.text
    if is_of_another_part(question, text, language):
        return True
    plain = fold(normalise(text))
    free = free_at(plain)
    if free is None or is_table_row(statement.quotes[0].text):
        return False
    is_price = asks_money(material.asked) or free_at(material.asked.text) is not None
    if not is_price and "phi" not in material.asked.words:
        return False
    part = narrowed(question, text, language)
    if part is None or _OTHER_AMOUNT.search(plain):
        return False
    return part < free or names_people(question)


def _limits_each(material: Material, statement: Statement) -> bool:
    """Whether it is asked how many there are, and a statement says how many each may have.

    `Five books per card` does not tell how many books the library has.
    """
    asked = material.asked
    if asked.kind is not Kind.COUNT or not _HAS_MANY.search(asked.text):
        return False
    return any(
        match[1] not in _SPANS and match[1] not in asked.words and not match.group().startswith("a")
        for match in _EACH.finditer(fold(normalise(statement.text)))
    )


def _is_another_sort(material: Material, statement: Statement) -> bool:
    """Whether a statement tells of another sort of what is asked about: green waste, not food's."""
    language = material.question.language
    if language != "en":
        return False
    near = text_near(material, statement)
    held = frozenset(map(stem_english, words(normalise(near))))
    otherwise = said_otherwise(material.question.text, language, near)
    asked = words(normalise(material.question.text))[:_MOST_WORDS]
    known = frozenset(map(stem_english, asked))
    said = words(normalise(statement.text))[:_MOST_WORDS]
    stems = list(map(stem_english, said))
    content = {material.question.terms[at].text.lower() for at in content_of(material)}
    for sort, thing in pairwise(asked):
        if sort not in content or thing not in content or stem_english(sort) in held | otherwise:
            continue
        stem = stem_english(thing)
        before = [said[at - 1] for at in range(1, len(said)) if stems[at] == stem]
        if before and all(
            stem_english(one) not in known and not is_function_word(one, language) for one in before
        ):
            return True
    return False


def _tears_name(material: Material, statement: Statement) -> bool:
    """Whether two words of a name stand apart: a `general rise` and a director elsewhere.

    `The General Director` is neither. In Vietnamese `unsaid_words` sees to it.
    """
    question = material.question
    if question.language != "en":
        return False
    said = list(map(stem_english, words(normalise(text_near(material, statement)))))
    held = frozenset(said)
    together = frozenset(pairwise(said))
    for match in _NAME.finditer(question.text):
        pair = stem_english(match[1].lower()), stem_english(match[2].lower())
        if held.issuperset(pair) and pair not in together:
            return True
    return False


def _rests_on_guess(material: Material, statement: Statement) -> bool:
    """Whether a short word of the question is there in another spelling only: `size` as `site`."""
    terms = material.question.terms
    return any(terms[at].is_guess for at in near_terms(material, statement))


def _rests_on_range(material: Material, statement: Statement) -> bool:
    """Whether a row is told whose range holds the number of the question: no text says it."""
    quoted = {(id(quote.passage), quote.span) for quote in statement.quotes}
    return any(
        (id(reading.passage), reading.candidates[at].span) in quoted
        for reading in material.scores.readings
        for at in reading.in_range
    )


def _rests_on_synonym(material: Material, statement: Statement) -> bool:
    """Whether what is near a statement has another word for one of the question's, not its own."""
    language, text = material.question.language, text_near(material, statement)
    return any(
        not is_function_word(word, language)
        for word in only_otherwise(material.question.text, language, text)
    )


def _lacks_beside_synonym(material: Material, statement: Statement) -> bool:
    """Whether a synonym says a word of a question, and no cited passage says where or what for.

    `Alcohol is served in the restaurant` does not tell whether beer is served at the pool.
    """
    if not _rests_on_synonym(material, statement):
        return False
    question = material.question
    named = {
        word
        for match in _WHERE.finditer(material.asked.text)
        for word in (match[1] or match[2]).split()
    }
    otherwise = said_otherwise(question.text, question.language, _around(statement))
    cited = {id(quote.passage) for quote in statement.quotes}
    held = near_terms(material, statement).union(
        *(one.terms for one in material.scores.readings if id(one.passage) in cited)
    )
    lacking = {fold(question.terms[at].text.lower()) for at in content_of(material) - held}
    return bool(lacking & named - otherwise)


def _subject_by_synonyms(material: Material, statement: Statement) -> int:
    """Whether synonyms alone are all that is near a statement of what a question is about.

    0: one of its words is there itself, or none in any way; 1: synonyms are there, of its heaviest
    word too; 2: none of that. `The age of the ferry` has but `age` of `How old is the bridge?`,
    which is not what it is about; `Smoking is permitted` has what `a cigarette at work` is.
    """
    question = material.question
    near = near_terms(material, statement)
    otherwise = only_otherwise(question.text, question.language, text_near(material, statement))
    subject = {
        at: fold(question.terms[at].text.lower())
        for at in content_of(material)
        if not is_listed(fold(question.terms[at].text.lower()))
    }
    held = [at for at in subject if at in near]
    if not held or not otherwise.issuperset(subject[at] for at in held):
        return 0
    lacking = max((question.terms[at].weight for at in subject if at not in near), default=0.0)
    return 1 if max(question.terms[at].weight for at in held) > lacking else 2


def _lacks_whom(material: Material, statement: Statement) -> bool:
    """Whether a question ends with whom or what it is asked for, and nothing near says them."""
    match = _ENDS_FOR.search(material.asked.text)
    if match is None or material.question.language != "en":
        return False
    words = frozenset(match[1].split())
    named = {
        at for at in content_of(material) if fold(material.question.terms[at].text.lower()) in words
    }
    return bool(named) and named.isdisjoint(near_terms(material, statement))


def _lacks_attribute(material: Material, statement: Statement) -> bool:
    """Whether a property is asked for by its name, and nothing near a statement says it."""
    if material.asked.kind not in (Kind.OTHER, Kind.DEFINITION):
        return False
    match = _ASKS_ATTRIBUTE.search(material.asked.text)
    if match is None or material.question.language != "en":
        return False
    name = match["of"] or match["the"]
    near = near_terms(material, statement)
    return name not in _NO_ATTRIBUTES and any(
        at not in near
        for at in content_of(material)
        if fold(material.question.terms[at].text.lower()) == name
    )
