"""English follow-ups."""

import re
from collections.abc import Sequence

from citewell.engine.answering.asking.carrying import (
    Carried,
    DialogueTurn,
    asked,
    new_words,
    newest_list,
    plain,
    swap_code,
)
from citewell.engine.answering.asking.comparing import compared_in_english
from citewell.engine.answering.asking.measured import end_of_thing, is_measure
from citewell.engine.text.vocabulary import MONTH_NAMES


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_LEAD_IN = re.compile(
    r"^(?:(?:ok(?:ay)?|thanks|thank you|and|but|so|or|then|also|well|now|yes|no|hm+)\b[,.!]*\s+)+",
    re.I,
)
_OPENING = re.compile(
    r"^(?:(?:and|but|or|so) )?(?:what|how) about |^what of |^(?:and |but |or )?(?:is|are|does|do) "
    r"(?:it|that|this|they|those) (?:the )?(?:same|different|differ|also true|true|also apply|"
    r"apply)"
    r"(?= (?:for|in|at|on|to|with|during)\b)|"
    r"^(?:and |but |or )?(?:the )?same (?:question )?(?=(?:for|in|at|on|with|during)\b)",
    re.I,
)
_JOINED = re.compile(r"^(?:and|but|or)\b[, ]", re.I)
_PREPOSITION = (
    r"in|at|inside|within|on|during|for|with|without|from|to|under|over|above|below|between|by|"
    r"after|before|outside|near|of|as|if|when|while|until|since|per"
)
_BEGINS = re.compile(rf"^(?P<prep>{_PREPOSITION})\s+(?P<np>.+)$", re.I)
_CLASSES = (
    _split("in at inside within on during outside near"), _split("for with without of"),
    _split("from to"), _split("above over below under up between"),
    _split("after before until since"), _split("if when while"),
)  # fmt: skip
"""Prepositions that may take each other's place: `in Bristol`, then `at head office`."""

_TIME = re.compile(
    rf"\b(?:spring|summer|autumn|fall|winter|{'|'.join(MONTH_NAMES)}|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|"
    r"holidays?|days?|weeks?|months?|years?|night|evening|morning|afternoon|christmas|tet|"
    r"(?:19|20)\d\d|probation)\b"
)
_PEOPLE = re.compile(
    r"\b(?:i|we|you|one|they|he|she|staff|people|person|employees?|workers?|managers?|directors?|"
    r"contractors?|visitors?|interns?|trainees?|students?|engineers?|technicians?|starters?|"
    r"parents?|"
    r"mothers?|fathers?|part-timers?|full-timers?|members?|customers?|suppliers?|buyers?|users?|"
    r"drivers?|guests?|children|child|leavers?|volunteers?|everyone|everybody|anyone|anybody|"
    r"charit(?:y|ies)|universit(?:y|ies)|schools?|distributors?)\b"
)
_AUXILIARY = _split(
    "is are was were be been do does did have has had can could may must should will would shall "
    "am need needs 's"
)
_WH = re.compile(
    r"^(?:(?:by|since|until|from|to|for|on|at|in|with)\s+)?"
    r"(?:who|whom|whose|what|which|when|where|why|how(?:\s+(?:long|much|many|often|old|far|soon|"
    r"large|"
    r"big|high|deep|tall|fast))?)\b",
    re.I,
)
_ASKS = re.compile(r"\b(?:who|whom|whose|what|which|when|where|why|how)\b(?!ever)", re.I)
_PARTICIPLE = re.compile(
    r"^(?:\w{2,}ed|paid|held|kept|sent|given|made|done|set|taken|due|sold|built|open|closed|valid|"
    r"available|free|compulsory|allowed|there|bought|found|lost|worn|stored|called|needed|"
    r"refundable|required|responsible|eligible|entitled|able|ready|long|big|large|heavy|deep)$",
    re.I,
)
_VERB = re.compile(
    r"^(?:get|have|need|pay|take|receive|cost|last|work|earn|apply|start|end|begin|open|close|use)$"
)
_ENDS_NP = re.compile(rf"^(?:{_PREPOSITION}|and|or|that|which|who)$", re.I)
_IS_SUBJECT_PRONOUN = _split("i we you one they he she it there people somebody someone anybody")

