"""Vietnamese words of two syllables that a text has only piecemeal, or not at all.

`Phụ cấp nhà ở` is not answered by the allowance for lunch because `nhà ăn` stands in it: most words
have two syllables, and a syllable that stands beside others is another word. What stands side by
side in the question must do so in the text as well; a lexicon tells words (`tài chính`) from what
people put together as they ask (`tấn chè`), which a text may say in another way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import NamedTuple

from citewell.engine.text.normalisation import fold, normalise, words
from citewell.engine.text.vietnamese import folded_key, has_diacritics, syllable_key
from citewell.engine.text.vietnamese_words import words_in


def _split(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _pairs(listed: str) -> frozenset[str]:
    return frozenset(pair.strip() for pair in listed.split(","))


# Syllables that stand between words, or are said with any of them. In questions without tone marks
# some of them are syllables of words, too (`tu` of `đầu tư`): there a torn word is not noticed.
_PARTING = _split(
    "ai bao bị bởi các cái cần cho chưa có còn của cùng đã đang đâu để đến do được dưới gì hả hay "
    "hoặc hơn khi không là lại lâu lúc mà mấy mỗi một nào này nếu nên nhiêu nhiều những như phải "
    "qua ra rằng sao sẽ sau tại tất thế theo thì tới trên trong trước từ và vào vẫn về vì với vậy "
    "ạ nhé em anh chị mình tôi ta bạn xin hỏi biết làm rồi thứ ngày tháng năm giờ hằng hàng luôn "
    "đi thêm khác nhau bằng khoản tiền muốn lấy người cả mọi mới dịp ko khg đc dc ntn"
)
_PARTING_FOLDED = frozenset(fold(word) for word in _PARTING)
_VERBS = _split(
    "mở đóng mượn uống ăn xuống lên chạy bán mua xong dành gửi nộp mang đeo cất giữ gọi trả xin "
    "tìm bắt phạt đền chở chơi dạy bỏ cho đưa đón ghi ký nghe nhận nói quên rời sửa thay thuê viết "
    "xem đặt đổi đọc loại bơi tới chọn dừng dọn đậu khám mặc vô hỏng rớt"
)
"""Verbs of one syllable, which take any object, and heads that take any
noun: `bán vé` is no word."""

_VERBS_FOLDED = frozenset(fold(word) for word in _VERBS)
_AT = "ở"
"""A preposition, but in `nhà ở là bao nhiêu` the end of a word: nothing follows that it is at."""

# Words of two syllables that are said of anything, that ask, or that documents leave out: whose
# staff is meant, and verbs for what a rule does. Folded, two syllables each. One that is missing
# here makes an answerable question look like a near miss where its document says it in other words.
_ANY = _pairs(
    """
    nhan vien, lao dong, can bo, cong ty, doanh nghiep, co quan, don vi, to chuc, quy dinh,
    ap dung, thuc hien, su dung, yeu cau, bat dau, ket thuc, dien ra, bao gom, thanh toan,
    chi tra, huong dan, thong tin, noi dung, truong hop, so luong, thoi gian, thoi han, thoi diem,
    dia diem, dia chi, ho tro, cung cap, dang ky, lien he, phu trach, trach nhiem, quan ly,
    xay ra, hien tai, hien nay, hien hanh, toi da, toi thieu, tien luong, muc luong, keo dai,
    khoi hanh, tong cong, liet ke, han muc, dinh muc, gia tri, nhu the, can gi, cho biet, so may,
    bao xa, phan tram, ty le, ten goi, hinh thuc, dieu kien, thu tuc, muc dich, ket qua, y nghia,
    su kien, su viec, thanh pho, quoc gia, hau qua, he qua, ly do, nguyen nhan, loai hinh, ke ten,
    hau het, giay to
    """
)
_SHORTEST = 2
"""Syllables of a word; one alone may be a word that stands anywhere."""


class UnsaidWord(NamedTuple):
    """A word of a question, of two syllables or more, that no text holds whole."""

    text: str
    is_torn: bool
    """Whether a text has one of its syllables, beside others: so it tells of another thing."""
    is_first: bool
    """Whether the question begins with it, as Vietnamese ones do with what they ask for."""
    is_listed: bool
    """Whether it has a part of a word of the lexicon that no text holds: it has no other sense."""


def unsaid_words(
    question: str, texts: Iterable[str], implied: AbstractSet[str]
) -> list[UnsaidWord]:
    """Get the words of a question that no text holds whole, in its order.

    Args:
        question: As asked.
        texts: The statement and what stands around it.
        implied: Folded words that the statement says in another way; they are not missed.

    Returns:
        Each run of syllables that follow one another in the question and none of which a text has
        beside the same neighbour.
    """
    is_folded = not has_diacritics(normalise(question))
    key = folded_key if is_folded else syllable_key
    parting = _PARTING_FOLDED if is_folded else _PARTING
    verbs = _VERBS_FOLDED if is_folded else _VERBS
    held: set[tuple[str, str]] = set()
    bare: set[tuple[str, str]] = set()
    single: set[str] = set()
    for text in texts:
        syllables = [fold(word) if is_folded else word for word in words(normalise(text))]
        # `lương được trả` holds `lương trả`: what parts words may stand between them.
        single.update(map(key, syllables))
        held.update(pairwise(map(key, syllables)))
        held.update(pairwise(key(one) for one in syllables if one not in parting))
        bare.update(pairwise(map(folded_key, syllables)))

    def is_told(run: Sequence[str]) -> bool:
        """Whether a run is a verb with what it is done to, and a text tells of that: `bán vé`."""
        rest = [word for word in run if word not in verbs]
        return len(rest) < len(run) and single.issuperset(map(key, rest))

    asked = words(normalise(question))
    known = list(words_in(asked, is_folded=is_folded))
    in_words = {pair for place in known for pair in pairwise(key(asked[at]) for at in place)}

    def is_whole(one: str, other: str) -> bool:
        """Whether a text has two syllables side by side, marks that were left out aside.

        `Hội đông` is no word, so `hội đồng` is meant.
        """
        pair = (key(one), key(other))
        return pair in held or (
            pair not in in_words and (folded_key(one), folded_key(other)) in bare
        )

    lacking = {
        at
        for place in known
        if not all(is_whole(*pair) for pair in pairwise(asked[at] for at in place))
        for at in place
    }
    return [
        UnsaidWord(
            " ".join(run := segment[at : at + size]),
            is_torn=not single.isdisjoint(map(key, run)),
            is_first=start + at == 0,
            is_listed=not lacking.isdisjoint(range(start + at, start + at + size)),
        )
        for start, segment in _segments(asked, parting, implied, frozenset[int]().union(*known))
        for at, size in _runs(segment, is_whole, is_told)
    ]


def _segments(
    syllables: Sequence[str],
    parting: AbstractSet[str],
    implied: AbstractSet[str],
    inside: AbstractSet[int],
) -> Iterator[tuple[int, list[str]]]:
    """The runs of syllables between those that part words, each with where it begins.

    Those at the places `inside` belong to a word and part none: `thư` of `thư viện` is typed as
    `thứ` is without marks.
    """
    segment: list[str] = []
    for at, word in enumerate(syllables):
        following = syllables[at + 1] if at + 1 < len(syllables) else None
        is_at = word == _AT and following is not None and following not in parting - {"đâu"}
        is_parting = word in parting and at not in inside
        if is_at or is_parting or fold(word) in implied or any(map(str.isdigit, word)):
            yield at - len(segment), segment
            segment = []
        else:
            segment.append(word)
    yield len(syllables) - len(segment), segment


def _runs(
    segment: Sequence[str],
    is_pair: Callable[[str, str], bool],
    is_told: Callable[[Sequence[str]], bool],
) -> Iterator[tuple[int, int]]:
    """Where syllables begin, and how many, none of which stands beside a neighbour of its own."""
    whole = [is_pair(*pair) for pair in pairwise(segment)]
    run: list[str] = []
    for at, word in enumerate(segment):
        is_whole = (at > 0 and whole[at - 1]) or (at < len(whole) and whole[at])
        if not is_whole:
            run.append(word)
        if is_whole or at + 1 == len(segment):
            is_word = len(run) >= _SHORTEST and not _is_any(run)
            if is_word and not is_told(run):
                yield at + (not is_whole) - len(run), len(run)
            run = []


def _is_any(run: Sequence[str]) -> bool:
    plain = [fold(word) for word in run]
    return any(f"{one} {other}" in _ANY for one, other in pairwise(plain))
