"""Whether a quote states what stands in it, or tells of it as said, doubted, wished or supposed.

`Ann doubts Bo painted the hall` and `Had Bo painted the hall, ...` hold a whole sentence that
nobody vouches for. A quote that says it under such a word proves nothing; so a word that is missing
in these lists costs a wrong `close`, and one too many costs recall.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cache

from citewell.engine.verification import lexicon
from citewell.engine.verification.lexicon import words
from citewell.engine.verification.tokens import Token, TokenKind

_FRAMING = (
    "allege allude announce anticipate argue ask assert assume believe bet boast claim conjecture "
    "contend contest declare deny dispute doubt dream envisage expect fear feel guess hear hope "
    "hypothesise hypothesize imagine imply insist intend intimate lie opine predict presume "
    "pretend profess promise propose question reckon recommend report request rumour rumor say "
    "speculate suggest suppose surmise suspect swear tell think threaten want warn wish wonder "
    "worry"
)
"""Verbs with a clause behind them that may be false. Those whose clause is true (`know`, `confirm`,
`show`, `find`, `forget`) are left out."""

_FORMS = words(
    "said says say told tells thought thinks felt feels heard hears swore sworn dreamt bet "
    "lied lies stated denied denies worries worried"
)
"""Forms that are not made by `s` or `ed`; of `state` only the one that is no noun."""

_OPEN = words(
    "whether perhaps maybe possibly probably presumably supposedly purportedly apparently "
    "seemingly ostensibly conceivably suppose supposing assuming imagine imagining lest "
    "likely unlikely seems seemed appears appeared sure unsure afraid hopeful convinced "
    "confident doubtful alleged supposed untrue virtually"
)
"""Words that leave their clause open in every reading."""

_VIETNAMESE = frozenset(
    tuple(entry.split("_"))
    for entry in words(
        "nghi_ngờ nghi ngờ cho_rằng cho_là phủ_nhận bác_bỏ hy_vọng hi_vọng tin nói nghĩ "
        "phỏng_đoán đoán e_rằng e_là sợ lo_ngại lo_rằng mơ giá_như giá_mà giả_sử giả_dụ "
        "giả_định giả_vờ giả_bộ vờ suýt gần_như cố quên có_lẽ có_khi hình_như dường_như "
        "nghe_nói nghe_đồn đồn_rằng đồn_là tin_đồn đưa_tin tuyên_bố cáo_buộc tố_cáo "
        "khẳng_định hỏi hỏi_liệu tự_nhận coi_như toan dọa doạ hứa thề đề_nghị yêu_cầu đề_xuất "
        "kiến_nghị cấm từ_chối dự_định mong muốn sẽ sắp chuẩn_bị lẽ_ra đáng_lẽ ước_gì "
        "tưởng_rằng tưởng_là"
    )
)
"""Vietnamese words before what is said, hoped, planned or nearly done, by their syllables."""
_COMPOUNDS = words(
    "thông_tin bản_tin tin_học tin_tức tin_nhắn nghi_lễ nghi_thức bất_ngờ không_ngờ cố_định "
    "cố_vấn sự_cố cố_đô câu_hỏi học_hỏi nói_chung nói_riêng lòng_tin niềm_tin tiếng_nói"
)
"""Words of two syllables of which one alone would be in the list."""

_NOUN_MARKS = words("the a an this these those its his her their our your my no any some of 's")
"""Behind one of these a form is a noun or describes one: `the claims department`."""

_INVERTED = words(
    "had were should has have did does do was is are will would can could may might must"
)
"""First in a clause they make a condition or a question of it: `Had Ashgrove sold Pellworth`."""

_JOINTS = {
    "en": words("and but while whereas although though because so when where"),
    "vi": frozenset(["nhưng", "còn", "song"]),
}
"""They end the clause of a frame. `và` does not: nothing shows whether a verb stands before it."""

_STRONG = frozenset((";", ".", "!"))
_COMPLEMENT = frozenset((",", ":", '"', "“", "that", "rằng", "là"))
_PERSONS = words(
    "he him her them sources rumours rumors reports critics some bà ông anh chị cô chú báo nguồn"
)
"""Behind `according to` (`theo`) somebody's word; `according to the lease` is a source."""


def is_told(
    quote: Sequence[Token], path: Sequence[int], said: AbstractSet[str], language: str
) -> bool:
    """Whether the quote states what it says at these places itself.

    Args:
        quote: The tokens of one sentence.
        path: Places of the words found, in order.
        said: Keys of the sentence looked for: a frame that it has itself is part of it.
        language: ISO 639-1 code.
    """
    return _Frames(quote, path, said, language).are_none()


