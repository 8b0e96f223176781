"""Whether the last word of a match ends what it belongs to: a name, a compound, a possessor."""

from collections.abc import Sequence
from dataclasses import dataclass

from citewell.engine.verification import lexicon
from citewell.engine.verification.lexicon import words
from citewell.engine.verification.tokens import Token, TokenKind

_FIRM = words("sons brothers partners co company daughters associates group")
"""Behind `and` after a name they are its end: `Pellworth and Sons`."""

_BESIDE = words(
    "including using pending starting beginning leaving making causing allowing ending "
    "following citing being"
)
"""Behind an object these begin something new; other words in `-ing` may name it (`parking lot`)."""

_GIVING = words("sell lend give send pay leav rent offer award grant teach hand")
"""Keys of verbs with two objects: who `was sold the barn` was not sold."""

_MEASURED_FROM = words("above below past less more over under excluding plus minus off")
"""Behind a number these go on with it: `5 percent above the base rate`, `five past six`."""

DETERMINERS = words("a an the its his her their our your my")
_OF = frozenset({"of", "của", "thuộc"})
_AFTER = words(
    "hôm năm ngày tháng tuần sáng chiều tối đêm lúc hồi rồi xong lại ngay nữa nhằm để bằng "
    "cùng mỗi hàng lần tất đúng này đó kia ấy"
)
"""Vietnamese words behind an object that are none of its own: times, ways, purposes."""

_TIMES = words("nay năm ngày tháng tuần sáng chiều tối đêm đó này kia qua mai")
"""Vietnamese words that end a time, behind which a subject begins: `hôm nay giám đốc ký`."""

_FOR = frozenset({"cho", "dành", "dưới"})
FREE = frozenset({"free", "miễn"})
_LONGEST_NOUN = 4
"""Syllables of a noun among which its head is looked for: `tiền thuê nhà`."""

AMOUNTS = {
    "en": words(
        "pay price prices fee fees rent salary salaries wage wages cost costs tax rate rates "
        "budget allowance bonus deposit fine fines discount"
    ),
    "vi": words("giá lương phí thuế thưởng cấp mức tiền cước"),
}
"""Nouns for money, of which that for one thing says nothing of that for all."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way of saying a sentence: its content tokens in an order the quote may have."""

    tokens: tuple[Token, ...]
    is_contiguous_at: int | None = None
    """Between this token and the one before nothing but neutral words and a comma may stand."""
    is_free_start: bool = False
    """Whether it may begin within a clause: an apposition does."""
    fronted: tuple[Token, ...] = ()
    """A circumstance that may stand elsewhere in the same clause."""
    predicate: int = 0
    """Where the predicate of `A is a B` begins; 0: it is no such sentence."""
    is_loose: bool = False
    """Whether a noun may follow the predicate: `is American`, `is a drama` of a drama film."""
    is_object: bool = False
    """Whether it is a verb with its object, done by whoever stands before."""
    is_object_last: bool = False
    """Whether its last words are what something is done to."""

    @property
    def everything(self) -> tuple[Token, ...]:
        """All content tokens, the circumstance last."""
        return (*self.tokens, *self.fronted)


def ends_well(pattern: Pattern, quote: Sequence[Token], last: int, language: str) -> bool:
    """Whether the last word is not the beginning of a longer name, compound or possessor."""
    if last + 1 >= len(quote):
        return True
    here, following = quote[last], quote[last + 1]
    behind = quote[last + 2] if last + 2 < len(quote) else None
    if _is_possessor(following, behind):
        return False
    if pattern.is_loose:
        return True  # `is an American actress` says `is American`
    if here.is_name and following.is_name:
        return False
    # An amount without its unit (`30` of `30 euros`) is not all that the quote says.
    if here.kind is TokenKind.NUMBER and following.kind is TokenKind.WORD:
        return False
    if (pattern.is_object or pattern.is_object_last) and not _ends_object(quote, last, language):
        return False
    if language != "en":
        # Vietnamese puts the head first, so the end of a compound tells nothing.
        return True
    if pattern.tokens[-1].is_passive and here.key in _GIVING and following.word in DETERMINERS:
        return False
    is_number = TokenKind.NUMBER in (here.kind, quote[last - 1].kind if last else None)
    if is_number and following.word in _MEASURED_FROM:
        return False
    # An English compound ends in its head: `the service` is not `the service charge`. Adverbs and
    # participles begin something new.
    return not (
        here.kind is TokenKind.WORD
        and following.kind is TokenKind.WORD
        and not following.is_name
        and following.word not in lexicon.CLAUSE_WORDS["en"]
        and not following.text.endswith(("ly", "ing", "ed"))
    )


