"""People and places as answers: names, and the posts that stand for a person."""

import re
from itertools import pairwise

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.kinds import Asked
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vocabulary import MONTH_NAMES

_WORD = re.compile(r"[^\W\d_][\w'’&-]*")  # noqa: RUF001 - a typographic apostrophe is meant
_ENGLISH_POSTS = (
    r"managers?|directors?|officers?|heads?|chairs?|chairman|presidents?|ministers?|"
    r"secretar(?:y|ies)|engineers?|teams?|board|committee|council|staff|employees?|owners?|leaders?|"
    r"executive|king|queen|doctor|nurse|company|department|party|parties|supplier|buyer|"
    r"everyone|everybody|anyone|anybody|nobody"
)
_VIETNAMESE_POSTS = (
    r"giám đốc|trưởng|chủ tịch|phòng|quản lý|cán bộ|nhân viên|người|văn thư|kế toán|công ty|"
    r"hội đồng|ban|bộ phận|thư ký|kỹ sư"
)
_POSTS = re.compile(rf"\b(?:{_ENGLISH_POSTS}|{_VIETNAMESE_POSTS})\b")
_POSTS_WITHOUT_ACCENTS = re.compile(rf"\b(?:{_ENGLISH_POSTS}|{fold(_VIETNAMESE_POSTS)})\b")
"""For texts that have none: `bạn` (you) is no `ban` (board)."""
_DAY = re.compile(
    rf"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|{'|'.join(MONTH_NAMES).title()}|"
    r"[Tt]hứ (?:Hai|Ba|Tư|Năm|Sáu|Bảy)|[Cc]hủ [Nn]hật)\b"
)
"""Capitalised words that name no person and no place."""

_CAPITAL_POSTS = re.compile(
    r"\b(?:(?:Tổng|Phó|Senior|Chief|General|Managing) ){0,2}"
    rf"(?:{_ENGLISH_POSTS}|{_VIETNAMESE_POSTS})\b",
    re.IGNORECASE,
)
_CURRENCIES = frozenset(("gbp", "vnd", "eur", "usd"))

_ASKS_BY_NAME = re.compile(
    r"\b(?:which|what) (?:\w+ )?(?:company|firm|bank|insurer|supplier|provider|agency|carrier|"
    r"contractor|organi[sz]ation|customer|brand|vendor)\b|\bwhat is the name of\b|"
    r"\b(?:hang|cong ty|nha cung cap|ngan hang|to chuc) nao\b|\bten (?:la )?gi$|\bhieu gi$"
)
"""Asks for a name of its own: a post or a kind of firm does not answer it."""

_ASKS_WHICH_PLACE = re.compile(
    r"\b(?:which|what) (?:\w+ )?(?:city|country|state|town|village|river|island|continent)\b|"
    r"\b(?:thanh pho|tinh|nuoc|quoc gia|thi xa|hon dao|con song|chau luc) nao\b"
)
"""Asks for a place by its name: `became a centre in the world` does not tell which city."""

_ASKS_FIRM = re.compile(
    r"\b(?:which|what) (?:\w+ ){2}(?:company|firm|bank|insurer|supplier|provider|agency|carrier|"
    r"contractor|organi[sz]ation|vendor)\b|"
    r"\b(?:hang|cong ty|nha cung cap|ngan hang) (?:(?!nao\b)\w+ ){1,2}nao\b"
)
"""The same with more words about the firm, `công ty bảo hiểm nào`, which lead to the sentence."""

_ASKS_NAMES = re.compile(
    r"\bnames? of (?:all |both |every )?(?:the |your |our |its )?(?:\w+ ){0,3}(?:persons?|people|"
    r"members?|colleagues?|contacts?|officers?|staff|employees?|directors?|managers?|trustees?|"
    r"speakers?|authors?|winners?|teachers?|doctors?|participants?|attendees?)\b|"
    r"\b(?:ho )?ten (?:cua )?(?:cac |nhung |tat ca (?:cac )?)(?:\w+ ){0,2}?(?:nguoi|thanh vien|"
    r"nhan vien|can bo|giao vien|bac si|giam doc|quan ly|dai bieu|tac gia)\b"
)
"""Asks for the names of people: what they are and do names none of them."""

_ASKS_NAMED_PERSON = re.compile(
    r"\b(?:giam doc|truong|pho|chu tich|thu ky|ke toan|quan ly|nguoi|ong|ba|anh|chi|co|thay|bac si|"
    r"nhan vien|thu thu)\b.*\bten (?:la )?gi$"
)
"""Asks for the name of somebody by the post: a decree of the director does not tell it."""

