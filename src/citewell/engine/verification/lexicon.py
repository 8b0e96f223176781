# ruff: noqa: RUF001 - Vietnamese words are meant
"""Closed word lists of the verification by rules, English and Vietnamese.

They decide what may be left out, what must stand on both sides, and which words say the same. All
were written for business and news prose. A word that is missing costs recall (`reworded` instead
of `close`), never a wrong `close`; so a doubtful synonym stays out.
"""

from functools import cache

from citewell.engine.text.normalisation import normalise
from citewell.engine.text.stemming import stem_english
from citewell.engine.text.vietnamese import syllable_key


def words(listed: str) -> frozenset[str]:
    """The words of a list in one string."""
    return frozenset(listed.split())


NEUTRAL = {
    "en": words(
        "a an the this that these those is are was were be been being am do does did has have had "
        "of its his her their our your my there also then own who whom and located situated"
    ),
    "vi": words(
        "các những cái chiếc là thì mà đã đang được bị của việc sự ra rằng này đó ấy kia cũng vị "
        "cuộc một và nằm"
    ),
}
"""Words that neither add nor change a statement when its other words stand in order. The auxiliary
of a passive is among them: who does what is read from the order and from `by`."""

RELATIONS = {
    "en": words(
        "in on at to from by with for into onto over under above below before after between during "
        "through near against about as per within inside outside across along behind beside since "
        "than like via upon towards toward around beyond among"
    ),
    "vi": words(
        "ở tại trong trên dưới vào cho với từ đến tới bởi do theo trước sau khi giữa ngoài qua về "
        "hơn như"
    ),
}
"""Prepositions and words of that kind: what a sentence has of them its quote must have."""

CRITICAL = {
    "en": words(
        "not no never none nobody nothing without neither nor cannot hardly barely rarely "
        "seldom may might could can should must would will all every each most many some few "
        "only any both half several if unless except until provided allegedly reportedly "
        "expected planned proposed nearly almost approximately roughly maximum minimum false "
        "untrue wrong denied denies exclusively entirely partly just first last always "
        "sometimes often usually deputy former acting vice outgoing"
    ),
    "vi": words(
        "không chưa chẳng chả đừng chỉ tất toàn mọi mỗi phần hầu vài ít nhiều nếu trừ ngoại miễn "
        "có_thể nên phải dự_kiến khoảng tối_đa tối_thiểu sai thường luôn đôi_khi "
        "phó cựu nguyên"
    ),
}
"""Negation, quantity, modality, condition and hedge. One that stands beside the matched words of
the quote and not in the sentence changes what is said, so it must be on both sides."""

MEASURING = {
    "en": words("about around least most up less more fewer over under above below"),
    "vi": words("gần hơn dưới trên ít nhiều"),
}
"""Critical where a number follows within two words: `up to five`, `over 40`."""

NEGATORS = {
    "en": words("not no never none nobody nothing neither nor cannot without hardly"),
    "vi": words("không chưa chẳng chả đừng"),
}

DENIALS = {
    "en": words("not n't n’t never"),
    "vi": words("không chưa chẳng"),
}
"""Negators that take back a sentence when nothing else in it changes."""

CONDITIONS = {
    "en": words("if unless except until provided only respectively"),
    "vi": words("nếu trừ miễn chỉ lượt"),
}
"""Anywhere in the quote they bear on all of it; of two things said `respectively` (`lần lượt`) each
has its own."""

INTENDING = {"vi": words("định chối muốn hứa sắp sẽ mong đòi để")}
"""Before a verb they leave open whether it is done; English verbs show it by their form."""

CLAUSE_WORDS = {
    "en": words(
        "while whereas which who whom whose that because although though when where but "
        "so however if unless and or"
    ),
    "vi": words("nhưng còn mà vì nên nếu tuy dù song trong_khi và hoặc"),
}
"""Begin a statement of their own: words on their two sides do not make one sentence."""

OPENERS = {
    "en": words("while whereas but and although though because so however when where"),
    "vi": words("nhưng còn và vì song tuy dù"),
}
"""After one of these a statement may begin that stands for itself; `that` is not one (`it is
false that ...`), nor is `if`."""