def _is_possessor(following: Token, behind: Token | None) -> bool:
    """Whether `'s` follows: `closed the bridge's car park` does not say that the bridge was."""
    if following.key != "'s":
        return False
    # An apostrophe alone may be the end of what is quoted.
    is_bare = not following.text.endswith("s")
    return not is_bare or (behind is not None and behind.kind in (TokenKind.WORD, TokenKind.NUMBER))


def _ends_object(quote: Sequence[Token], last: int, language: str) -> bool:
    """Whether the object of a verb ends here, as far as words can tell."""
    following = quote[last + 1]
    behind = quote[last + 2] if last + 2 < len(quote) else None
    if following.word in _OF:
        return False
    if language == "vi":
        is_new = following.kind is not TokenKind.WORD or following.word in _AFTER
        return is_new or following.word in lexicon.CLAUSE_WORDS["vi"]
    # `sold Pellworth the barn`
    if following.word in DETERMINERS:
        return False
    if following.word == "and" and behind is not None:
        return _ends_before_and(quote, last)
    if following.kind is not TokenKind.WORD or following.word in lexicon.CLAUSE_WORDS["en"]:
        return True
    if following.word.endswith("ing"):
        return following.word in _BESIDE
    # `the bridge used by cars`, but not `the bridge fed canal`
    is_told = behind is None or behind.kind is not TokenKind.WORD
    return following.word.endswith("ly") or is_told


def _ends_before_and(quote: Sequence[Token], last: int) -> bool:
    """Whether `and` after an object joins no further part of its name or compound."""
    behind = quote[last + 2]
    if quote[last].is_name:
        return quote[last + 1].text != "&" and behind.word not in _FIRM
    # `the bridge and tunnel operator` has no article and no verb.
    after = quote[last + 3] if last + 3 < len(quote) else None
    is_verb = lexicon.is_participle(behind.word, "en") or behind.word.endswith("s")
    return not (
        behind.kind is TokenKind.WORD
        and not is_verb
        and not behind.is_name
        and after is not None
        and after.kind is TokenKind.WORD
    )


def drops_head(gap: Sequence[Token], said: Token) -> bool:
    """Whether the word right before a Vietnamese noun is left out, which is the noun's head.

    Buying `phụ tùng máy` is not buying `máy`, and `mở khóa cổng` is not `mở cổng`. Not for what
    follows the subject: `Giám đốc vùng ký` says that a director does.

    Args:
        gap: The tokens of the quote that are left out before it.
        said: The noun.
    """
    head = gap[-1]
    is_noun = said.kind is TokenKind.WORD and head.kind is TokenKind.WORD
    return is_noun and not (said.is_name or head.is_name)


def narrows(
    gap: Sequence[Token],
    said: Sequence[Token],
    behind: Sequence[Token],
    language: str,
) -> bool:
    """Whether words left out behind a Vietnamese noun say which of its kind an amount is of.

    `Lương tăng ca tăng 5%` does not say that pay rises, nor `Nhân viên mới được nghỉ 5 ngày` that
    staff get five days: a value of some is none of all. English has such words before the noun.

    Args:
        gap: The tokens of the quote that are left out.
        said: Those of the quote right before them that the sentence has as well, in order.
        behind: Those of the sentence behind the gap.
        language: ISO 639-1 code.
    """
    if language != "vi" or said[-1].kind is not TokenKind.WORD or _is_name(said[-1]):
        return False
    # `tiền thuê nhà` is money: the head of a noun comes first.
    is_amount = any(token.word in AMOUNTS["vi"] for token in said[-_LONGEST_NOUN:])
    if not is_amount and not has_value(behind):
        return False
    first = gap[0]
    following = gap[1] if len(gap) > 1 else None
    if first.word in _OF | _FOR:
        return is_amount or following is None or not following.is_name
    if is_amount and first.word in _TIMES and following is not None:
        # `tháng đầu`, but not `năm nay`
        return following.kind is TokenKind.WORD and following.word not in _TIMES
    # Words behind `được`, `đã` or a preposition go with the verb.
    is_noun = first.kind is TokenKind.WORD and not first.is_name
    return is_noun and first.word not in _AFTER | _TIMES


def has_value(tokens: Sequence[Token]) -> bool:
    """Whether an amount is among the tokens; what is free costs none."""
    return any(
        (token.kind is TokenKind.NUMBER and token.key != "ordinal") or token.word in FREE
        for token in tokens
    )


def _is_name(token: Token) -> bool:
    """Whether a word has a capital that is not for the beginning of the sentence."""
    return token.is_name and token.start > 0


def lacks_head(before: Token, first: Token) -> bool:
    """Whether a Vietnamese subject is cut off its head: `thư ký giám đốc` is not the director."""
    # A name in front may be a place or a firm; capitals of the first word only begin a sentence.
    is_noun = before.kind is TokenKind.WORD and first.kind is TokenKind.WORD
    return is_noun and not before.is_name and before.word not in _TIMES