_PERSON = re.compile(r"\b(?:he|she|him|his|her|hers)\b", re.I)
_THING = re.compile(
    r"\b(?P<own>its|their)\b|\b(?P<that>that|this|these|those)\b(?=\s*[?.,!]|$|\s+(?:is|are|was|"
    r"were|be|apply|applies|mean|means|cost|costs|take|takes|work|works|include|includes|go|"
    r"change|changes|happen|happens|last|lasts|start|end|in|for|at|on|to|by|also|still|too|"
    r"allowed|possible|done|paid|count|counts|(?:more|less|fewer|\w+er) than)\b)|"
    r"\b(?P<it>it|they|them)\b",
    re.I,
)
_PLACE_WORD = re.compile(
    r"\b(?P<there>there)\b(?!\s+(?:is|are|was|were|be|a|an|any|no|some)\b)", re.I
)
_IS_THERE = re.compile(r"\b(?:is|are|was|were|will|would|can|could|may|must|should) there\b", re.I)
_NOUN_FOR = re.compile(
    r"\b(?:this|that|these|those)\s+(?:policy|rule|limit|amount|allowance|contract|document|one|"
    r"period|deadline|fee|price|form|request|claim|benefit|leave|test|procedure|case|date|"
    r"product|model|option|ones|rules|days?)\b",
    re.I,
)
_EXPLETIVE = re.compile(
    r"\bit (?:is|was|will be|be)? ?(?:\w+ )?(?:allowed|possible|ok|okay|necessary|required|legal|"
    r"safe|permitted|true|forbidden|compulsory|better|worth|raining|rains|snows|late|too late)\b"
    r"(?= (?:to|that|if|for|when)\b)|\b(?:is|was) it (?:\w+ )?(?:allowed|possible|ok|okay|"
    r"necessary|"
    r"required|legal|safe|permitted|true|forbidden|compulsory|better|worth)\b(?= (?:to|that|if|"
    r"for))|"
    r"\b(?:does|did|will|would|do) it (?:take|cost|need)\b(?=.* to \w)|\bit takes? .* to \w|"
    r"\b(?:what|which) (?:time|day|date) is it\b",
    re.I,
)
"""`it` that stands for nothing said before: `Is it allowed to smoke?`"""

