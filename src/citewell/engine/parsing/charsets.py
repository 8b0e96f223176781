# ruff: noqa: RUF001 - letters of many scripts are meant
"""How well a decoded text fits a language: the score by which an encoding is chosen.

A detector of the field (charset-normalizer 3.5) was measured first: it takes KOI8-R for Shift-JIS,
EUC-JP for Korean, German for Central European, and knows none of the Vietnamese encodings but
windows-1258. Here each candidate is decoded, and its letters are compared with those that the
languages written in it use most; the sum of -log p over the bytes decides.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

_ASCII_COST = 3.0
"""Cost of an ASCII letter: about that of English text, 2.9 nats. It counts where a candidate of two
bytes swallows one."""
_STRANGE = 14.0
"""Cost of a character of no script or sign that the language uses; of a hole, half more."""
_ALONE = 2.5
_INSIDE = 5.0
"""Costs of a foreign letter without a letter beside it, and of a sign between two letters."""
_MIXED = 5.0
"""Cost of a letter of another script that touches a Latin one in one word."""

_UNUSUAL = 2.0
"""Cost of each foreign letter too many or too few."""

_WORD = re.compile(r"[^\W\d_]+")
_SYLLABLE = re.compile(
    "(?:ngh?|ch|gh|gi|kh|nh|ph|qu|th|tr|[bcdđghklmnprstvx])?"
    "[aeiouyăâêôơưà-ãè-íò-õùúýĩũạ-ỹ]{1,3}(?:ch|ng|nh|[cmnpt])?"
)
"""Shape of a Vietnamese syllable: nearly every word of Vietnamese, a quarter of English ones."""
_MOST_SYLLABLES = 12.0
"""Nats that syllables can gain or cost in all; names and tables have few."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")

# Signs that texts of all languages use beyond ASCII.
_SIGNS = "’–“”—\u00a0‘\u00ad«»…•°€£„©®§·™×±½²³º´¿µ¡‚‹›¼¾÷ª¥†‡‰¨¸"
_WIDE_SIGNS = "、。，．「」『』（）：；！？・《》“”‘’ー…—～\u3000％"

_JOINING = frozenset("’\u2018–—…·\u00a0\u00ad") | frozenset(_WIDE_SIGNS)
"""Signs that stand between two letters in real texts."""

_LATIN = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"


class Language(NamedTuple):
    """The letters of a language that are not ASCII, most frequent first."""

    letters: str
    script: str = _LATIN
    others: int = 100
    """Further letters that the script has, which share what is left."""
    share: float = 0.85
    """Share of the letters listed among all that are not ASCII."""
    is_wide: bool = False
    density: tuple[float, float] = (0.0, 0.25)
    """Bounds of the share of such letters among all letters, well outside of real texts'."""


_WIDE = (0.1, 1.0)
_MIDDLE = (0.02, 0.4)

_HANS = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家"
    "种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民"
    "第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话"
    "合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神"
    "总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则"
)
_HANT = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家"
    "種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民"
    "第公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話"
    "合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神"
    "總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則"
)
_KANA = (
    "のにはをたがでてとしれさいるなもりすらっこまかきくあうだどんけつよそせやえわめおちみ"
    "ンスルトイリーアラクシドレジタフロマカッメテバサプコニウムグナハパュョ"
)
_KANJI = (
    "日一年大人国会中本長出時行分事者部東生上前同社学合高地業方間的対場内定自新公下員立開手力当問代度関発小通目全法戦"
    "体連実動明約主第経月務後作理用化政制見性最平期要面入成家建不海文回表山名市水軍数電取保院民金木所万円"
)
_HANGUL = (
    "이다는의에을가고지하로기어한은사도리자를인대나서아그시라해일정으있것게수들스만부보제장전상과적와구원주여조동공성무신안"
    "국니면년오방세비연진우경음마모트생위유선화관드교계용회분당실간거체프문중레발금물식소말내영미역차업권크료파건었명직날터"
)
_RUSSIAN = "оеаинтсрвлкмдпуяызьбгчйхжюшцщэфёіїєґ"
_VIETNAMESE = "đàưáộạếệôảủốờêâớợềịậóấăựíểìơầứởữổụãừồặọửùúắòéýằỏỉũỷĩẩỳẫỹỗễẻẽèỡẹõẳẵỵ"

