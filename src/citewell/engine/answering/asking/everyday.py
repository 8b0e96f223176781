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
    return frozenset(
        word
        for term in question.terms
        if " " not in term.text
        for word in [normalise(term.text)]
        if fold(word) in always or (word in listed and not term.is_known)
    )
