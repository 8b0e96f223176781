"""Kinds of questions: a person, a date, a number of things, a list, yes or no.

Read from its question words by rules, in English and in Vietnamese with and without tone marks.
All patterns run on text without accents, because half of the Vietnamese questions are typed so.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property

from citewell.engine.answering.asking.answer_kinds import Aggregate, Kind
from citewell.engine.answering.asking.contrasting import COMPARATIVES, AskedContrast, contrast_of
from citewell.engine.answering.asking.keywords import kind_of_keywords
from citewell.engine.answering.asking.spoken import as_written
from citewell.engine.answering.base import Question
from citewell.engine.text.normalisation import fold, normalise
from citewell.engine.text.vietnamese import has_diacritics


@dataclass(frozen=True)
class Asked:
    """A question's kind with what its words say of the answer."""

    text: str
    """The question in lower case without accents, spaces made single."""
    kind: Kind
    aggregate: Aggregate | None = None
    counted: tuple[str, ...] = ()
    """The words after `how many`, without accents: what the number must count."""
    sides: tuple[str, str] | None = None
    """The two things a comparison names, without accents."""
    is_more: bool | None = None
    """Whether the side that has more is asked for, or the one with less; None: neither is."""
    is_current: bool = False
    """Whether it asks for what holds now: the newest passage leads."""
    is_clock: bool = False
    """Whether a time of day is asked for."""

    written: str = ""
    """The same as `text` with its accents; empty where only that is known."""

    instructions: frozenset[str] = frozenset()
    """Words that say what to do (`highest`, `compare`, `now`), not what about; with their accents,
    as `thế` asks and `thẻ` is asked about."""

    @cached_property
    def words(self) -> frozenset[str]:
        """The question's words, without accents: what it says already is no answer."""
        return frozenset(self.text.split())


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_FEW = (
    r"(?<!xe )\bmay (?:nguoi|ngay|lan|gio|nam|thang|tuan|buoi|loai|cap|bac|muc|khoan|cau|ca|phong|"
    r"hinh|buoc|cach|ban|chiec|cai|suat|diem|dieu|chuong|tang)\b"
)
"""`mấy` before what is counted; `may` alone is a machine, or to sew."""

_TERM = r"(?:notice|trial|warranty|guarantee|probation(?:ary)?) (?:period|duration)|duration"
"""Things that last a length of time; other periods run from day to day, or have a name."""

