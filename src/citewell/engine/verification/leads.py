"""Whether a statement can stand behind `Yes`: it denies nothing, limits nothing, warns of nothing.

`The buyer may postpone an order once` is no yes to `twice`, and `Water ruins the electrode` is none
to `Can water be used?`. Closed word lists in two languages on folded text. They are wide on
purpose: a `Yes` that is missing costs a word, a wrong one misleads.
"""

import re

from citewell.engine.text.normalisation import fold, normalise

_DENIES = (
    r"not|no|never|none|neither|nor|nobody|nothing|without|cannot|forbidden|prohibited|banned|"
    r"refused|rejected|blocked|excluded|instead|khong|chua|chang|cam|nghiem cam"
)
_DAY = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|"
    r"august|september|october|november|december"
)
_LIMITS = (
    r"only|except|unless|if|provided|depend(?:s|ing)|until|till|once|twice|before|after|within|"
    r"up to|at most|at least|maximum|minimum|limited|subject to|but|however|although|though|"
    rf"from (?:\d|the \d|age|{_DAY})|(?:consent|permission|approval|approved|agreed)|"
    r"some|certain|selected|half|partly|other than|others|the rest|"
    r"tru khi|tru truong hop|ngoai tru|tru|neu|truong hop|truoc|sau khi|trong vong|toi da|"
    r"toi thieu|it nhat|cho den|den het|mot lan|hai lan|dieu kien|dong y|phe duyet|"
    r"nhung|tuy nhien|rieng|con lai|tu (?:ngay|thang|nam|\d)|"
    r"(?<!dia )chi (?:duoc|khi|cam|co|danh|ap dung|cho|trong|o|tai|ban|nhan|mo|can)"
)
_HARMS = (
    r"ruin(?:s|ed)?|damag(?:es?|ed|ing)|destroy(?:s|ed)?|harm(?:s|ed|ful)?|spoil(?:s|t|ed)?|"
    r"breaks?|voids?|voided|corrod\w+|dangerous|hazardous|contaminat\w+|kills?|injur\w+|"
    r"prevents?|avoid(?:ed|s)?|loses?|lost|forfeit\w*|invalid\w*|"
    r"(?:lam|bi|gay) (?:hong|hu|hai|chay|mat)|hu hai|nguy hiem|tranh|vo hieu"
)
_QUALIFIER = re.compile(rf"\b(?:{_DENIES}|{_LIMITS}|{_HARMS})\b|n['’]t\b")  # noqa: RUF001

_ASKING = re.compile(r"\b(?:hay )?(?:khong|chua)(?: (?:a|vay|nhi|the|ha))?[?. ]*$")
"""Ending of a Vietnamese question, whose `không` denies nothing."""


def qualifiers_of(text: str) -> frozenset[str]:
    """Get the words of a text that deny, limit or warn, folded."""
    return frozenset(_QUALIFIER.findall(fold(normalise(text))))


def affirms(text: str, question: str = "") -> bool:
    """Whether a statement denies, limits and warns of nothing that the question does not name.

    Args:
        text: The statement.
        question: As asked; its own words restrict nothing: `Is it free before noon?`.
    """
    asked = _ASKING.sub("", fold(normalise(question)))
    return qualifiers_of(text) <= qualifiers_of(asked)
