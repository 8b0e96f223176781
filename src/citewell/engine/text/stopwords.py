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

INFORMAL_VIETNAMESE = _split(
    "ko khg hok hông hem khum dc đc ntn ji zì zi zậy dzậy bn bnhiu nhiu vậy ạ nha nhé nhỉ hả luôn "
    "tôi tui tụi hồi bữa vô"
)
"""Spellings of question words as people type them, and words of speech that documents lack."""

CUT_ENGLISH = _split(
    "don didn doesn isn aren wasn weren wouldn couldn shouldn hasn haven hadn ain dont didnt "
    "doesnt isnt cant wont"
)
"""Beginnings of `don't` and the like, as apostrophes end words, and their spellings without one."""

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
        able about above across actual actually after again against ago ahead allowed
        alone along alongside already always amongst anyone anyway anywhere apart appear
        appears around arrive aside asked asks assume aware away back bad basically
        become becomes been begin beginning begins behind belong below beside beyond big
        both bother bound briefly bring brings broad broadly call called calls came
        capable case cases certain certainly clear clearly come comes coming common
        commonly completely consider considered contain contains continue correct
        correctly couple current currently decent despite do doing done due during each
        easily either else elsewhere enough entire entirely especially even eventually
        ever every everybody everyone everything everywhere exact exactly except fairly
        far few figure fill find finds fine fit forth forward found fully further gave
        general generally get gets getting give given gives giving go goes going gone
        good great guess had happen happened happening happens hardly have having help
        helped helps here hope if immediately indeed inside instead into involve item
        items itself job jobs join just keep keeps kept kind kinds knew know known knows
        large largely lasted lasts less let lets lie like liked likely little long
        longer look looked looking looks lot low made main mainly make makes making many
        may maybe mean means meant mention mentioned mentions might moment more most
        mostly move much must near nearly necessary need needed needing needs new nice
        nor normal normally obvious often okay old only other otherwise ought out
        outside over overall own partly people perhaps person piece place placed places
        plain please plenty plus possible possibly previous previously probably proper
        properly purely put puts quickly quite ran rather real really receive received
        receives recent recently regard related right roughly run running runs said same
        saw say saying says see seem seems seen several shall should show showed shown
        shows similarly simple simply since small so some somebody somehow someone
        something sometimes somewhere soon sort sorts specifically step steps still
        straight such suppose supposed sure surely take taken takes taking tell tells
        tend than thank thanks then there thing things think this those though thought
        through tied time times together told too took totally toward towards tried
        tries truly try trying type types typically under unless until upon use used
        useful uses using usual usually various via want wanted wants was way ways well
        went were whatever when whenever where whereas wherever whether while whole
        whose why will wish within without wonder work worked working works world worth
        would yes yet
        """
    ),
    "vi": _split(
        """
        biết buộc bên bình bận bắt bỏ bớt chung chuyện chuẩn chính chút chắc chọn chỗ
        chừng cách cái cùng cần cặp cỡ cụ diễn dài dành dùng dễ dựa ghi gian giúp giống
        giờ giữ gây gần gặp gồm hay hiểu hoàn hơn hướng hết hỏi hợp khi khác khó kiểu
        kèm kết kể kỹ liên liệu lo loại luôn làm lên lúc lại lấy lần lớn mang muốn mấy
        mới mở mục ngay nghe nghĩ ngoài người nhau nhiều nhưng nhận nhỏ nhờ nào này nên
        nói nơi nằm nếu phải phần qua quan ra riêng rõ rồi sang sao sau so sẵn sẽ số sử
        thay theo thành thêm thì thôi thường thấy thể thời thứ thử thực tiếp toàn trong
        trên trước trở tìm tương tại tất tới từ từng tự việc vào ví vẫn vậy với vừa xem
        xong xung xuống yêu ý đang đi điểm đáp đâu đích đó đúng đưa được đầu đầy đặt đến
        đều để định đổi đủ đứng
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