_ENGLISH: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.COMPARISON, r"\b(?:compare[ds]?|comparison|differences?|differ|versus|vs)\b"),
        (
            Kind.PROCEDURE,
            r"^how (?:do|does|can|could|should|must|to|would|is .* (?:done|made|fitted))\b|"
            r"\bwhat (?:should|must|do|shall|can) (?:i|we|you|one|staff|people|employees?) do\b|"
            r"\bwhat do (?:i|we|you) (?:have|need) to do\b|"
            r"\b(?:steps|procedure|process|instructions) (?:to|for|of)\b|"
            r"\bwhat happens (?:when|if)\b|"
            r"\bhow (?:do|can|should|must|to)\b",
        ),
        (
            Kind.CONTACT,
            # `Can I steer it from my phone?` asks for no number.
            r"^(?!(?:can|could|may|must|should|am) (?:i|we|my|the|one)\b).*"
            r"\b(?:e-?mail|phone|telephone|fax|hotline|web|internet)(?: address| number)?\b"
            r"(?= (?:of|for|do|does|is|can|should)\b|$)|\b(?:which|what) (?:number|extension)\b|"
            r"\b(?:extension (?:of|for|number)|account number)\b|"
            r"\bwhere (?:do|can|should) \w+ write\b",
        ),
        (
            Kind.PERSON,
            # In `Which script is for people who use it?` nobody asks for a person.
            r"^(?!(?:what|which|when|where|how|why)\b)(?:[^ ]+ ){0,40}?who(?:m|se)?\b|"
            r"\b(?:which|what) (?:\w+ )?(?:person|employee|director|manager|"
            r"company|firm|bank|insurer|supplier|provider|agency|carrier|contractor|organi[sz]ation|"
            r"customer|brand|vendor)\b|\bwhat is the name of\b",
        ),
        (
            Kind.DURATION,
            r"\bhow long\b|"
            rf"^what(?: is|s)? (?:the |my |your |our )?(?:\w+ )?(?:{_TERM})\b(?!.*\bcalled\b)|"
            rf"^(?:the )?(?:\w+ )?(?:{_TERM}) (?:of|for)\b|"
            r"\bfor how (?:long|many (?:seconds|minutes|hours|days|weeks|months|years))\b",
        ),
        (
            Kind.COUNT,
            # A `registration number of the van` counts nothing.
            r"\bhow many\b|\b(?:what|which) number of\b|\bwhat(?: is|'s| s| was) the "
            r"(?:(?:total|default|average|exact|overall|maximum|minimum|highest|lowest|usual) )?"
            r"number of (?!the\b|an?\b|my\b|your\b|our\b)",
        ),
        (
            Kind.TIME,
            # `What is paid when a patent is filed?` asks for no time.
            r"^(?:\w+ ){0,2}when\b(?!.*\b(?:what|which|who)\b)|\bwhen$|"
            r"\b(?:what|which) (?:year|date|month|day|century|decade|time)\b|"
            r"\bsince what\b|\b(?:until|till|by|since) when\b|"
            r"\bhow (?:late|early)\b|\bwhat is the (?:date|deadline|due date)\b|\bhow soon\b",
        ),
        (
            Kind.AMOUNT,
            r"\bhow (?:much|old|far|large|big|tall|high|often|deep|heavy|fast|hot|wide)\b|"
            r"\bwhat(?: is| are| was| were|'s)? (?:the )?(?:\w+ ){0,3}"
            r"(?:percent|percentage|amount|price|cost|size|limit|fee|rate|salary|budget|"
            r"allowance|discount|revenue|profit|quantity|accuracy|share|weight|height|depth|width|"
            r"distance|speed|temperature|capacity|area|fine|penalty|deposit|charge|fare|turnover)\b|"
            r"^what (?:do|does|did|will|would|must|should) (?:\w+ ){1,6}(?:pay|owe)\b|"
            r"\bwhat is (?:a|the) (?:new|replacement|spare|second) (?:one|set|pair)$|"
            # `Which costs are repaid?` asks for a list of them.
            r"^(?!(?:which|what) (?:\w+ )?costs (?:are|were|can|may|must|do)\b).*\bcosts?\b|"
            r"^(?:the )?(?:\w+ )?(?:price|fee|charge|rent|salary|deposit|fare|fine|"
            r"weight|height|size|temperature) (?:of|for)\b",
        ),
        (Kind.PLACE, r"\bwhere\b|\b(?:what|which) (?:city|country|state|place|town|room)\b"),
        (
            Kind.LIST,
            r"^(?:list|name|enumerate|show)\b|\bwhat are\b|\bwhich .*\b(?:are|were) there\b|"
            r"^(?:what|which) (?:\w+ )?(?:documents|items|kinds|types|things|parts|courses|tools|"
            r"features|people|cities|countries|rules|conditions|reasons|databases|expenses)\b|"
            # `Which costs are never repaid?`; `What news is there`, `which bus` ask for one.
            r"^(?:what|which) (?:\w+ ){0,2}\w{3,}s(?<!ss)(?<!us)(?<!is) "
            r"(?:are|were|have|can|may|must|should|do|need)\b|"
            r"^in (?:what|which) \w+s(?<!ss)(?<!us)(?<!is)\b|"
            r"^what (?:can|does|do) .*\b(?:build|include|contain)\b|"
            r"^what (?:do|should|must|can|shall) (?:i|we|you|one) (?:need to |have to )?"
            r"(?:bring|pack|take|carry|prepare|hand in|submit)\b|^what is in\b",
        ),
        (
            Kind.DEFINITION,
            r"\bwhat does .* (?:mean|stand for)\b|\bmeaning of\b|\bdefin(?:e|ed|ition)\b|"
            r"^what(?:'s| is| are) (?:an? |the )?[^ ]+(?: [^ ]+){0,3}$",
        ),
        (
            Kind.YES_NO,
            r"^(?:is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had|"
            r"am|shall)\b(?!.*\bor\b)",
        ),
    )
)