COPULAS = {
    "en": words("is are was were became become remains remain"),
    "vi": words("là"),
}

PASSIVE = {
    "en": words("is are was were be been being get gets got"),
    "vi": words("được bị do bởi"),
}
"""Words that make a passive of the verb behind them."""

_SAME = {
    "en": (
        "begin start commence",
        "end finish conclude terminate",
        "buy purchase acquire take_over",
        "cause lead_to result_in bring_about",
        "help assist aid",
        "large big",
        "small little tiny",
        "kid child youngster",
        "mother mom mum",
        "father dad",
        "quick fast rapid",
        "happy glad pleased joyful",
        "sad unhappy",
        "near nearby",
        "select choose pick",
        "require need",
        "show display exhibit",
        "create make produce",
        "allow permit",
        "employ hire recruit",
        "employee worker staffer",
        "firm company",
        "yearly annual annually",
        "approximately about roughly around",
        "precede take_place_before occur_before happen_before come_before",
        "follow take_place_after occur_after happen_after come_after",
        "car automobile",
        "movie film",
        "author writer",
        "physician doctor",
        "attorney lawyer",
        "sick ill",
        "shop store",
        "road street",
        "talk speak",
        "look watch",
        "jump leap",
        "shout yell",
        "receive obtain",
        "send dispatch",
        "repair mend fix",
        "build construct erect",
        "inform notify",
        "answer reply respond",
        "error mistake",
        "rise increase grow climb",
        "fall decrease decline drop",
        "obligate oblige",
        "sofa couch",
        "infant baby",
        "ocean sea",
        "woods forest",
        "stone rock",
        "photo photograph picture",
        "cycle bicycle bike",
        "garbage trash rubbish",
        "supplier vendor",
        "client customer",
        "cancel annul",
        "supply provide deliver",
        "located situated",
        "uk britain",
        "gather collect",
        "whole entire",
        "simple easy",
        "silent quiet",
        "wealthy rich",
        "afraid scared frightened",
        "clever smart intelligent",
        "beautiful pretty",
        "strange odd weird",
        "cap hat",
        "cup mug",
        "path trail track",
        "rug carpet",
        "airplane plane aircraft",
        "spectacles glasses",
        "lady woman",
        "guy man",
        "crimson scarlet",
    ),
    "vi": (
        "ở tại trong",
        "bắt_đầu khởi_đầu",
        "kết_thúc chấm_dứt",
        "yêu_cầu đòi_hỏi",
        "thông_báo báo",
        "nhân_viên người_lao_động",
        "mua mua_lại thâu_tóm",
        "đến tới",
        "do bởi",
        "gửi nộp",
        "trả thanh_toán chi_trả",
        "nhận lĩnh",
        "chọn lựa_chọn",
        "xây_dựng xây",
        "sửa_chữa sửa",
        "thành_lập lập",
        "hoa_kỳ mỹ",
        "trẻ_em trẻ_con",
        "giúp giúp_đỡ hỗ_trợ",
        "tăng tăng_lên",
        "giảm giảm_xuống",
        "lớn to",
        "nhỏ bé",
    ),
}
"""Words that say the same in nearly every sentence. Those of Vietnamese may have several syllables,
joined by `_`."""

_LOCATIVE = words("in on at within inside")
"""English prepositions of place and time that writers exchange freely (`on the platform`, `at the
platform`); what is exchanged with a change of meaning (`under`, `above`) is not here."""