_DOER = re.compile(r"\bdo (?!đó\b|vậy\b)(\w+(?: \w+){1,7})")
"""`do quản đốc phân xưởng duyệt`: before the verb that is asked about stands the one who does it,
within seven words, as long as posts are. Only with tone marks, as `đó` is `do` without."""
_ASKED_VERB = re.compile(
    r"\b(?:ai|nao)((?: (?:la|nguoi|duoc|phai|se|da|dang|can|co|quyen|the|chiu|trach|nhiem))*) (\w+)"
)
"""The verb behind `ai`, and what may stand before it: `ai là người duyệt`."""
_OWES = frozenset(("chiu", "trach", "nhiem"))
"""`chịu trách nhiệm` may be said of the doer in place of the verb behind it."""
_BREAKS_OFF = frozenset(("phải", "bị", "nên", "cần", "được", "không", "chưa", "thì"))
"""`do giấy ẩm phải sửa`: behind these stands what is done to the thing, and `do` told why."""
_DONE_BY = re.compile(
    r"\b(?P<done>\w{2,}(?:ed|en|id|ept|ade|one)) "
    r"(?P<how>by|to) (?P<whose>(?:the|an?|its|our|your|their|his|her|each|every) )?"
    r"(?P<doer>[a-z]\w+)"
    # Up to the noun, or to `caretakers and guests`; a phrase behind tells of a time or place.
    r"(?P<more>(?: (?!(?:in|at|on|for|with|of|to|by|before|after|from|within|than)\b)\w+){0,2})"
)
"""`approved by the warden`, by whatever post; `reported to` one where it is asked to whom."""
_ASKS_TO = re.compile(r"\bto who|\bwhom\b|\bto$")
_NO_DOERS = re.compile(
    rf"(?:noon|midnight|morning|evening|end|start|deadline|close|then|now|tomorrow|law|statute|means|"
    rf"default|way|using|vote|majority|e?mail|post|phone|letter|hand|cheque|card|transfer|bank|cash|"
    rf"last|next|following|return|day|week|month|year|date|hour|half|train|bus|car|"
    rf"(?:mon|tues|wednes|thurs|fri|satur|sun)day|{'|'.join(MONTH_NAMES)})"
)
"""Words behind `by` that tell of a time or a way: those of offices."""
_THINGS_IN_ER = (
    r"(?:\w{0,9}(?:puter|paper|ember|printer|timer|quarter)|ladder|order|letter|number|water|weather|"
    r"power|container|motor|sensor|monitor|calculator|processor|scanner|counter|after|over|under|"
    r"either|another|other|error|floor|door|register|roster|meter|folder|filter|laser|elevator|"
    r"generator|semester|winter|summer|offer|river|corner|cover|boiler|tractor|october|per|server|"
    r"whichever|never|however)s?$"
)
_IS_PEOPLE = re.compile(
    rf"(?:{_ENGLISH_POSTS}|(?!{_THINGS_IN_ER})"
    r"\w{2,16}(?:[eo]r|ist|ian)s?|\w{2,16}(?<!m)[ae]nts|"
    r"(?:employ|train|trust|appoint|nomin|deleg|refer)ees?|nobody|people|guests?|wardens?|parents?|"
    r"hosts?|children|reception|payroll|security|finance|housekeeping|accounts|accounting|"
    r"procurement|management|administration)"
)
"""Somebody without an article behind `by`: posts, nouns of doers by their endings but for things
that have the same (`by computer`), and offices. `by seven`, `by rota` and `by box` are none; rarer
nouns of people (`by monks`) are missed. Words are bounded, so that time is too."""

_PERSON = re.compile(
    r"\b(?:[Ôô]ng|[Bb]à|[Aa]nh|[Cc]hị|[Cc]ô|[Cc]hú|[Tt]hầy|TS\.|ThS\.) (?=[^\W\d_])[A-ZĐÀ-Ỹ]|"
    r"(?<![^\W\d_] )\b[A-ZĐÀ-Ỹ][^\W\d_A-Z]+(?: [A-ZĐÀ-Ỹ][^\W\d_A-Z]+){1,4}"
)
"""A form of address with a name, or the two words and more of a full one, each with a capital."""

_PLACE = re.compile(
    r"\b(?:in|at|on|near|behind|beside|next to|inside|outside|under|above|below|"
    r"opposite|beneath|between|from|o|tai|trong|ngoai|tren|duoi|canh|gan|"
    r"ben|phia|nha|tang|phong|ke|tu|kho|cong) \w"
)


def offers(asked: Asked, text: str, known: frozenset[str]) -> float:
    """How far a text offers a name that the question does not hold, 0 to 1."""
    written = normalise(text)
    plain = fold(written)
    if _ASKS_NAMED_PERSON.search(asked.text):
        return 1.0 if _names_person(text, known) else 0.0
    if asks_by_name(asked):
        # `An outside firm` does not tell which firm, `the Managing Director` not her name.
        return 1.0 if tells_name(asked, text) else 0.0
    if _has_new_name(_without_places(text) if asked.kind is Kind.PERSON else text, known):
        return 1.0
    if asked.kind is Kind.PLACE:
        if _ASKS_WHICH_PLACE.search(asked.text):
            return 0.0
        return 0.6 if _PLACE.search(plain) else 0.0
    if asked.kind is Kind.PERSON and _names_doer(asked, written, plain, known):
        return 0.6
    # `the chair` does not tell who the chair is.
    pattern = _POSTS_WITHOUT_ACCENTS if written == plain else _POSTS
    posts = (fold(match.group()) for match in pattern.finditer(written))
    return 0.6 if any(not known.issuperset(post.split()) for post in posts) else 0.0