_SPEECH = r"(?: (?:a|vay|nhi|the|ha|ta|nhe|nha|da|ban|anh|chi|em|shop|ad|admin|sep|co|thay)){0,3}"
"""Words of speech behind a question: whom it is put to, and how."""

_VIETNAMESE: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.COMPARISON, r"\bso sanh\b|\bkhac (?:nhau|gi|biet|voi)\b|\bchenh lech\b"),
        (
            Kind.YES_NO,
            r"\b(?:co|duoc|phai|da|bi|can|nen)\b.*\b(?:khong|chua)"
            rf"{_SPEECH}$|"
            # `Còn chỗ không?` has none of these, but no other question word either.
            rf"^(?!.*\b(?:bao nhieu|nao|ai|gi|may|dau|sao)\b).*\bkhong{_SPEECH}$|"
            r"\bhay (?:khong|chua)\b",
        ),
        (
            Kind.CONTACT,
            r"\b(?:so (?:dien thoai|noi bo|zalo|hotline|tong dai|fax|may le|di dong|lien he)|"
            r"so tai khoan|duong day nong|e-?mail|thu dien tu)\b|"
            r"\b(?:goi|lien he|nhan) (?:den |toi )?(?:so|dia chi) (?:\w+ ){0,2}(?:nao|gi|may)\b",
        ),
        (
            Kind.PERSON,
            r"\bai\b|\bten (?:la )?gi$|\bhieu gi$|"
            r"\b(?:nguoi|giam doc|hang|cong ty|don vi|nha cung cap|ngan hang|to chuc|sep|lanh dao|"
            r"truong phong|phong ban|bo phan|bac si|nhan vien|giao vien|can bo) nao\b",
        ),
        (
            Kind.TIME,
            r"\b(?:khi|nam|luc|ngay|thang|thoi gian|thoi diem|the ky|hoi|thu) nao\b|\bbao gio\b|"
            r"(?<!hang )(?<!moi )(?<!mot )\bnam bao nhieu\b"
            r"(?! (?:ngay|gio|lan|tien|dong|buoi|tuan|thang))|"
            r"\b(?:luc )?may gio\b|\bthu may\b|\bthang may\b|\bngay may\b|"
            r"^(?:han|thoi han) (?!muc)\w+",
        ),
        (
            Kind.DURATION,
            r"\bbao lau\b|"
            r"\btrong (?:vong )?(?:may|bao nhieu) (?:ngay|thang|nam|gio|tuan|phut)\b",
        ),
        (
            Kind.AMOUNT,
            r"\bbao nhieu (?:tien|phan tram|dong)\b|\b(?:gia|phi|muc|tien|luong|thuong)\b.*"
            # `Loại thường mất bao nhiêu ngày` is typed as a bonus is without marks.
            r"\bbao nhieu\b(?! (?:ngay|gio|tuan|buoi|lan|phut|nguoi)\b)|\bla bao nhieu\b|"
            r"\bbao nhieu$|\bbao (?:xa|cao|nang)\b",
        ),
        (Kind.COUNT, rf"\bbao nhieu\b|{_FEW}"),
        (Kind.PLACE, r"\bo dau\b|\b(?:noi|nuoc|thanh pho|quoc gia|tang|phong) nao\b|\bcho nao\b"),
        (
            Kind.PROCEDURE,
            r"\b(?:lam|nhu) the nao\b|\b(?:lam sao|cach nao)\b|\b(?:phai|can|nen) lam gi\b|"
            r"^(?:cach|quy trinh|thu tuc|trinh tu|cac buoc)\b|\bcac buoc\b|\bthe nao$",
        ),
        (
            Kind.LIST,
            r"\bliet ke\b|\bnhung\b.*\b(?:nao|gi)\b|\bcac\b.*\b(?:nao|gi)\b|\bgom (?:nhung )?gi\b|"
            r"\b(?:can|phai) (?:mang|chuan bi|nop)(?: theo| san)? (?:nhung )?(?:giay to )?gi\b|"
            r"\bbao gom\b|\bke ten\b",
        ),
        (Kind.DEFINITION, r"\bla gi$|\bnghia la gi\b|\bduoc hieu\b|\bla sao$|\bdinh nghia\b"),
    )
)