# Forms of two verbs get the key of one: `left` (the side) that of `leave`, `found` that of `find`,
# `lay` that of `lie`. Both sides are read alike, so the other words have to tell them apart.
_IRREGULAR = (
    "be:was,were,been become:became begin:began,begun bring:brought build:built burn:burnt "
    "buy:bought catch:caught choose:chose,chosen come:came deal:dealt do:did,done "
    "draw:drew,drawn drink:drank,drunk drive:drove,driven eat:ate,eaten fall:fell,fallen "
    "feel:felt fight:fought find:found fly:flew,flown forbid:forbade,forbidden "
    "forget:forgot,forgotten get:got,gotten give:gave,given go:went,gone grow:grew,grown "
    "hear:heard hide:hid,hidden hold:held keep:kept know:knew,known lay:laid lead:led "
    "learn:learnt leave:left lend:lent lie:lay,lain lose:lost make:made mean:meant meet:met "
    "pay:paid ride:rode,ridden ring:rang,rung rise:rose,risen run:ran say:said see:saw,seen "
    "seek:sought sell:sold send:sent shake:shook,shaken shine:shone shoot:shot show:shown "
    "sing:sang,sung sink:sank,sunk sit:sat sleep:slept speak:spoke,spoken spend:spent "
    "stand:stood steal:stole,stolen stick:stuck strike:struck swim:swam,swum take:took,taken "
    "teach:taught tear:tore,torn tell:told think:thought throw:threw,thrown "
    "understand:understood wake:woke,woken wear:wore,worn win:won write:wrote,written "
    "arise:arose,arisen awake:awoke bear:bore,borne beat:beaten bend:bent bind:bound bite:bit,"
    "bitten bleed:bled blow:blew,blown breed:bred broadcast:broadcasted cling:clung creep:crept "
    "dig:dug feed:fed flee:fled fling:flung forecast:forecasted freeze:froze,frozen hang:hung "
    "kneel:knelt leap:leapt light:lit overcome:overcame prove:proven seek:sought sew:sewn "
    "shrink:shrank,shrunk slide:slid speed:sped spill:spilt spin:spun spring:sprang,sprung "
    "sting:stung swear:swore,sworn sweep:swept swell:swollen swing:swung undergo:underwent,"
    "undergone undertake:undertook,undertaken weave:wove,woven weep:wept withdraw:withdrew,"
    "withdrawn"
)
"""English verbs whose forms a stemmer does not bring together: base and other forms."""

_OPPOSITES = {
    "en": (
        "increase/decrease",
        "rise/fall",
        "open/close",
        "accept/reject",
        "approve/reject",
        "include/exclude",
        "allow/forbid",
        "allow/prohibit",
        "permit/prohibit",
        "before/after",
        "above/below",
        "over/under",
        "more/less",
        "more/fewer",
        "maximum/minimum",
        "first/last",
        "always/never",
        "mandatory/optional",
        "required/optional",
        "win/lose",
        "buy/sell",
        "lend/borrow",
        "import/export",
        "arrive/depart",
        "begin/end",
        "start/end",
        "hot/cold",
        "warm/cold",
        "young/old",
        "new/old",
        "tall/short",
        "long/short",
        "high/low",
        "big/small",
        "large/small",
        "fast/slow",
        "happy/sad",
        "rich/poor",
        "strong/weak",
        "light/dark",
        "black/white",
        "near/far",
        "full/empty",
        "wet/dry",
        "clean/dirty",
        "inside/outside",
        "indoors/outdoors",
        "up/down",
        "left/right",
        "north/south",
        "east/west",
        "sit/stand",
        "awake/asleep",
        "alone/together",
        "noisy/quiet",
        "true/false",
        "success/failure",
        "profit/loss",
        "gain/lose",
        "create/destroy",
        "day/night",
        "morning/evening",
        "summer/winter",
        "male/female",
        "man/woman",
        "boy/girl",
        "upper/lower",
        "internal/external",
        "domestic/foreign",
        "paid/unpaid",
        "gross/net",
        "public/private",
    ),
    "vi": (
        "tăng/giảm",
        "mở/đóng",
        "chấp_nhận/từ_chối",
        "phê_duyệt/từ_chối",
        "cho_phép/cấm",
        "trước/sau",
        "trên/dưới",
        "nhiều/ít",
        "tối_đa/tối_thiểu",
        "bắt_buộc/tự_nguyện",
        "mua/bán",
        "nhập_khẩu/xuất_khẩu",
        "bắt_đầu/kết_thúc",
        "cao/thấp",
        "lớn/nhỏ",
        "mới/cũ",
        "trong/ngoài",
        "nam/nữ",
        "thắng/thua",
        "lãi/lỗ",
        "sáng/tối",
        "nóng/lạnh",
        "nhanh/chậm",
    ),
}


