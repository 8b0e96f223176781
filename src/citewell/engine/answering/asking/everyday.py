"""Words that people ask with and that no answer repeats: `my husband`, `available`, `mất bao lâu`.

Which of them is left out depends on the library: `brother` in `days off when my brother dies` is
what a document may tell about, and tells nothing where no document has the word.
"""

import re

from citewell.engine.answering.base import Question
from citewell.engine.text.normalisation import fold, normalise


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_ALWAYS = re.compile(
    r"\bhow (?P<en1>big|large|high|good|strict|soon|quickly)\b|"
    r"\b(?P<en2>available|together|exactly|altogether|approximately|roughly|usually|normally|"
    r"whole|entire|officially|precisely)\b|"
    r"\b(?:is|be) it (?P<en3>ok|okay|alright|fine)\b|\b(?P<en4>mid)\b|"
    r"\b(?P<vi>mat|het|ton|khoang|tam|co) bao (?:lau|nhieu)\b"
)
"""Folded words that say how much or how exactly, whatever is asked about."""

_UNHEARD = {
    "en": _split(
        "mum mom mummy dad daddy mother father husband wife girlfriend boyfriend fiance son "
        "daughter brother sister aunt uncle grandma grandpa friend friends mate guy guys folks "
        "buddy myself fit fits arrive arrives put stop happen happens wait waiting hang grab "
        "plan planning enjoy hope exist exists expect prefer deal handle consist contain concern "
        "remain please sort ones suppose supposed wonder wondering belong belongs necessary "
        "certain various particular main actual regularly quickly properly ever still anyway "
        "nowadays later everything anything something lady man woman"
    ),
    "vi": _split(
        "xin chạy mình bạn cụ chú bác cô chị anh em tôi con vợ chồng xong luôn tầm cỡ khoảng "
        "thường dành mất hết tốn lấy giùm giúp ơi nhỉ vậy hả dùm kiếm định tính ghé đứa chừng "
        "cỡ sắp vừa"
    ),
}
"""Words for the one who asks and those around, and verbs of any subject; left out where the
library has them nowhere. Vietnamese ones keep their tone marks."""


_SPEECH = {
    "vi": _split("muốn đứa hôm bữa rốt cuộc liền lỡ giùm dùm ráng nổi lận nghen hen chớ hử"),
}
"""Words of speech, left out even where the library has them: they ask nothing, and a text that has
them answers no better."""


_PARENTS = _split("parent parents mother father mum mom mummy dad daddy")
_CHILDREN = _split("child children kid kids son sons daughter daughters")
_SPOUSES = _split("spouse spouses husband wife partner")
_SIBLINGS = _split("sibling siblings brother brothers sister sisters")
_KIN = (
    _PARENTS,
    _CHILDREN,
    _SPOUSES,
    _SIBLINGS,
    _split("grandparent grandparents grandma grandpa grandmother grandfather"),
    _split("aunt aunts"),
    _split("uncle uncles"),
    _split("fiance girlfriend boyfriend"),
    _split("friend friends mate"),
)
"""English kin and friends; words of one line may stand for each other in a rule on all of them."""

_OPPOSED = (
    _split("husband wife"),
    _split("son daughter sons daughters"),
    _split("mother father mum mom mummy dad daddy"),
    _split("brother sister brothers sisters"),
)
"""Of these one says nothing of the other: leave for the father is none for the mother."""

_SAME = (_split("mother mum mom mummy"), _split("father dad daddy"))
_HOUSEHOLD = _split("family families adults")
_PERSONS = _split(
    "adults members guests visitors customers staff employees students pupils pensioners seniors "
    "residents tenants owners relatives colleagues volunteers contractors trainees"
)
_LEAST = 2
"""Persons of a sentence that make it one for these and no others."""

_VIETNAMESE_KIN = re.compile(
    r"\b(?:(?:anh|chị|em) (?:trai|gái|em|ruột|họ)|vợ|chồng|ông|bà|cha|mẹ|bố|"
    r"ba(?= (?:mẹ|má|tôi))|má|con|cháu|trẻ|bé|"
    r"(?:cô|chú|bác|dì|cậu)(?= (?:tôi|mình|em|ruột)\b|[,.]| hoặc\b))(?![^\W_])"
)

_CALLED = {"bố": "cha", "ba": "cha", "má": "mẹ", "trẻ": "con", "bé": "con", "cháu": "con"}


def is_of_other_kin(question: str, text: str, language: str) -> bool:
    """Whether a text lists kin or persons, and not those that a question asks about.

    `Three days on the death of a spouse, parent or child` holds for no brother, whether the
    library has the word or not.

    Args:
        question: As asked.
        text: A statement.
        language: ISO 639-1 code of the question.
    """
    if language == "vi":
        return _is_of_other_kin_vietnamese(normalise(question), normalise(text))
    asked = frozenset(re.findall(r"[a-z]+", fold(normalise(question))))
    told = frozenset(re.findall(r"[a-z]+", fold(normalise(text))))
    if told & _HOUSEHOLD and sum(not kin.isdisjoint(asked) for kin in (_PARENTS, _CHILDREN)) > 1:
        return False  # `mum, dad and two kids` are a family, or two adults and two children
    listed = [kin for kin in _KIN if not kin.isdisjoint(told)]
    count = len(listed) + len(_PERSONS & told)
    if not listed and count < _LEAST:
        return False
    for kin in _KIN:
        for word in kin & asked:
            if word in told or any(word in same and same & told for same in _SAME):
                continue
            opposed = next((pair for pair in _OPPOSED if word in pair), frozenset[str]())
            if not (kin - opposed) & told:
                return True
    return False


def _is_of_other_kin_vietnamese(question: str, text: str) -> bool:
    asked = {_CALLED.get(one, one) for one in _VIETNAMESE_KIN.findall(question)}
    told = {_CALLED.get(one, one) for one in _VIETNAMESE_KIN.findall(text)}
    return len(told) >= _LEAST and bool(asked) and asked.isdisjoint(told)


def unspoken(question: Question, plain: str) -> frozenset[str]:
    """Get the words of a question that its answer need not hold.

    Args:
        question: With its terms, which say whether the library knows them.
        plain: The question folded, spaces made single.

    Returns:
        Words as the terms have them, lower case with their accents.
    """
    always = {
        word
        for match in _ALWAYS.finditer(plain)
        for word in match.groupdict().values()
        if word is not None
    }
    listed = _UNHEARD.get(question.language, frozenset[str]())
    speech = _SPEECH.get(question.language, frozenset[str]())
    return frozenset(
        word
        for term in question.terms
        if " " not in term.text
        for word in [normalise(term.text)]
        if fold(word) in always or word in speech or (word in listed and not term.is_known)
    )