_THING_BETWEEN = r"(?= (?!nhat\b)\w+(?: (?!nhat\b|thu\b)\w+)? nhat\b)"
"""`nhiều chỗ nhất`, `ít nhân viên nhất`: what is most or least stands between; `ít nhất` is a bound
and `thứ nhất` a place."""
_MOST_APART = re.compile(rf"\b(?:nhieu|it)\b{_THING_BETWEEN}|\bnhat\b")

_AGGREGATES: tuple[tuple[Aggregate, re.Pattern[str]], ...] = tuple(
    (aggregate, re.compile(pattern))
    for aggregate, pattern in (
        (
            Aggregate.SUM,
            r"\b(?:in total|total|sum|altogether|overall|combined|together)\b|"
            r"\btong (?:so|cong|tien|luong|gia tri|chi phi|doanh thu|ngan sach|von|khoi luong|"
            r"dien tich|trong luong|thu nhap|muc)\b|"
            r"\bcong (?:ca|lai|chung|het)\b|\b(?:het|ton|mat) (?:tat ca|ca thay|tong cong)\b",
        ),
        (Aggregate.MEAN, r"\baverage\b|\bthe mean\b|\btrung binh\b"),
        (
            Aggregate.MAXIMUM,
            r"\b(?:(?:the )?most expensive|highest|largest|greatest|longest|biggest|maximum of|"
            r"tallest|heaviest|deepest|widest|loudest|furthest|farthest|dearest|priciest|costliest|"
            r"the most|latest)\b|"
            r"\b(?:cao|lon|nhieu|dat|mac|dai|nang|sau|lau|rong|xa) nhat\b|"
            rf"\bnhieu\b{_THING_BETWEEN}",
        ),
        (
            Aggregate.MINIMUM,
            r"\b(?:cheapest|lowest|smallest|shortest|least expensive|fewest|minimum of|lightest|"
            r"narrowest|quietest|nearest|closest|the least)\b|"
            r"\b(?:thap|nho|re|ngan|nhe|hep) nhat\b|"
            rf"\bit\b{_THING_BETWEEN}",
        ),
        (Aggregate.COUNT, r"\bhow many\b|\bco (?:bao nhieu|may)\b|\bnumber of\b"),
    )
)

_BOUND = re.compile(
    r"\b(?:nhieu|it|lau|cao|thap|som|tre) nhat (?:la |duoc |phai )?(?:trong )?(?:bao|may)\b"
)
"""`Nhiều nhất mấy giờ`, `ít nhất bao nhiêu người` ask for the bound that a rule sets, not for the
most of several."""