def stem(word: str, language: str) -> str:
    """The key under which two forms of a normalised word are the same."""
    if language == "vi":
        return syllable_key(word)
    return stem_english(_base_forms().get(word, word)) if language == "en" else word


@cache
def _base_forms() -> dict[str, str]:
    """The base form of each form of an irregular English verb."""
    return {
        form: base
        for entry in _IRREGULAR.split()
        for base, _, forms in [entry.partition(":")]
        for form in forms.split(",")
    }


@cache
def _forms() -> dict[str, frozenset[str]]:
    """All forms of each irregular English verb by its base form, which is one of them."""
    forms: dict[str, set[str]] = {}
    for form, base in _base_forms().items():
        forms.setdefault(base, {base}).add(form)
    return {base: frozenset(all_of_it) for base, all_of_it in forms.items()}


def forms_of(word: str) -> frozenset[str]:
    """Get the other forms of an irregular English verb (`paid` of `pay`); none of other words."""
    base = _base_forms().get(word, word)
    return _forms().get(base, frozenset()) - {word}


def is_participle(word: str, language: str) -> bool:
    """Whether a word may be what stands behind `was` in a passive; every past form counts."""
    return language == "en" and (word.endswith("ed") or word in _base_forms())


def synonym_key(key: str, language: str) -> str:
    """The key of the group of synonyms a key belongs to, or the key itself."""
    return _groups(language).get(key, key)


@cache
def _groups(language: str) -> dict[str, str]:
    groups: dict[str, str] = {}
    for line in _SAME.get(language, ()):
        for word in line.split():
            if "_" not in word:
                groups.setdefault(stem(normalise(word), language), _head(line, language))
    if language == "en":
        groups |= {stem(word, "en"): "in" for word in _LOCATIVE}
    return groups


def _head(line: str, language: str) -> str:
    """The key that all words of a group get: that of its first."""
    first, *_ = line.split()
    return _joint_key(first, language)


def _joint_key(word: str, language: str) -> str:
    return "_".join(stem(normalise(part), language) for part in word.split("_"))


@cache
def phrases(language: str) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """Listed words of several words: (keys, joint key) by first key, longest first.

    By first key, because nearly all words begin none of them.
    """
    heads = {
        word: _head(line, language) for line in _SAME.get(language, ()) for word in line.split()
    }
    listed = [
        *heads,
        *CRITICAL.get(language, ()),
        *CLAUSE_WORDS.get(language, ()),
        *(word for pair in _INVERSES.get(language, ()) for word in pair.split("/")),
    ]
    # By the keys that the parts have in a text: one of them may have synonyms (`báo` in `thông
    # báo`).
    found = {
        tuple(
            synonym_key(stem(normalise(part), language), language) for part in word.split("_")
        ): heads.get(word) or _joint_key(word, language)
        for word in listed
        if "_" in word
    }
    if language == "en":
        # Keys, not words: `besid` is what the stemmer makes of `beside`.
        found[("close", "to")] = "near"
        found[("next", "to")] = "besid"
    by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for keys, key in sorted(found.items(), key=lambda item: -len(item[0])):
        by_first.setdefault(keys[0], []).append((keys, key))
    return by_first


@cache
def opposites(language: str) -> frozenset[frozenset[str]]:
    """Pairs of keys that exclude one another."""
    # By the keys of synonyms: `purchase` excludes `sell` though only `buy/sell` is listed.
    return frozenset(
        frozenset(synonym_key(_joint_key(word, language), language) for word in pair.split("/"))
        for pair in _OPPOSITES.get(language, ())
    )


_INVERSES = {
    "en": ("supervise/report_to", "precede/follow", "own/belong_to", "employ/work_for"),
    "vi": ("quản_lý/báo_cáo_cho", "sở_hữu/thuộc_về", "tuyển_dụng/làm_việc_cho"),
}
"""A does one thing to B where B does the other to A."""