def _names_doer(asked: Asked, written: str, plain: str, known: frozenset[str]) -> bool:
    """Whether somebody who does what is asked about is named, by whatever post."""
    found = _ASKED_VERB.search(asked.text)
    verbs = known if found is None else {found[2], *_OWES.intersection(found[1].split())}
    for match in _DOER.finditer("" if written == plain else written):
        words = match[1].split()
        place = next((n for n, word in enumerate(words) if fold(word) in verbs), 0)
        # Somebody new, then the verb that is asked about.
        if place and fold(words[0]) not in known and _BREAKS_OFF.isdisjoint(words[:place]):
            return True
    stems = {stem_english(word) for word in known}
    how = "to" if _ASKS_TO.search(asked.text) else "by"
    return any(
        match["how"] == how
        and stem_english(match["done"]) in stems
        and match["doer"] not in known
        and not _NO_DOERS.fullmatch(match["doer"])
        # `by seven`, `by rota`: a time or a way goes without an article, people seldom do.
        and (how == "to" or bool(match["whose"]) or _names_people(match, known))
        for match in _DONE_BY.finditer(plain)
    )


def _names_people(match: re.Match[str], known: frozenset[str]) -> bool:
    """Whether a doer without an article is somebody by the noun."""
    words = [match["doer"], *match["more"].split()]
    return any(_IS_PEOPLE.fullmatch(word) and word not in known for word in words)


def asks_names(asked: Asked) -> bool:
    """Whether a question wants the names of several people."""
    return _ASKS_NAMES.search(asked.text) is not None


def asks_firm(asked: Asked) -> bool:
    """Whether a question wants the name of a firm that it describes."""
    return _ASKS_FIRM.search(asked.text) is not None


def tells_name(asked: Asked, text: str) -> bool:
    """Whether a text has a name of its own that is new to the question."""
    return _has_new_name(_without_posts(text), asked.words)


def tells_names(asked: Asked, text: str) -> bool:
    """Whether a text names people: a full name, or two words with capitals within sentences."""
    others = _DAY.sub(lambda match: "-" * len(match.group()), _without_posts(text))
    inner = (fold(normalise(match.group())) for match in _INNER_CAPITAL.finditer(others))
    return _names_person(others, asked.words) or len(set(inner) - asked.words) > 1


def asks_by_name(asked: Asked) -> bool:
    """Whether a question wants a name of its own, not a post or `the residents`."""
    return asked.kind is Kind.PERSON and _ASKS_BY_NAME.search(asked.text) is not None


_IN_PLACE = re.compile(
    r"\b(?:[Ii]n|[Aa]t|[Nn]ear|[Tt]ại|[Ởở]) [A-ZĐÀ-Ỹ][\w-]*(?: [A-ZĐÀ-Ỹ][\w-]*)*"
)
"""`In Bristol leave is 52 weeks` names nobody."""

_MARK = re.compile(r"^\s*\(?\w{1,3}[.)]\s+")
"""Number of an item, behind which a sentence begins."""


def _without_places(text: str) -> str:
    return _IN_PLACE.sub(lambda match: "-" * len(match.group()), _MARK.sub("", text))


def _without_posts(text: str) -> str:
    return _CAPITAL_POSTS.sub(lambda match: "-" * len(match.group()), text)


_INNER_CAPITAL = re.compile(r"(?:(?<=[^\W\d_,:;] |[,:;] )|(?<=\b[A-Z]\. ))[A-ZĐÀ-Ỹ][^\W\d_A-Z]+")
"""A word with a capital behind another word, a comma or an initial, not at the beginning of a
sentence."""


def _names_person(text: str, known: frozenset[str]) -> bool:
    """Whether a person is named by words that the question does not hold."""
    for match in _PERSON.finditer(_without_posts(text)):
        words = [fold(normalise(word)) for word in match.group().split()]
        if len(match.group().split()[-1]) == 1 or not known.issuperset(words):
            return True
    return False


def _has_new_name(text: str, known: frozenset[str]) -> bool:
    """Whether a capitalised word that does not begin the text is new to the question."""
    text = _DAY.sub(lambda match: "-" * len(match.group()), text)
    words = list(_WORD.finditer(text))
    for before, word in pairwise(words):
        plain = fold(normalise(word.group()))
        is_code = word.group().isupper() and ("-" in word.group() or plain in _CURRENCIES)
        if not word.group()[0].isupper() or plain in known or is_code:
            continue
        between = text[before.end() : word.start()]
        begins = not {".", "\n", ";", "|"}.isdisjoint(between)  # of a sentence, or a column's name
        if not begins or (len(word.group()) > 1 and word.group().isupper()):
            return True
    return (
        len(words) > 1
        and ":" not in text[words[0].end() : words[1].start()]
        and words[0].group()[0].isupper()
        and (words[1].group()[0].isupper() and fold(normalise(words[0].group())) not in known)
    )