_COMPARING = re.compile(
    r"\b(?:compare[ds]?|comparison|differences?|differ|versus|vs|between|so sanh|"
    r"khac (?:nhau|gi|biet)|giua)\b"
)
_LISTING = re.compile(
    r"^(?:list|name|enumerate|show)\b|\b(?:all|tat ca|liet ke|ke ten|nhung|gom|bao gom|nhu the nao|"
    r"(?:lam )?the nao|bao lau|bao nhieu|o dau|la gi|lam gi)\b"
)
_ASKS_YES_NO = _split(
    "co khong chua phai hay duoc có không chưa phải được ko dc đc is are does do can may will has "
    "have"
)
_SPELT = {
    "en": {
        "hw": "how", "waht": "what", "wht": "what", "whta": "what", "whats": "what is",
        "wich": "which", "whcih": "which", "whic": "which", "whne": "when", "wehn": "when",
        "whens": "when is", "wher": "where", "whre": "where", "wheres": "where is",
        "whos": "who is", "hows": "how is", "mny": "many", "mcuh": "much",
        "mutch": "much", "ofen": "often", "oftn": "often", "offen": "often",
    },
    "vi": {
        "ko": "khong", "khg": "khong", "hok": "khong", "dc": "duoc", "ntn": "nhu the nao",
        "nhiu": "nhieu", "bnhieu": "bao nhieu", "bnhiu": "bao nhieu", "ji": "gi", "zi": "gi",
        "hem": "khong", "khum": "khong",
    },
}  # fmt: skip
_INFORMAL = {
    language: re.compile(rf"\b(?:{'|'.join(spelt)})\b") for language, spelt in _SPELT.items()
}
"""Slips and short spellings of question words, as people type them. Names are spelt so as well
(`Wen`, `Phòng K`): none of these is one, and a word with a capital is left alone."""

_CONTRACTED = re.compile(r"\b(who|what|when|where|how)['’](?:s|re)\b")  # noqa: RUF001 - a typographic apostrophe is meant
"""`What's the name of`: read as `what is`, as the patterns of kinds are written. The 's of `has`
(`who's been`) is read so too, which changes no kind."""

_UNLIKE = {"máy": "máy", "nam": "nám"}
"""Words of a Vietnamese question with tone marks that are no question words: a `máy` is a machine,
`mấy` asks how many; `nam` is male, `năm` a year. Any mark keeps the patterns from them."""

_CURRENT = re.compile(
    r"\b(?:now|current(?:ly)?|latest|newest|today|nowadays|most recent|at present|"
    r"these days|at the moment|presently|up[ -]to[ -]date|as of today|in force|"
    r"hien nay|hien tai|hien hanh|moi nhat|bay gio|luc nay|gan day nhat|hom nay)\b"
    r"(?: (?:version|edition|revision|release|issue)\b| (?:phien ban|ban)\b)?|"
    r"\b(?:phien ban|ban) (?:moi nhat|hien hanh|hien tai)\b"
)
_HAPPENING = re.compile(r"\b(?:happens?|happened|takes? place|took place|dien ra|xay ra)\b")
"""Asks for any event, which a sentence tells by its own word."""

_LASTS_MOST = re.compile(r"\b(?:longest|shortest)\b")
_RUNNING = re.compile(r"\b(?:keeps? (?:going|running|on)|goes on|runs?|lasts?|works?)\b")
"""Asks how long something goes on, which `8 hours on one charge` tells without a verb."""

_DEFINING = re.compile(
    r"\b(?:mean(?:s|t|ing)?|stands? for|defin(?:e|ed|ition)|nghia|dinh nghia|(?:duoc )?hieu)\b"
)
"""Asks what a word says, which a definition does without these."""

_CONDITION = re.compile(
    r"\b(?:which|what) state (?:is|are|was|were|has|have|must|should|may|can|will)\b(?!.*\bwhere\b)"
)
"""Asks for a region only of what has a name: a pump is in a state of repair."""

_NAME = re.compile(r"(?<=\s)(?:the )?[A-Z][^\W\d_]+(?![\w-]*\d)(?! \d)")
"""A capital behind the first word; `Rill 310` and `P-12` are things, no buildings or towns."""

