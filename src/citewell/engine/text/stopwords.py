"""Function words per language, and the longer stop-word lists made of them.

Function words tell languages apart and weigh little in a question. Stop words are left out when a
sentence is compared with its source, so those lists also hold words that carry no fact.
"""


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Function words only: a word that may be the subject of a question ("time", "work") is not listed,
# however frequent it is.
ENGLISH = _split(
    """
    a about an and any are as at be been between but by can could did do does done during for from
    had has have having he her his how i if in into is it its many may me might much must my no of
    on or our shall she should so some such than that the their them then there these they this
    those to under was we were what when where which who whom whose why will with would you your
    """
)

VIETNAMESE = _split(
    """
    ai bao bị bởi cho các cái có của gì hay khi không là mà mấy nhiêu như những nào này nên nếu phải
    ra rằng sao sẽ theo thì thế trong tại từ và vào về với đâu đã được để
    """
)

QUESTION_VIETNAMESE = _split(
    "ai bao cho các có của gì là mấy nhiêu những nào sao thế và với đâu được"
)
"""Syllables that nearly every Vietnamese question has and that say nothing of its subject."""

INFORMAL_VIETNAMESE = _split("ko khg hok dc đc ntn")
"""Short spellings of question words (`không`, `được`, `như thế nào`), as people type them."""

OTHER: dict[str, frozenset[str]] = {
    "fr": _split(
        """
        au aux avec ce ces cette comment d dans de des du elle en est et il ils je l la le les leur
        mais n ne nous on ou où par pas plus pour qu quand que quel quelle quelles quels qui quoi sa
        se ses son sont sur un une vous être
        """
    ),
    "de": _split(
        """
        als am an auch auf aus bei das dass dem den der des die ein eine einem einen einer er es für
        hat ich im in ist kann mit nach nicht oder sich sie sind so um und von vor wann war was
        welche welcher wenn wer werden wie wir wird wo zu zum zur über
        """
    ),
    "es": _split(
        """
        al como con cual cuál cuáles cuándo cuánto cuántos cómo de del donde dónde el ella en es
        esta este está fue ha la las lo los más no para pero por puede que quién qué se ser si sin
        sobre son su sus un una y
        """
    ),
    "pt": _split(
        """
        ao as com como da das de do dos ela ele em entre está eu foi for há isso mais mas na nas no
        nos não o onde os ou para pela pelo por quais qual quando quanto que quem se sem ser seu sua
        são também um uma você é
        """
    ),
    "it": _split(
        """
        al alla anche che chi ci come con cosa da dal dalla degli dei del della delle di dove e gli
        ha i il in la le lo ma nel nella non o per più può quale quali quando quanto se si sono su
        sul sulla un una uno è
        """
    ),
    "nl": _split(
        """
        aan als bij dat de deze die dit door een en er het hij hoe ik in is kan maar met naar niet
        of om ook op te tot uit van voor waar wanneer was wat we welke werd wie wij worden zij zijn
        """
    ),
    "sv": _split(
        """
        att av de den det du efter eller en ett från för har hur i inte jag kan med men när och om
        på sig ska som till vad var vi vid vilka vilken är
        """
    ),
    "pl": _split(
        """
        ale czy dla do gdzie i ile jak jako jest już kiedy która które który ma mi mnie na nie o od
        oraz po przez się są tego to w z za ze że
        """
    ),
    "id": _split(
        """
        ada adalah akan apa atau bagaimana berapa bisa dalam dan dapat dari dengan di ini itu juga
        kapan karena ke oleh pada saya siapa tidak untuk yang
        """
    ),
    "tr": _split(
        """
        bir bu da daha de değil gibi hangi ile için kadar mi m\u0131 nas\u0131l ne nedir
        olan olarak ve veya
        """
    ),
}
"""Latin-script languages told apart besides English and Vietnamese, by ISO 639-1 code."""

LIGHT: dict[str, frozenset[str]] = {
    "en": _split(
        """
        able actual actually allowed asked asks back big bring brings call called calls case come
        comes current currently done exactly fill find finds get gets getting give given gives go
        goes going good happen happens have help item items job jobs keep keeps kept kind know large
        let like likely long look looks lot made make makes mean means move need needed needs
        normally old people person place possible put really receive receives run runs said same say
        says see show small someone sort step steps take takes tell thing things try type types use
        used uses using usually want wants way ways work works
        """
    ),
    "vi": _split(
        """
        biết bên chỗ cách cần dùng giúp gian hết hỏi kể làm loại lúc lấy lần mấy muốn nhận nơi nói
        phần riêng số thể thời thứ việc xem đi
        """
    ),
}
"""Words that nearly every subject shares: verbs and nouns that people ask with. A small library
holds few of them, so that counting there takes each for what the question is about."""

STOPWORDS: dict[str, frozenset[str]] = {
    "en": ENGLISH
    | _split(
        """
        according also am based because being both cannot each following get gets got here him
        however just least less made make makes more most never none nor not note off one only
        other others out over per please receive receives says since stated states take takes
        therefore through thus until up upon us very via while within yes
        """
    ),
    "vi": VIETNAMESE
    | _split(
        """
        bằng chưa chẳng chỉ còn cũng cả cần do dưới dạ hoặc lại mỗi một người nhé nhưng quy rất thể
        trên tuy việc vâng vì đang đó đến đều định đừng ạ ở
        """
    ),
}
"""Words that tell nothing of what a sentence is about, by ISO 639-1 code.

Negators and bounds (`not`, `most`, `chưa`) are among them because `answering/facts.py` compares
those by their meaning.
"""