class _Frames:
    """Looks for words that frame a place of a quote."""

    def __init__(
        self, quote: Sequence[Token], path: Sequence[int], said: AbstractSet[str], language: str
    ) -> None:
        self._quote = quote
        self._path = path
        self._said = said
        self._language = language
        self._joints = _JOINTS.get(language, frozenset[str]())
        self._words = [token.word for token in quote]

    def are_none(self) -> bool:
        if any(token.key == "?" for token in self._quote[self._path[-1] :]):
            return False
        if self._language == "en" and self._is_inverted():
            return False
        return not any(
            self._bears(at, end) for at in range(len(self._quote)) if (end := self._frame_end(at))
        )

    def _frame_end(self, at: int) -> int:
        """Where a frame that begins here ends; 0 if none does."""
        if end := self._source_end(at):
            return end
        token = self._quote[at]
        if at in self._path or not token.is_content or token.key in self._said:
            return 0
        if self._language == "vi":
            return self._vietnamese_end(at)
        return at + 1 if self._is_frame(at) else 0

    def _is_frame(self, at: int) -> bool:
        token = self._quote[at]
        is_open = token.word in _OPEN
        if not is_open and token.word not in _framing_forms():
            return False
        following = self._quote[at + 1 : at + 3]
        # `appeared in the film`, `asked for the keys`, but `said in May`.
        is_placed = bool(following) and following[0].kind is TokenKind.RELATION
        is_dated = len(following) == 2 and following[1].kind is TokenKind.DATE
        is_placed = is_placed and not is_dated and following[0].word not in ("to", "like")
        is_duty = token.key == "report" and self._words[at + 1 : at + 2] == ["to"]
        # A first word is a noun (`Claims handlers painted`); behind the match it is none.
        opens = at == 0 or self._quote[at - 1].kind is TokenKind.BOUNDARY
        is_first = opens and at < self._path[0] and not is_open
        is_verb = not (is_first or token.is_name or is_placed or is_duty)
        return (is_verb or (is_open and not is_placed)) and not self._is_noun(at)

    def _is_noun(self, at: int) -> bool:
        return at > 0 and (
            self._quote[at - 1].key == "'s"
            or self._words[at - 1] in _NOUN_MARKS
            or self._quote[at - 1].kind is TokenKind.RELATION
        )

    def _vietnamese_end(self, at: int) -> int:
        pair = self._words[at : at + 2]
        if tuple(pair) in _VIETNAMESE:
            return at + 2
        if tuple(pair[0].split("_")) in _VIETNAMESE and "_" in pair[0]:
            return at + 1
        before = self._words[at - 1] if at else ""
        is_compound = "_".join(pair) in _COMPOUNDS or f"{before}_{pair[0]}" in _COMPOUNDS
        return 0 if is_compound or (pair[0],) not in _VIETNAMESE else at + 1

    def _source_end(self, at: int) -> int:
        """Where `according to Ann`, `theo bà Hoa` ends its first word."""
        if self._language == "en" and self._words[at : at + 2] == ["according", "to"]:
            following = self._quote[at + 2 : at + 4]
        elif self._language == "vi" and self._words[at] == "theo":
            following = self._quote[at + 1 : at + 2]
            return at + 1 if following and following[0].word in _PERSONS else 0
        else:
            return 0
        # `According to Article 5`, `to Act 12` is no person.
        is_numbered = any(token.kind is not TokenKind.WORD for token in following[1:]) and (
            following[-1].kind in (TokenKind.NUMBER, TokenKind.DATE)
        )
        is_somebody = bool(following) and (following[0].is_name or following[0].word in _PERSONS)
        return at + 2 if is_somebody and not is_numbered else 0

    def _is_inverted(self) -> bool:
        start = self._path[0]
        while start > 0 and self._quote[start - 1].kind is not TokenKind.BOUNDARY:
            start -= 1
        while self._words[start] in self._joints and start < self._path[0]:
            start += 1
        return self._words[start] in _INVERTED and start < self._path[0]

    def _bears(self, at: int, end: int) -> bool:
        """Whether a frame bears on the match."""
        first, last = self._path[0], self._path[-1]
        if at > last:
            return self._is_tag(at, end)
        following = next(place for place in self._path if place > at)
        between = self._quote[end:following]
        if any(token.key in _STRONG for token in between if token.kind is TokenKind.BOUNDARY):
            return False
        marks = [token for token in between if token.kind is TokenKind.BOUNDARY]
        if (
            at > first
            and marks
            and any(token.kind is TokenKind.BOUNDARY for token in self._quote[first:at])
        ):
            # Within an insertion: `Bo, Ann claims, painted`, but not `Bo, who claims a prize,`.
            return between[0].kind is TokenKind.BOUNDARY or (
                self._quote[at - 1].kind is TokenKind.BOUNDARY
            )
        if marks:
            is_source = self._words[at] in ("according", "theo")
            word = between[0].word
            return is_source or word in _COMPLEMENT or self._words[at] in _OPEN
        return self._governs(between)

    def _governs(self, between: Sequence[Token]) -> bool:
        """Whether nothing ends a frame's clause: `Ann claims a prize and Bo painted the hall`."""
        joint = next(
            (n for n, token in enumerate(between) if token.word in self._joints),
            None,
        )
        if joint is None:
            return True
        # Of two clauses under one frame the second is under it too.
        return between[joint].word == "and" and any(
            lexicon.is_participle(token.word, "en") for token in between[:joint]
        )

    def _is_tag(self, at: int, end: int) -> bool:
        """Whether it is said behind: `Bo painted the hall, Ann claims`, `claimed Ann`."""
        between = self._quote[self._path[-1] + 1 : at]
        marks = [n for n, token in enumerate(between) if token.kind is TokenKind.BOUNDARY]
        if not marks:
            # `Bo painted the hall perhaps`
            return self._words[at] in _OPEN and not any(
                token.word in self._joints for token in between
            )
        is_last = end >= len(self._quote) or self._quote[end].kind is TokenKind.BOUNDARY
        is_first = marks[-1] == len(between) - 1
        return between[marks[-1]].key in (",", '"', "”") and (is_last or is_first)


@cache
def _framing_forms() -> frozenset[str]:
    """The forms of framing verbs."""
    made = set(_FORMS)
    for verb in _FRAMING.split():
        stem = verb.removesuffix("e")
        made |= {verb, f"{verb}s", f"{verb}es", f"{stem}ed", f"{verb}ed"}
    return frozenset(made)