_CLOCK = re.compile(r"\bwhat time\b|\bat what hour\b|\bmay gio\b")
_COUNTED_ENGLISH = re.compile(r"\b(?:how many|number of) ((?:[^\W_]+ ?){1,3})")
_COUNTED_VIETNAMESE = re.compile(r"(?:\bbao nhieu|(?<!xe )\bmay) ((?:[^\W_]+ ?){1,2})")
_COUNTED_END = _split(
    "are is do does did have has had can may must will were was in of on at per a there i we you "
    "should would could shall the for khi thi mot trong o tai la de duoc moi tren "
    "work works worked live hold holds take takes need needs attend"
)
_SIDES = (
    re.compile(
        r"\b(?:between|compare|giua|so sanh) (?P<a>.{2,80}?) (?:and|with|to|va|voi) (?P<b>.+)"
    ),
    re.compile(r"(?P<a>[^ ].{1,80}?) (?:versus|vs) (?P<b>.+)"),
    re.compile(r"(?P<a>[^ ].{1,80}?) va (?P<b>.+?) khac"),
    re.compile(r"how (?:do|does) (?P<a>.{2,80}?) (?:and|differ from) (?P<b>.+)"),
)
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[?!.,;:\"“”«»()\s]+")
_TRAILING = re.compile(r" (?:khac nhau|nhu the nao|the nao|differ|khac gi).*$")

_CLAUSES = re.compile(r"[,;.!?:](?=\s)|\s[-–]\s")  # noqa: RUF001 - a dash is meant

_INSTRUCTION_SHARE = 0.3
"""As a function word weighs; a column may be called `Greatest depth` all the same."""

MAX_QUESTION = 600
"""Characters that are read for the kind; what is asked stands in the first or last sentence."""


def read_question(text: str, language: str) -> Asked:
    """Read the kind of a question; OTHER where its words do not tell.

    Args:
        text: As asked.
        language: ISO 639-1 code of the question.
    """
    written = _written(text)
    plain = fold(written)
    seen = _without_likes(written, plain) if language == "vi" else plain
    slips = _slips(text, plain, language)
    plain, seen = (_spelt(one, slips, language) for one in (plain, seen))
    spoken = frozenset[str]()
    if language == "vi" and len(written.split()) == len(plain.split()):
        plain, seen = (as_written(written.split(), one.split()) for one in (plain, seen))
        spoken = frozenset(word for word in written.split() if fold(word) not in plain.split())
    if language == "en":
        plain, seen = (_CONTRACTED.sub(r"\1 is", one) for one in (plain, seen))
    table = _VIETNAMESE if language == "vi" else _ENGLISH
    otherwise = Kind.COUNT if "mấy" in {*written.split()} - spoken else Kind.OTHER
    kind = next((kind for kind, pattern in table if pattern.search(seen)), otherwise)
    if kind is Kind.OTHER and (last := _last_clause(text, language)):
        kind = next((kind for kind, pattern in table if pattern.search(last)), kind)
    if kind is Kind.OTHER:
        kind = kind_of_keywords(written, plain, language) or kind
    if kind is Kind.PLACE and _CONDITION.search(plain) and not _NAME.search(text):
        kind = Kind.OTHER
    contrast = contrast_of(text)
    if contrast is not None:
        kind = Kind.COMPARISON
    aggregate = next((one for one, pattern in _AGGREGATES if pattern.search(seen)), None)
    if aggregate is Aggregate.COUNT and kind is Kind.YES_NO and language == "vi":
        aggregate = None  # typed without marks: `co may chieu khong` asks for a machine
    if aggregate in (Aggregate.MAXIMUM, Aggregate.MINIMUM) and _BOUND.search(seen):
        aggregate = None
    return Asked(
        text=plain,
        written=written,
        kind=kind,
        aggregate=aggregate,
        counted=tuple(map(fold, _counted(seen, language))),
        sides=_sides_of(plain, contrast) if kind is Kind.COMPARISON else None,
        is_more=contrast.is_more if contrast else None,
        is_current=_CURRENT.search(plain) is not None,
        is_clock=_CLOCK.search(plain) is not None,
        instructions=_instructions(written, kind, is_contrast=contrast is not None)
        | slips
        | spoken,
    )


