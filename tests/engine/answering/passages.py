"""A small library and questions to it, over real term ids and statistics."""

from collections import Counter
from collections.abc import Sequence

from citewell.engine.answering.base import Answer, Passage, Question
from citewell.engine.answering.extractive import extract_answer
from citewell.engine.answering.question import question_of, text_terms
from citewell.engine.lexical.base import CorpusStatistics
from citewell.engine.retrieval.analysis import analyse

LIBRARY = {
    "en": [
        "Staff on probation get no sick pay. After probation, sick pay is full pay for 20 days.",
        "The canteen opens at 7:30. It closes at 14:00. Lunch costs 40,000 VND a day.",
        "Visitors sign in at the gate. Each visitor wears a badge.",
        "Laptops are replaced every four years. Broken ones go to the help desk.",
        "The helpdesk answers on extension 4120. Calls at night go to the duty engineer.",
        "Trains to London are booked by the travel desk. A hotel in London may cost 165 pounds.",
        "Expenses are paid within ten days. Receipts are kept for six years.",
        "The board meets in March. Minutes are published in April.",
        "Fire drills are held twice a year. Leave by the nearest door.",
        "Parking is free for bicycles. Cars need a permit.",
    ],
    "vi": [
        "Nhân viên được nghỉ phép 14 ngày một năm. Ngày nghỉ còn lại được chuyển sang quý sau.",
        "Nhà ăn mở cửa lúc 7 giờ 30. Suất ăn trưa có giá 40.000 đồng.",
        "Xe đưa đón khởi hành lúc 6 giờ 45. Chuyến về rời nhà máy lúc 17 giờ 15.",
        "Khách đăng ký tại cổng bảo vệ. Mỗi người đeo một thẻ.",
        "Tiền lương được trả vào ngày 10 hằng tháng. Bảng lương gửi qua thư điện tử.",
    ],
}


def passage(
    text: str,
    *,
    name: str = "a",
    score: float = 1.0,
    start: int = 0,
    heading: Sequence[str] = (),
    title: str = "Staff guide",
    language: str = "en",
    context: str = "",
    dense: float | None = None,
) -> Passage:
    return Passage(
        chunk_id=f"{name}-{start}",
        document_id=name,
        title=title,
        version=1,
        page=3,
        heading=tuple(heading),
        start=start,
        end=start + len(text),
        text=text,
        score=score,
        language=language,
        dense_score=dense,
        context=context,
    )


def library(language: str = "en") -> list[Passage]:
    return [
        passage(text, name=str(at), language=language, score=0.5)
        for at, text in enumerate(LIBRARY[language])
    ]


def asked(text: str, passages: Sequence[Passage], language: str = "en") -> Question:
    """A question with its IDF over the library and the passages given."""
    texts = [p.text for p in [*library(language), *passages]]
    frequency = Counter(one for held in texts for one in text_terms(held, language))
    return question_of(
        text, language, analyse(text).terms, CorpusStatistics(len(texts), dict(frequency))
    )


def answer(text: str, *passages: Passage, language: str = "en") -> Answer:
    given = list(passages) or library(language)
    return extract_answer(asked(text, given, language), given)
