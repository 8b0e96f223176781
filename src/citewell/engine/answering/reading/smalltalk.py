"""Greetings and questions about Citewell itself: a fixed reply, no passages."""

import re

from citewell.engine.text.normalisation import fold, normalise

_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|"
    r"bye|goodbye|how are you|(?:xin )?chao|alo|tam biet)"
    r"(?: (?:there|all|everyone|everybody|citewell|ban|anh|chi|em|ca nha|moi nguoi|buoi sang|"
    r"buoi chieu|buoi toi|nhe|a|nhieu))*"
)
_THANKS = re.compile(
    r"(?:(?:ok|okay|great|perfect|tot|da|vang) )?(?:(?:many )?thanks?(?: you)?|thx|cheers|"
    r"(?:xin |rat )?cam on)(?: (?:very much|so much|a lot|for (?:that|this|your help|the help)|you|"
    r"there|all|everyone|citewell|ban|anh|chi|em|nhe|nha|a|nhieu|lam|rat nhieu|da giup(?: do)?))*"
)
_ABOUT = re.compile(
    r"(?:who|what) (?:are you|is citewell)|what can you(?: do| answer)?(?: for me)?|"
    r"what do you (?:do|know)|how do you work|how does (?:this|citewell) work|"
    r"how (?:can|do|should) i (?:use (?:you|this|citewell)|ask(?: you)?(?: a question)?)|"
    r"what(?: is|s)? your name|are you (?:an? )?(?:bot|robot|human|person|ai|machine)|"
    r"can you help(?: me)?|how can you help(?: me)?|help(?: me)?|what is this|"
    r"(?:citewell|ban) la (?:ai|gi)|ban ten (?:la )?gi|ten (?:cua )?ban la gi|"
    r"ban (?:co the )?(?:lam|giup)(?: toi)?(?: duoc)?(?: nhung)? ?(?:gi|duoc gi)?(?: cho toi)?|"
    r"(?:citewell|cai nay) (?:dung|hoat dong) (?:the nao|nhu the nao)|"
    r"giup (?:toi|minh)(?: voi)?|ban co phai (?:la )?(?:nguoi|may|robot)(?: that)?(?: khong)?"
)
_MARKS = re.compile(r"[^\w\s]+")
_MAX_CHARS = 80
"""A longer text is a question, however it begins."""

_REPLIES = {
    "en": "I am Citewell. I answer questions from your organisation's documents and show the "
    "passage each sentence comes from. Ask about something they hold, such as a rule, a date, a "
    "price or a procedure.",
    "vi": "Tôi là Citewell. Tôi trả lời câu hỏi từ tài liệu của tổ chức bạn và chỉ rõ đoạn văn "
    "của từng câu. Hãy hỏi về điều có trong tài liệu, chẳng hạn một quy định, thời hạn, mức giá "
    "hay thủ tục.",
}
_WELCOME = {
    "en": "You are welcome. Ask again whenever your organisation's documents may hold the answer.",
    "vi": "Không có gì, rất vui được giúp bạn. Hãy hỏi tiếp khi tài liệu của tổ chức bạn có thể có "
    "câu trả lời.",
}
_VIETNAMESE = re.compile(r"\b(?:chao|ban|cam on|tam biet|giup|toi|minh|la gi|la ai|the nao|alo)\b")


_BOTH = re.compile(rf"(?:{_GREETING.pattern}) (?:{_ABOUT.pattern})")
"""A greeting with what is asked behind it: `Hello, what can you do?`."""


def fixed_reply(text: str) -> str | None:
    """Get the reply to a greeting or a question about Citewell, in its language.

    Args:
        text: The question as asked.

    Returns:
        None for every other question.
    """
    if len(text) > _MAX_CHARS:
        return None
    plain = " ".join(_MARKS.sub(" ", fold(normalise(text))).split())
    language = "vi" if _VIETNAMESE.search(plain) else "en"
    if _THANKS.fullmatch(plain):
        return _WELCOME[language]
    if any(one.fullmatch(plain) for one in (_GREETING, _ABOUT, _BOTH)):
        return _REPLIES[language]
    return None
