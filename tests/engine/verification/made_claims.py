"""Claims made of a few facts by turning them in ways that keep or change what is said."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from citewell.engine.verification.grading import Grade, grade_sentence


class Fact(NamedTuple):
    """Somebody did something to something at a time."""

    agent: str
    verb: str
    participle: str
    opposite: str
    patient: str
    time: str
    other_time: str


ENGLISH = [
    Fact(*line.split("|"))
    for line in (
        "Ashgrove|acquired|acquired|sold|Pellworth|in 2018|in 2016",
        "Ruth Ames|approved|approved|rejected|the annual budget|on 3 May 2021|on 5 May 2021",
        "the lessee|opened|opened|closed|the east gate|in March 2020|in April 2020",
        "Nordholm|built|built|destroyed|the Kestrel bridge|in 1998|in 1989",
        "the council|rejected|rejected|accepted|the second plan|in June 2019|in June 2018",
        "Ada Holm|wrote|written|lost|the safety guide|in 2015|in 2005",
        "the auditor|included|included|excluded|the Turin branch|on 4 July 2022|on 7 July 2022",
        "Bo Ek|bought|bought|sold|the north pump|on 9 April 2023|on 9 August 2023",
        "the supplier|exported|exported|imported|the spare valves|in October 2017|in October 2016",
        "Ines Varga|hired|hired|dismissed|Tom Reed|in May 2014|in May 2013",
        "the bank|lent|lent|borrowed|the deposit|in 2011|in 2012",
        "Kestrel Freight|delivered|delivered|collected|the first turbine|in 2009|in 2019",
    )
]
VIETNAMESE = [
    Fact(*line.split("|"))
    for line in (
        "công ty Hải Vân|mua|mua|bán|công ty Bình Minh|năm 2018|năm 2016",
        "giám đốc|phê duyệt|phê duyệt|từ chối|dự toán|ngày 3 tháng 5 năm 2021|"
        "ngày 5 tháng 5 năm 2021",
        "bên thuê|mở|mở|đóng|cổng phía đông|năm 2020|năm 2021",
        "tổ kỹ thuật|lắp|lắp|tháo|máy bơm số 2|năm 2019|năm 2017",
        "phòng kế hoạch|xây dựng|xây dựng|phá|kho Thuận An|năm 2015|năm 2005",
        "hội đồng|chấp nhận|chấp nhận|từ chối|đơn của bà Hoa|năm 2022|năm 2023",
    )
]
_FRAMES = (
    "Cy doubts {}", "Cy claims {}", "Reports claim {}", "Cy disputes {}", "Cy hopes {}",
    "Cy said {}", "Cy denied {}", "Cy pretended {}", "Cy asked whether {}", "Cy was sure {}",
    "If {}, it closed", "Unless {}, it closed", "Had {}, it would have closed", "Perhaps {}",
    "According to Cy, {}", "Cy doubts Di left and {}", "{}, Cy claims", "{}, claimed Cy",
    "Cy thinks that in spring, {}", "Suppose {}", "It seems {}",
)  # fmt: skip
_HEDGES = (
    "almost", "allegedly", "never", "probably", "planned to have", "would have", "failed to have",
    "was going to have", "is said to have",
)  # fmt: skip
_DOUBTED_PASSIVES = (
    "should have been", "could have been", "was almost", "was allegedly", "was never",
    "risks being", "was said to be", "was wrongly reported", "was to be", "was going to be",
)  # fmt: skip
_POSSESSED = (
    "'s car park",
    "'s rival in Leeds",
    " parking lot",
    "'s backup copy",
    " of fame",
    "'s renewal",
)
_TELLING = (
    "Cy doubted it but {}",
    "Cy claimed the prize and {}",
    "Cy, who claims a prize, left; {}",
)
"""Quotes that say a sentence beside such a word."""

_VIETNAMESE_FRAMES = (
    "Nếu {}, kho đóng", "Hoa cho rằng {}", "Hoa nghi ngờ {}", "Hoa phủ nhận {}", "Hoa hy vọng {}",
    "Hoa tin rằng {}", "Giả sử {}", "Có lẽ {}", "Nghe đồn {}", "Theo bà Hoa, {}", "Hoa nói {}",
    "Hoa hỏi liệu {}",
)  # fmt: skip
_VIETNAMESE_HEDGES = ("suýt", "gần như", "giả vờ", "sẽ", "có thể", "không", "quên", "cố")
_VIETNAMESE_POSSESSED = ("bãi xe của ", "bãi xe thuộc ", "lối vào ", "phần mái ")
_VIETNAMESE_BEHIND = (" của bà Hoa", " thuộc tỉnh", " sao lưu")
_AROUND = {
    "en": ("Questions go to the legal department.", "Details are set out in the annex."),
    "vi": ("Câu hỏi xin gửi phòng pháp chế.", "Chi tiết nêu trong phụ lục."),
}
_ADDED = {
    "en": ("again", "for 2 million euros", "together with Halden", "without permission"),
    "vi": ("lần nữa", "với giá 2 tỷ đồng", "cùng công ty Sao Mai", "không phép"),
}
_TABLE = ("Berlin | 30 | 900 | Ames", "Hamburg | 20 | 750 | Varga", "Munich | 45 | 610 | Reed")
_NAMES = ("Site", "Staff", "Rent", "Head")


class Claim(NamedTuple):
    """A sentence with its quotes and whether these say so."""

    kind: str
    is_true: bool
    text: str
    quotes: tuple[str, ...]
    language: str


def english() -> Iterator[Claim]:
    """Claims on each of the English facts."""
    for fact, other in pairwise([*ENGLISH, ENGLISH[0]]):
        a, p, t = fact.agent, fact.patient, fact.time
        told = f"{_up(a)} {fact.verb} {p} {t}."
        for kind, text in (
            ("short", f"{a} {fact.verb} {p}."),
            ("passive", f"{p} was {fact.participle} by {a} {t}."),
            ("agentless", f"{p} was {fact.participle} {t}."),
            ("fronted", f"{t} {a} {fact.verb} {p}."),
            ("year", f"{a} {fact.verb} {p} in {t[-4:]}."),
        ):
            yield _claim(kind, True, text, told)
        passive = f"{_up(p)} was {fact.participle} by {a} {t}."
        yield _claim("active", True, f"{a} {fact.verb} {p} {t}.", passive)
        relative = f"{_up(p)}, which was {fact.participle} by {a} {t}, is in the report."
        yield _claim("relative", True, f"{p} was {fact.participle} by {a} {t}.", relative)
        for text in (
            f"{p} {fact.verb} {a} {t}.",
            f"{a} was {fact.participle} by {p} {t}.",
            f"{a} was {fact.participle} {t}.",
        ):
            yield _claim("role", False, text, told)
            yield _claim("role", False, text, passive)
        yield _claim("opposite", False, f"{a} {fact.opposite} {p} {t}.", told)
        yield _claim("time", False, f"{a} {fact.verb} {p} {fact.other_time}.", told)
        for added in _ADDED["en"]:
            yield _claim("added", False, f"{a} {fact.verb} {p} {added} {t}.", told)
        both = f"{told} {_up(other.agent)} {other.verb} {other.patient} {other.time}."
        yield _claim("mixed", False, f"{a} {fact.verb} {other.patient} {t}.", both)
        yield _claim("mixed", False, f"{other.agent} {other.verb} {other.patient} {t}.", both)
        joined = f"{_up(a)} {fact.verb} {p} and {other.agent} {other.verb} {other.patient}."
        yield _claim("mixed", False, f"{a} {other.verb} {other.patient}.", joined)
        yield _claim("what", False, f"{a} is {p}.", told)
        yield _claim("what", False, f"{p} is {a}.", f"{_up(a)} and {p} are in the report.")
        for open_ in (f"{_up(a)} planned to have {p}", f"Nobody said that {a}"):
            text = f"{p} was {fact.participle} {t}."
            yield _claim("open", False, text, f"{open_} {fact.verb} {p} {t}.")


def english_frames() -> Iterator[Claim]:
    """Claims that a quote tells of as said, doubted, wished, supposed or nearly done."""
    for fact in ENGLISH:
        a, p, t = fact.agent, fact.patient, fact.time
        done, was = f"{a} {fact.verb} {p}", f"{p} was {fact.participle}"
        for frame in _FRAMES:
            yield _claim("framed", False, f"{was}.", f"{_up(frame.format(done))}.")
            yield _claim("framed", False, f"{done}.", f"{_up(frame.format(done))}.")
            if not frame.startswith("Had"):
                yield _claim("framed passive", False, f"{was}.", f"{_up(frame.format(was))}.")
        turned = f"Had {p} been {fact.participle} {t}, it would have closed."
        yield _claim("framed passive", False, f"{was} {t}.", turned)
        yield _claim("framed passive", False, f"{was}.", f"Were {p} {fact.participle}, it closed.")
        yield _claim("asked", False, f"{was}.", f"{_up(done)}?")
        for frame in _TELLING:
            yield _claim("told beside a frame", True, f"{done}.", f"{frame.format(done)}.")
        doubts = f"Cy doubts {done}."
        yield _claim("frame itself", True, doubts, f"Cy, the owner, doubts {done} {t}.")
        for hedge in _HEDGES:
            yield _claim("hedged", False, f"{was}.", f"{_up(a)} {hedge} {fact.participle} {p}.")
        for doubted in _DOUBTED_PASSIVES:
            told = f"{_up(p)} {doubted} {fact.participle}."
            yield _claim("hedged passive", False, f"{was}.", told)


def english_objects() -> Iterator[Claim]:
    """Claims that a quote says of what belongs to their subject, or is named after it."""
    for fact in ENGLISH:
        p, t = fact.patient, fact.time
        done, was = f"{fact.agent} {fact.verb} {p}", f"{p} was {fact.participle}"
        for more in _POSSESSED:
            yield _claim("possessed", False, f"{was}.", f"{_up(done)}{more}.")
            if more.startswith("'s"):
                yield _claim("possessed", False, f"{was} {t}.", f"{_up(done)}{more} {t}.")
                yield _claim("possessed", False, f"{done}.", f"{_up(done)}{more}.")
                yield _claim("possessed", False, f"{done} {t}.", f"{_up(done)}{more} {t}.")
                yield _claim("possessor said", True, f"{done}{more}.", f"{_up(done)}{more} {t}.")
        # Behind a name another name may be a part of it, and `and Sons` the end of it.
        if " " not in p:
            for more in (" Holdings", " and Sons", " shares"):
                yield _claim("possessed", False, f"{was}.", f"{_up(done)}{more}.")
        for text in (f"{done} and left.", f"{done}, a rival, {t}.", f"{done} using the lift."):
            yield _claim("object ends", True, f"{was}.", _up(text))
        for who in (
            "Ann Lee, the owner's lawyer, spoke",
            "The lawyer of the owner, Ann Lee, spoke",
        ):
            yield _claim("described", False, "Ann Lee is the owner.", f"{who}, and {done}.")
        described = f"Ann Lee, the owner, spoke, and {done}."
        yield _claim("apposition", True, "Ann Lee is the owner.", described)


def vietnamese_frames() -> Iterator[Claim]:
    """The same in Vietnamese."""
    for fact in VIETNAMESE:
        p, t = fact.patient, fact.time
        a = fact.agent.removeprefix("công ty ")
        done, was = f"{a} {fact.verb} {p}", f"{p} được {fact.verb}"
        for frame in _VIETNAMESE_FRAMES:
            for text in (f"{was}.", f"{done}."):
                yield _claim("framed", False, text, f"{_up(frame.format(done))}.", "vi")
            yield _claim("framed passive", False, f"{was}.", f"{_up(frame.format(was))}.", "vi")
        for hedge in _VIETNAMESE_HEDGES:
            told = f"{_up(a)} {hedge} {fact.verb} {p} {t}."
            yield _claim("hedged", False, f"{was} {t}.", told, "vi")
            told = f"{_up(p)} {hedge} được {fact.verb} {t}."
            yield _claim("hedged passive", False, f"{was} {t}.", told, "vi")
        for more in _VIETNAMESE_POSSESSED:
            told = f"{_up(a)} {fact.verb} {more}{p} {t}."
            yield _claim("possessed", False, f"{was} {t}.", told, "vi")
        for more in _VIETNAMESE_BEHIND:
            yield _claim("possessed", False, f"{was}.", f"{_up(done)}{more}.", "vi")
        for text in (f"{done} {t}.", f"{done} và rời đi.", f"{done} để kịp hạn."):
            yield _claim("object ends", True, f"{was}.", _up(text), "vi")
        told = f"Hoa nghi ngờ nhưng {done}."
        yield _claim("told beside a frame", True, f"{was}.", told, "vi")


def vietnamese() -> Iterator[Claim]:
    """The same of the Vietnamese facts."""
    for fact in VIETNAMESE:
        a, p, t = fact.agent, fact.patient, fact.time
        told = f"{_up(a)} {fact.verb} {p} {t}."
        passive = f"{_up(p)} được {a} {fact.verb} {t}."
        for kind, text in (
            ("short", f"{a} {fact.verb} {p}."),
            ("passive", f"{p} được {a} {fact.verb} {t}."),
            ("agentless", f"{p} được {fact.verb} {t}."),
            ("fronted", f"{t} {a} {fact.verb} {p}."),
        ):
            yield _claim(kind, True, text, told, "vi")
        for text in (
            f"{p} {fact.verb} {a} {t}.",
            f"{a} được {p} {fact.verb} {t}.",
            f"{a} được {fact.verb} {t}.",
        ):
            yield _claim("role", False, text, told, "vi")
            yield _claim("role", False, text, passive, "vi")
        yield _claim("opposite", False, f"{a} {fact.opposite} {p} {t}.", told, "vi")
        yield _claim("time", False, f"{a} {fact.verb} {p} {fact.other_time}.", told, "vi")
        for added in _ADDED["vi"]:
            yield _claim("added", False, f"{a} {fact.verb} {p} {added} {t}.", told, "vi")
        for verb in ("dự định", "từ chối", "muốn", "chưa"):
            opened = f"{_up(a)} {verb} {fact.verb} {p} {t}."
            yield _claim("open", False, f"{p} được {fact.verb} {t}.", opened, "vi")


def cells() -> Iterator[Claim]:
    """Values of a table said of the wrong row or column."""
    rows = [line.split(" | ") for line in _TABLE]
    readings = tuple(
        "; ".join(f"{name}: {cell}" for name, cell in zip(_NAMES, row, strict=True)) for row in rows
    )
    for at, row in enumerate(rows):
        other = rows[(at + 1) % len(rows)]
        for column in (1, 2, 3):
            wrong_column = row[column % 3 + 1]
            for kind, value in (("row", other[column]), ("column", wrong_column)):
                for text in (
                    f"{row[0]}, {_NAMES[column]}: {value}",
                    f"The {_NAMES[column].lower()} of {row[0]} is {value}.",
                    f"{row[0]} has {_NAMES[column].lower()} {value}.",
                ):
                    quotes = (
                        _TABLE[at],
                        readings[at],
                        _TABLE[(at + 1) % 3],
                        readings[(at + 1) % 3],
                    )
                    yield Claim(kind, False, text, quotes, "en")


def accepted(claims: Iterator[Claim]) -> dict[str, float]:
    """By kind: the share of claims that are graded as said by their quotes."""
    all_, taken = Counter[str](), Counter[str]()
    for claim in claims:
        grade = grade_sentence(claim.text, claim.quotes, language=claim.language).grade
        all_[claim.kind] += 1
        taken[claim.kind] += grade in (Grade.QUOTED, Grade.CLOSE)
    return {kind: taken[kind] / count for kind, count in all_.items()}


def _claim(kind: str, is_true: bool, text: str, told: str, language: str = "en") -> Claim:
    before, after = _AROUND[language]
    return Claim(kind, is_true, _up(text), (f"{before} {told} {after}",), language)


def _up(text: str) -> str:
    return text[0].upper() + text[1:]