_ORDINALS = {
    "first": 0, "1st": 0, "former": 0, "one": 0, "second": 1, "2nd": 1, "two": 1, "third": 2,
    "3rd": 2, "three": 2, "fourth": 3, "4th": 3, "four": 3, "fifth": 4, "5th": 4, "five": 4,
    "sixth": 5, "6th": 5, "six": 5, "seventh": 6, "eighth": 7, "last": -1, "latter": -1,
    "final": -1,
}  # fmt: skip
_ORDINAL = re.compile(
    r"\bthe\s+(?P<word>" + "|".join(_ORDINALS) + r")"
    # Named as one of several, or alone before a verb: `the second shift` is something else.
    r"(?:\s+(?:one|item|option|point|step|entry|stage|rule|of (?:them|these|those))\b|"
    r"(?=\s*[?.,!]|$|\s+(?:is|are|was|were|say|says|mean|means|cost|costs|take|takes|last|lasts|have|"
    r"has|go|work|works|kept|stored|paid|done|allowed|apply|applies|be|in|for|on|at)\b))|"
    r"\b(?:number|option|item|step|point|no\.)\s+(?P<number>\d{1,2}|one|two|three|four|five)\b",
    re.I,
)
_ONE = re.compile(
    r"\b(?:which|the \w+er|the \w+est|another|each) ones?\b|\bof (?:it|them|those|these)\b", re.I
)
_NAME = re.compile(r"[A-ZĐ][^\W\d_]+(?:[ ][A-ZĐ][^\W\d_]+){1,3}")
_CAPITAL = re.compile(r"(?<=[\w,] )[A-ZĐ][\w'’-]*(?: [A-ZĐ][\w'’-]*)*")  # noqa: RUF001
_BARE = re.compile(
    r"^(?:(?:by|since|until|from|to|for|on|at|in)\s+)?(?:who|whom|what|when|where|why(?: not)?|"
    r"how(?:\s+(?:long|much|many|often|far|soon|many \w+(?: \w+)?|long before|\w+ ahead))?|"
    r"(?:what|which) (?:form|documents?|date|day|time|limit|amount|conditions?))"
    r"(?:\s+(?:exactly|then|before|ahead|afterwards|in advance))*$",
    re.I,
)
_VERB_ONLY = re.compile(
    r"^(?:who|what|when|how long|how) (?:(?:must|has to|can|may|should|will) )?(?:approves?|"
    r"decides?|"
    r"pays?|signs?|checks?|agrees?|applies|apply|counts?|happens?|qualifies|qualify|benefits?|"
    r"gets? "
    r"(?:it|that)|is responsible|is eligible|is entitled|is affected|is excluded|is covered|is in "
    r"charge|is allowed)$",
    re.I,
)
_ELLIPTIC_IF = re.compile(
    r"^(?:who|what|when|where|how(?: (?:long|much|many|often))?) .*\bif i (?:disagree|refuse|"
    r"fail|am "
    r"late|forget|miss (?:it|that)|do not|don't|cannot|can't)$",
    re.I,
)
_COUNTED = re.compile(
    r"how (?:many|much) (.+?)\s(?:is|are|do|does|did|can|may|must|has|have|will)\b", re.I
)
_SEVERAL = re.compile(r"^(?!(?:the|a|an) )(?:\w+ )?\w{2,}(?<!s)s$", re.I)
_ASKS_ONE = re.compile(r"^(?:\w+ ){0,2}(?:is|does|was|has) ", re.I)
_ARTICLE = re.compile(r"(?:the|a|an) ", re.I)
_SAID_OF = re.compile(
    r"(?<=\w) (?:\w{2,}ed|lost|sent|made|bought|sold|left|given|held|kept|taken|done)\b.*$", re.I
)
"""A participle behind the noun that it is said of."""
_NOUN_WITH_PHRASE = re.compile(
    rf"^(?P<noun>(?:\w+ )?\w+) (?P<prep>to|{_PREPOSITION}) (?P<np>.+)$", re.I
)
_DOES = re.compile(
    r"^(?:who|what|which \w+) (?:(?:can|could|may|must|should|will|would|shall) (?!i\b|we\b|you\b|"
    r"one\b|they\b|he\b|she\b|it\b|the\b|a\b|an\b|my\b)\w+|(?!does\b|is\b|was\b|has\b)\w+s) (?=\w)",
    re.I,
)
"""Before the object of a question for its subject: `Who may use`, `Who approves`."""
_TIME_ALONE = re.compile(r"(?:last|next|this|every|each) ", re.I)
"""Before a time that needs no preposition: `the fee last year`."""