@cache
def inverses(language: str) -> dict[str, tuple[str, ...]]:
    """Keys of verbs -> those that say the same with subject and object exchanged."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in _INVERSES.get(language, ()):
        one, other = (synonym_key(_joint_key(word, language), language) for word in pair.split("/"))
        found[one] = (*found.get(one, ()), other)
        found[other] = (*found.get(other, ()), one)
    return found


_AGENTS = (
    "manager:supervise,manage supervisor:supervise boss:supervise,manage owner:own author:write "
    "writer:write founder:found director:direct producer:produce composer:compose "
    "designer:design inventor:invent builder:build creator:create publisher:publish "
    "organiser:organise organizer:organize sponsor:sponsor winner:win employer:employ "
    "editor:edit developer:develop manufacturer:manufacture operator:operate painter:paint "
    "leader:lead translator:translate architect:design"
)
"""Nouns for whoever does something, with the verbs that say it."""

HOLDERS = words(
    "manager managers supervisor supervisors boss bosses owner owners employer employers operator "
    "operators leader leaders sponsor sponsors editor editors director directors publisher "
    "publishers"
)
"""Those of them who are it only as long as they do it."""


@cache
def agents() -> dict[str, tuple[str, ...]]:
    """Keys of English nouns for whoever does something -> keys of the verbs."""
    return {
        synonym_key(stem(noun, "en"), "en"): tuple(
            synonym_key(stem(verb, "en"), "en") for verb in verbs.split(",")
        )
        for entry in _AGENTS.split()
        for noun, _, verbs in [entry.partition(":")]
    }


_KINDS = {
    "en": (
        "person:man,woman,lady,guy,boy,girl,child,adult,baby,worker,employee,player,singer,actor "
        "someone:man,woman,lady,guy,boy,girl,child,adult,baby,person "
        "somebody:man,woman,lady,guy,boy,girl,child,adult,baby,person "
        "human:man,woman,lady,guy,boy,girl,child,adult,baby,person "
        "people:man,woman,lady,guy,boy,girl,child,adult,person,human "
        "child:boy,girl adult:man,woman,lady,guy animal:dog,cat,horse,cow,bird,fish,sheep,goat "
        "vehicle:car,truck,bus,van,lorry,motorcycle building:house,church,school,hospital "
        "instrument:guitar,piano,violin,drum,trumpet,flute food:bread,cake,pizza,rice,meat,fruit "
        "drink:coffee,tea,water,beer,wine,juice fruit:apple,banana,orange,lemon "
        "clothes:shirt,dress,trousers,jacket,coat furniture:chair,table,sofa,bed,desk"
    ),
}
"""Words for a kind with those for some of the kind."""


@cache
def kinds(language: str) -> dict[str, frozenset[str]]:
    """Keys of words for a kind -> keys of words for some of the kind.

    Seeing a dog is seeing an animal: it holds where nothing is denied and nothing said of all.
    """
    found: dict[str, frozenset[str]] = {}
    for entry in _KINDS.get(language, "").split():
        kind, _, listed = entry.partition(":")
        some = (synonym_key(stem(word, language), language) for word in listed.split(","))
        found[synonym_key(stem(kind, language), language)] = frozenset(some)
    return found


# Keys: English stems (`marri`), Vietnamese syllables with the number of their tone (`cươi5`).
SYMMETRIC = {
    "en": words("meet marri join equal border face resembl accompani match talk speak"),
    "vi": words("gặp cươi5 bằng giap5"),
}
"""Keys of verbs that say the same with subject and object exchanged."""


@cache
def comparatives(language: str) -> dict[str, tuple[str, ...]]:
    """Keys of comparatives -> those that say the same from the other side."""
    pairs = {
        "en": (
            "larger/smaller bigger/smaller higher/lower longer/shorter taller/shorter "
            "older/younger older/newer faster/slower heavier/lighter cheaper/dearer "
            "warmer/colder more/less "
            "more/fewer earlier/later stronger/weaker wider/narrower"
        ),
        "vi": (
            "lớn/nhỏ cao/thấp dài/ngắn nhiều/ít nhanh/chậm nặng/nhẹ mới/cũ già/trẻ rộng/hẹp đắt/rẻ"
        ),
    }
    found: dict[str, tuple[str, ...]] = {}
    for pair in pairs.get(language, "").split():
        one, other = (synonym_key(stem(word, language), language) for word in pair.split("/"))
        found[one] = (*found.get(one, ()), other)
        found[other] = (*found.get(other, ()), one)
    return found