LANGUAGES: dict[str, Language] = {
    # Western: French, German, Spanish, Portuguese, Italian, Nordic, Dutch.
    "fr": Language("éèàêçôîùûâœïëÉ"),
    "de": Language("üäößÜÄÖ"),
    "es": Language("óíáñéúüÍÁ"),
    "pt": Language("ãçáéóíêõâúàô"),
    "it": Language("èàòùéìÈ"),
    "nordic": Language("äåöøæéðþíáóúýÅ"),
    # Signs alone, which English texts have.
    "signs": Language("é", others=120, share=0.3),
    "pl": Language("łąężśóćńźŁŚŻ", density=_MIDDLE),
    "cs": Language("íáéěčýřžšůúťóďňČŠŽ", density=_MIDDLE),
    "hu": Language("éáöőíüóúű", density=_MIDDLE),
    "ro": Language("ăâîşţșț", density=_MIDDLE),
    "hr": Language("čšžćđČŠŽ", density=_MIDDLE),
    "tr": Language("ıüşğöçİâŞÜÖÇ", density=_MIDDLE),
    "vi": Language(_VIETNAMESE, others=90, share=0.97, density=(0.05, 0.6)),
    "ru": Language(_RUSSIAN, "\u0400-\u04ff", 60, 0.95, density=_WIDE),
    "el": Language("ατοιενσρκπςλμυίάόέήγηδύχθώωφβξζψϊ", "\u0370-\u03ff", 60, 0.95, density=_WIDE),
    "he": Language("יוהלאמרתבשנםכדקעחפטסצגןזךףץ", "\u0590-\u05ff", 60, 0.95, density=_WIDE),
    "ar": Language(
        "اليمونترعبدفسهكقحةجشصطأخذضىزثئغإءظؤآ،", "\u0600-\u06ff", 60, 0.95, density=_WIDE
    ),
    "th": Language(
        "านรกอเงมยลว่ดท้สตะปบคแหจพชใไขโผิีัือุู์ำ็ึื", "\u0e00-\u0e7f", 60, 0.95, density=_WIDE
    ),
    "zh": Language(_HANS, "\u4e00-\u9fff", 6000, 0.7, is_wide=True, density=_WIDE),
    "zh-hant": Language(_HANT, "\u4e00-\u9fff", 6000, 0.7, is_wide=True, density=_WIDE),
    "ja": Language(
        _KANA + _KANJI, "\u3040-\u30ff\u4e00-\u9fff", 4000, 0.88, is_wide=True, density=_WIDE
    ),
    "ko": Language(_HANGUL, "\uac00-\ud7a3", 2000, 0.85, is_wide=True, density=_WIDE),
}  # fmt: skip

WESTERN = ("fr", "de", "es", "pt", "it", "nordic", "signs")


class _Costs(NamedTuple):
    known: dict[str, float]
    other: float
    script: re.Pattern[str]
    is_latin: bool


@cache
def _costs(name: str) -> _Costs:
    language = LANGUAGES[name]
    # Frequencies of letters fall about exponentially with their rank; 3.5 over the list fits
    # Vietnamese and Russian.
    weights = [
        math.exp(-3.5 * rank / len(language.letters)) for rank in range(len(language.letters))
    ]
    total = sum(weights)
    known = {
        letter: -math.log(0.9 * language.share * weight / total)
        for letter, weight in zip(language.letters, weights, strict=True)
    }
    if not language.is_wide:
        for letter in language.letters:
            # Capitals begin about every twentieth word's letter.
            known.setdefault(letter.upper(), known[letter] + 3.0)
    signs = _WIDE_SIGNS + "0123456789" if language.is_wide else _SIGNS
    for rank, sign in enumerate(signs):
        known.setdefault(sign, -math.log(0.01 + 0.09 * 0.9**rank) + 0.5)
    other = -math.log(max(1 - language.share, 0.03) / language.others)
    return _Costs(known, other, re.compile(f"[{language.script}]"), language.script == _LATIN)


class Fit(NamedTuple):
    """A language and what the text costs in it, in nats."""

    cost: float
    language: str


def best_fit(text: str, languages: Iterable[str]) -> Fit:
    """The language in which the text is likeliest."""
    around = Counter(_contexts(text))
    controls = len(_CONTROL.findall(text))
    plain = sum(character < "\x80" for character in text) - controls
    rest = _ASCII_COST * plain + _STRANGE * controls
    letters = sum(character.isalpha() for character in text)
    foreign = sum(count for (character, *_), count in around.items() if character.isalpha())

    def cost(name: str) -> float:
        own = _syllable_cost(text) if name == "vi" else 0.0
        density = _density_cost(foreign, letters, name)
        return _cost(around, name) + rest + density + own

    return min(Fit(cost(name), name) for name in languages)


def _syllable_cost(text: str) -> float:
    """Cost, or gain, from the words that are, or are not, Vietnamese syllables."""
    words = {word.lower() for word in _WORD.findall(text)}
    fitting = sum(bool(_SYLLABLE.fullmatch(word)) for word in words)
    return max(min(len(words) - 2 * fitting, _MOST_SYLLABLES), -_MOST_SYLLABLES)


def _density_cost(foreign: int, letters: int, name: str) -> float:
    """Cost of more or fewer foreign letters than texts of the language have.

    It keeps English with a few signs from being Vietnamese, and Cyrillic from being Icelandic.
    """
    low, high = LANGUAGES[name].density
    return _UNUSUAL * (max(low * letters - foreign, 0.0) + max(foreign - high * letters, 0.0))


def _contexts(text: str) -> Iterable[tuple[str, bool, bool]]:
    """Each foreign character, with whether a Latin and whether any letter touches it."""
    padded = f" {text} "
    for at, character in enumerate(padded):
        if character < "\x80":
            continue
        before, after = padded[at - 1], padded[at + 1]
        touches_ascii = (before < "\x80" and before.isalpha()) or (
            after < "\x80" and after.isalpha()
        )
        if character.isalpha():
            yield character, touches_ascii, before.isalpha() or after.isalpha()
        else:
            yield character, touches_ascii, before.isalpha() and after.isalpha()


def _cost(around: Counter[tuple[str, bool, bool]], name: str) -> float:
    costs = _costs(name)
    total = 0.0
    for (character, touches_ascii, touches), count in around.items():
        each = costs.known.get(character)
        is_own = bool(costs.script.match(character))
        if each is None:
            each = costs.other if is_own else _STRANGE * (1.5 if character == "\ufffd" else 1)
        if character.isalpha():
            if not touches:
                each += _ALONE
            elif touches_ascii and not costs.is_latin:
                each += _MIXED
        elif touches and not is_own and character not in _JOINING:
            each += _INSIDE
        total += count * each
    return total