def carry(question: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    """The follow-up with what it leaves out; None: it stands alone, or nothing can be carried."""
    body = _LEAD_IN.sub("", question).strip()
    words = body.rstrip(" ?.!")
    if (opened := _opened(question, body)) is not None:
        return _fragment(opened.rstrip(" ?.!"), turns)
    if (ordinal := _with_item(words, turns)) is not None:
        return ordinal
    if (person := _with_person(words, turns)) is not None:
        return person
    last = turns[-1].question
    if _BARE.match(words) or _VERB_ONLY.match(words) or _ELLIPTIC_IF.match(words):
        rest = _about(last)
        return Carried(asked(f"{words} {rest}")) if rest else None
    return _with_thing(words, last)


def _opened(question: str, body: str) -> str | None:
    """The words after `what about`; None if the question is a clause of its own."""
    if (compared := compared_in_english(body)) is not None:
        return compared
    match = _OPENING.match(question) or _OPENING.match(body)
    if match is not None:
        source = question if _OPENING.match(question) else body
        return source[match.end() :].strip()
    words = body.rstrip(" ?.!")
    if _is_clause(words):
        return None
    if _JOINED.match(question) and len(words.split()) <= 10:
        return body
    begins = _BEGINS.match(words)
    return body if begins and question.rstrip().endswith("?") and len(words.split()) <= 6 else None


def _is_clause(words: str) -> bool:
    parts = words.lower().split()
    if not parts:
        return True
    if parts[0] in ("if", "when", "while", "after", "before"):
        return len(parts) > 1 and parts[1] in _AUXILIARY
    return parts[0] in _AUXILIARY or _ASKS.search(words) is not None


def _fragment(fragment: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    """The question before, of something else."""
    if not fragment:
        return None
    last = turns[-1].question
    match = _ORDINAL.search(
        f"the {fragment}" if not fragment.lower().startswith("the ") else fragment
    )
    if match is not None and (item := _item(match, turns)) is not None:
        back, items = newest_list(turns)
        named = next((each for each in items if plain(each) in plain(last)), None)
        if back and named is not None:
            start = plain(last).index(plain(named))
            return Carried(
                asked(last[:start] + item + last[start + len(named) :]), uses_answer=True
            )
        return Carried(asked(f"What about {item}"), uses_answer=True)
    made = asked(substituted(last, fragment))
    return Carried(made, must_mention=new_words(fragment, last))


def substituted(last: str, fragment: str) -> str:
    """A question with the fragment in the place of what it is like; else beside it."""
    question = last.rstrip(" ?.!")
    if (swapped := swap_code(question, fragment)) is not None:
        return swapped
    begins = _BEGINS.match(fragment)
    if begins is not None:
        return _with_phrase(question, begins["prep"], begins["np"])
    if (swapped := _same_noun(question, fragment)) is not None:
        return swapped
    if (swapped := _same_head(question, fragment)) is not None:
        return swapped
    is_people = _PEOPLE.search(plain(fragment)) is not None
    if is_people and (swapped := _subject_swapped(question, fragment, _PEOPLE)) is not None:
        return swapped
    if is_people and (swapped := _phrase_swapped(question, fragment, _PEOPLE)) is not None:
        return swapped
    bare = re.sub(r"^(?:the|a|an) ", "", fragment)
    if bare[:1].isupper() and (names := list(_CAPITAL.finditer(question))):
        # Not the last of them: `in Bristol` at the end is a place, and so is what comes for it.
        name = names[-1]
        return question[: name.start()] + bare + question[name.end() :]
    if _TIME.search(plain(fragment)):
        made = _with_phrase(question, "in", fragment)
        is_alone = _TIME_ALONE.match(fragment)
        return made.replace(f"in {fragment}", fragment) if is_alone else made
    return _subject_replaced(question, fragment, is_people=is_people)


def _subject_replaced(question: str, fragment: str, *, is_people: bool) -> str:
    """The question about another subject, or about the same of another object."""
    if (thing := _object(question)) is not None and not is_people:
        return f"{question[: thing[0]]}{fragment}{question[thing[1] :]}"
    span = _subject(question)
    if span is not None and question[span[0] : span[1]].lower() in _IS_SUBJECT_PRONOUN:
        return _object_swapped(question, fragment)
    # `Is rabbits for cats included`: one thing is asked about, so several are those of its phrase.
    is_several = _SEVERAL.match(fragment) is not None and _ASKS_ONE.match(question) is not None
    is_of_thing = is_several or (span is not None and is_measure(question[slice(*span)]))
    # `And the fee?` after the deposit for a key: another measure, of the same thing.
    if span is not None and is_of_thing and not is_measure(fragment):
        phrase = _measured(question, span[1])
        if phrase is not None:
            return f"{question[: phrase[0]]}{fragment}{question[phrase[1] :]}"
    if span is not None and not is_people:
        return question[: span[0]] + fragment + question[span[1] :]
    return f"{question} for {fragment}"


def _measured(question: str, start: int) -> tuple[int, int] | None:
    """Where the thing stands whose measure is asked: `a key` of `the deposit for a key`."""
    for begin, end, prep in _phrases(question):
        if begin == start + 1 and prep in ("for", "on", "of"):
            first = begin + len(prep) + 1
            return first, end_of_thing(question, first, end)
    return None


def _same_noun(question: str, fragment: str) -> str | None:
    """`damage to ladders` in the place of `damage to tools`: a noun with another of its phrases."""
    begins = _NOUN_WITH_PHRASE.match(fragment)
    if begins is None:
        return None
    for start, end, prep in _phrases(question):
        head = question[:start].rstrip()
        if prep == begins["prep"].lower() and plain(head).endswith(plain(begins["noun"])):
            return f"{question[:start]}{prep} {begins['np']}{question[end:]}"
    return None


def _object(question: str) -> tuple[int, int] | None:
    """Where the object stands of a question for its subject: `it` of `Who uses it`."""
    does = _DOES.match(question)
    if does is None:
        return None
    behind = [begin for begin, _, _ in _phrases(question) if begin > does.end()]
    return does.end(), (behind[0] - 1 if behind else len(question))


def _object_swapped(question: str, fragment: str) -> str:
    """`for the death of a parent` with another noun at its end."""
    phrases = _phrases(question)
    if not phrases:
        return f"{question}, {fragment}"
    start, end, prep = phrases[-1]
    head, of, _ = question[start:end].rpartition(" of ")
    kept = f"{head}{of}" if of else f"{prep} "
    return f"{question[:start]}{kept}{fragment}{question[end:]}"


def _with_phrase(question: str, prep: str, np: str) -> str:
    """The question with its phrase of a like preposition replaced, or with one more."""
    low = prep.lower()
    alike = next((each for each in _CLASSES if low in each), frozenset({low}))
    is_time = _TIME.search(plain(np)) is not None
    for start, end, found in reversed(_phrases(question)):
        old = question[start:end]
        same_kind = (_TIME.search(plain(old)) is not None) == is_time
        if found in alike and (same_kind or low in ("for", "if", "when")):
            # A participle said of the things holds for the others too: `for tools returned late`.
            said = _SAID_OF.search(old)
            kept = "" if said is None or _SAID_OF.search(f" {np}") else said.group()
            return f"{question[:start]}{prep} {np}{kept}{question[end:]}"
    is_people = low in ("for", "with") and _PEOPLE.search(plain(np)) is not None
    if is_people and (swapped := _subject_swapped(question, np, _PEOPLE)) is not None:
        return swapped
    return f"{question} {prep} {np}"


def _phrases(question: str) -> list[tuple[int, int, str]]:
    """Prepositional phrases: start, end, preposition."""
    words = list(re.finditer(r"\S+", question))
    found: list[tuple[int, int, str]] = []
    for place, word in enumerate(words):
        low = word.group().lower().strip(",;")
        if not re.fullmatch(_PREPOSITION, low) or low == "of" or place == 0:
            continue
        end = len(words)
        for later in range(place + 1, len(words)):
            text = words[later].group().lower().strip(",;")
            stops = _ENDS_NP.match(text) and text not in ("of", "and", "or", "per")
            # `in Bristol paid`, `in Bristol get`: what nothing of the phrase follows is the verb.
            following = words[later + 1].group().lower() if later + 1 < len(words) else ""
            is_verb = _VERB.match(text) or _PARTICIPLE.match(text)
            is_verb = is_verb and (not following or _ENDS_NP.match(following))
            if later > place + 1 and (stops or is_verb or text in _AUXILIARY):
                end = later
                break
        found.append((word.start(), words[end - 1].end(), low))
    return found


def _same_head(question: str, fragment: str) -> str | None:
    """`annual leave` replaced by `sick leave`: the last word is the same."""
    head = plain(fragment).split()[-1]
    stem = head.removesuffix("s")
    words = list(re.finditer(r"\S+", question))
    for place in range(len(words) - 1, -1, -1):
        if plain(words[place].group()).strip(",;").removesuffix("s") != stem:
            continue
        first = place
        while first > 0 and _is_modifier(words[first - 1].group()):
            first -= 1
        if (
            first > 0
            and _ARTICLE.match(fragment)
            and _ARTICLE.match(f"{words[first - 1].group()} ")
        ):
            first -= 1
        return question[: words[first].start()] + fragment + question[words[place].end() :]
    return None


def _is_modifier(word: str) -> bool:
    low = word.lower()
    if low.endswith((",", ";")) or low in _AUXILIARY or _ENDS_NP.match(low) or _WH.match(low):
        return False
    return low not in _split("the a an many much i we you my our get take have")


def _subject(question: str) -> tuple[int, int] | None:
    """Where the subject stands: `probation` of `How long does probation last?`."""
    words = list(re.finditer(r"\S+", question))
    lows = [word.group().lower() for word in words]
    place = next((n for n, low in enumerate(lows) if low in _AUXILIARY), None)
    if place is None or place + 1 >= len(words):
        return None
    first = place + 1
    end = next(
        (n for n in range(first + 1, len(words)) if _ENDS_NP.match(lows[n]) and lows[n] != "of"),
        len(words),
    )
    if lows[place] in ("is", "are", "was", "were", "'s"):
        end = next((n for n in range(first + 1, end) if _PARTICIPLE.match(lows[n].strip(","))), end)
    elif lows[first] in _IS_SUBJECT_PRONOUN:
        end = first + 1
    elif end - first > 1:
        end -= 1  # the verb
    return words[first].start(), words[end - 1].end()


def _subject_swapped(question: str, fragment: str, kind: re.Pattern[str]) -> str | None:
    span = _subject(question)
    if span is None or not kind.search(plain(question[span[0] : span[1]])):
        return None
    return question[: span[0]] + fragment + question[span[1] :]


def _phrase_swapped(question: str, fragment: str, kind: re.Pattern[str]) -> str | None:
    for start, end, prep in reversed(_phrases(question)):
        if kind.search(plain(question[start:end])):
            return f"{question[:start]}{prep} {fragment}{question[end:]}"
    for match in kind.finditer(plain(question)):
        if match.group() not in _IS_SUBJECT_PRONOUN:
            return question[: match.start()] + fragment + question[match.end() :]
    return None


def _about(last: str) -> str:
    """The matter of a question, without its question word: `a trip abroad`."""
    question = last.rstrip(" ?.!")
    rest = _WH.sub("", question).strip()
    words = rest.split()
    if words and words[0].lower() in _AUXILIARY:
        words = words[1:]
    if len(words) > 1 and words[0].lower() in _IS_SUBJECT_PRONOUN:
        words = words[1:]
    return " ".join(words)


def subject_of(last: str) -> str:
    """The thing a question is about, as a noun phrase."""
    question = last.rstrip(" ?.!")
    counted = _COUNTED.match(question)
    if counted:
        what = counted[1]
        head, of, inner = what.partition(" of ")
        return inner if of and is_measure(head) else what
    if (thing := _object(question)) is not None:
        return question[slice(*thing)]
    span = _subject(question)
    if span is None:
        return _about(last)
    found = question[span[0] : span[1]]
    low = found.lower()
    if low in _IS_SUBJECT_PRONOUN:
        verb_phrase = question[span[1] :].split()
        # `I report a lost laptop`: what comes after the verb.
        return " ".join(verb_phrase[1:]) or " ".join(verb_phrase)
    head, of, inner = found.partition(" of ")
    if of and is_measure(head):
        return inner
    return found


def _place_of(last: str) -> str | None:
    for start, end, prep in reversed(_phrases(last.rstrip(" ?.!"))):
        phrase = last[start:end]
        if prep in ("in", "at") and not _TIME.search(plain(phrase)):
            return phrase
    return None


def _with_thing(words: str, last: str) -> Carried | None:
    """Pronouns for things replaced by the subject before."""
    if _EXPLETIVE.search(words):
        return None
    text = words
    if (there := _PLACE_WORD.search(text)) and not _IS_THERE.search(text):
        place = _place_of(last)
        if place is not None and _stands_free(text, there.start()):
            text = text[: there.start()] + place + text[there.end() :]
    noun = _NOUN_FOR.search(text)
    thing = next((each for each in _THING.finditer(text) if _is_pronoun(text, each)), noun)
    if thing is None:
        one = _ONE.search(text)
        if one is not None:
            return Carried(asked(f"{text} of {subject_of(last)}"))
        return Carried(asked(text)) if text != words else None
    if not _stands_free(text, thing.start()):
        return Carried(asked(text)) if text != words else None
    subject = subject_of(last)
    if not subject or plain(subject) in plain(text):
        return None
    if noun is not None and thing.start() == noun.start():
        made = f"{text} ({subject})"
    else:
        owned = thing.groupdict().get("own")
        put = f"{subject}'s" if owned and not subject.endswith("s") else subject
        made = text[: thing.start()] + put + text[thing.end() :]
    place = _place_of(last)
    if place and plain(place) not in plain(made) and not _place_of(made):
        made = f"{made} {place}"
    return Carried(asked(made))


_FREE = _AUXILIARY | _IS_SUBJECT_PRONOUN | _split(
    "many much long often old far soon to of for in at on by from with about the a and not also "
    "still if exactly days day hours weeks months"
)  # fmt: skip
"""Words that no pronoun after them stands for."""


def _is_pronoun(text: str, match: re.Match[str]) -> bool:
    """Whether it stands for a thing: not the department `IT`, not `the rule that applies`."""
    found, rest = match.group(), text[match.end() :].strip(" ?.!,")
    if found.lower() == "it":
        return found != "IT" and not _DEPARTMENT.match(rest)
    if match["that"] is None or not rest:
        return True
    before = re.findall(r"[\w'-]+", text[: match.start()].lower())
    return not before or before[-1] in _FREE or _WH.match(before[-1]) is not None


_DEPARTMENT = re.compile(
    r"(?:and security|department|team|security|polic|staff|support|incident|help|equipment|asset|"
    r"system|head|manager|risk)",
    re.I,
)
"""Words after `it` where it is information technology in small letters."""


def _stands_free(text: str, start: int) -> bool:
    """Whether nothing before the pronoun could be what it means: no noun but the question's own."""
    before = [word for word in re.findall(r"[\w'-]+", text[:start].lower()) if word not in _FREE]
    # One more may be the verb: `Who approves it?`, `May I combine it with ...?`
    return sum(not _WH.match(word) for word in before) <= 1


def _with_item(words: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    match = _ORDINAL.search(words)
    item = _item(match, turns) if match is not None else None
    if match is None or item is None:
        return None
    made = words[: match.start()] + item + words[match.end() :]
    return Carried(asked(f"{made} ({subject_of(turns[-1].question)})"), uses_answer=True)


def _item(match: re.Match[str], turns: Sequence[DialogueTurn]) -> str | None:
    _, items = newest_list(turns)
    if match["word"]:
        place = _ORDINALS[match["word"].lower()]
    else:
        number = match["number"].lower()
        place = int(number) - 1 if number.isdigit() else _ORDINALS[number]
    return items[place] if -len(items) <= place < len(items) else None


def _with_person(words: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    match = _PERSON.search(words)
    if match is None or not _stands_free(words, match.start()):
        return None
    for turn in reversed(turns[-2:]):
        # The answer names the person that `who` asks for; capitals of the question are a post.
        found = _NAME.findall(turn.question[turn.question.find(" ") + 1 :])
        if found and not turn.question.lower().startswith("who"):
            name, uses_answer = found[-1], False
        else:
            text = " ".join(turn.sentences[:1]) + " " + " ".join(turn.quotes[:1])
            known = plain(turn.question)
            names = [each for each in _NAME.findall(text) if plain(each) not in known]
            if not names:
                continue
            name, uses_answer = names[0], True
        is_own = match.group().lower() in ("his", "hers") or (
            match.group().lower() == "her" and re.match(r"\s+\w", words[match.end() :])
        )
        made = words[: match.start()] + (f"{name}'s" if is_own else name) + words[match.end() :]
        return Carried(asked(made), uses_answer=uses_answer)
    return None