def _last_clause(text: str, language: str) -> str:
    """The last clause of a question that tells its case first: `It fell over, when can I use it?`.

    Folded; empty where the question has one clause only.
    """
    clauses = [one for one in _CLAUSES.split(text[-MAX_QUESTION:].rstrip(" ?!.")) if one.strip()]
    if len(clauses) < 2:
        return ""
    plain = fold(_written(clauses[-1]))
    return _CONTRACTED.sub(r"\1 is", plain) if language == "en" else plain


def _slips(text: str, plain: str, language: str) -> frozenset[str]:
    """The misspelt question words of a folded question; words with a capital are names."""
    pattern = _INFORMAL.get(language)
    if pattern is None:
        return frozenset()
    names = {fold(normalise(word)) for word in _WORD.findall(text)[1:] if word[0].isupper()}
    return frozenset(pattern.findall(plain)) - names


def _spelt(plain: str, slips: frozenset[str], language: str) -> str:
    """A folded question with its question words spelt as they should be."""
    return " ".join(_SPELT[language][word] if word in slips else word for word in plain.split(" "))


def _without_likes(written: str, plain: str) -> str:
    """A folded Vietnamese question in which words that only look like question words have marks."""
    marked = written.split()
    if not has_diacritics(written) or len(marked) != len(plain.split()):
        return plain
    pairs = zip(marked, plain.split(), strict=True)
    return " ".join(_UNLIKE.get(one, other) for one, other in pairs)


def _instructions(written: str, kind: Kind, *, is_contrast: bool) -> frozenset[str]:
    patterns = [pattern for _, pattern in _AGGREGATES] + [_CURRENT, _COMPARING, _LISTING]
    patterns += [_RUNNING] if _LASTS_MOST.search(fold(written)) else []
    patterns += [_HAPPENING] if kind in (Kind.OTHER, Kind.TIME) else []
    is_apart = re.search(rf"\b(?:nhieu|it)\b{_THING_BETWEEN}", fold(written)) is not None
    patterns += [_MOST_APART] if is_apart else []
    patterns += [COMPARATIVES] if is_contrast else []
    patterns += [_DEFINING] if kind is Kind.DEFINITION else []
    plain = _without_likes(written, fold(written))
    if len(plain) != len(written):  # a letter that folds to two: places no longer agree
        written = plain
    said = {
        word
        for one in patterns
        for match in one.finditer(plain)
        for word in written[match.start() : match.end()].split()
    }
    return frozenset(said | _ASKS_YES_NO) if kind is Kind.YES_NO else frozenset(said)


def needs_whole_document(asked: Asked) -> bool:
    """Whether an answer is only right if nothing of its list or table is missing."""
    return asked.aggregate is not None or asked.kind in (Kind.LIST, Kind.PROCEDURE)


def without_instructions(question: Question, asked: Asked) -> Question:
    """Get the question with the words that say what to do weighing little.

    `highest`, `compare` and the `có ... không` around a Vietnamese question are in few answers.
    """
    return replace(
        question,
        terms=tuple(
            replace(term, weight=term.weight * _INSTRUCTION_SHARE)
            if not asked.instructions.isdisjoint(term.text.lower().split())
            else term
            for term in question.terms
        ),
    )


def _written(text: str) -> str:
    """The question in lower case with its accents, spaces made single."""
    head = text if len(text) <= MAX_QUESTION else text[-MAX_QUESTION:]
    return _MARKS.sub(" ", normalise(head)).strip()


def _counted(plain: str, language: str) -> tuple[str, ...]:
    match = (_COUNTED_VIETNAMESE if language == "vi" else _COUNTED_ENGLISH).search(plain)
    if match is None:
        return ()
    words: list[str] = []
    for word in match[1].split():
        if word in _COUNTED_END:
            break
        words.append(word)
    return tuple(words)


def _sides_of(plain: str, contrast: AskedContrast | None) -> tuple[str, str] | None:
    return contrast.sides if contrast is not None else _sides(plain)


def _sides(plain: str) -> tuple[str, str] | None:
    for pattern in _SIDES:
        if match := pattern.search(plain):
            return match["a"].strip(), _TRAILING.sub("", match["b"]).strip()
    return None
