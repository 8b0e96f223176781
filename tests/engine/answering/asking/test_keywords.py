"""A few keywords ask for what their head says."""

import pytest

from citewell.engine.answering.asking.answer_kinds import Kind
from citewell.engine.answering.asking.kinds import read_question
from tests.engine.answering.passages import answer, passage


@pytest.mark.parametrize(
    ("language", "kind", "questions"),
    [
        ("en", Kind.AMOUNT, ("parking fee?", "late fees for books", "day ticket price")),
        ("en", Kind.TIME, ("opening hours saturday", "deadline for claims", "shop closing time")),
        ("en", Kind.DURATION, ("notice period", "waiting period for new members")),
        ("en", Kind.CONTACT, ("porter phone number",)),
        ("en", Kind.OTHER, ("fee waiver form", "parking", "the fee is unclear")),
        ("vi", Kind.AMOUNT, ("giá vé bể bơi?", "phí gửi xe?", "học phí lớp vẽ", "gia ve be boi")),
        ("vi", Kind.TIME, ("giờ mở cửa thư viện", "hạn nộp báo cáo", "gio mo cua thu vien")),
        ("vi", Kind.CONTACT, ("số điện thoại bảo vệ",)),
        (
            "vi",
            Kind.OTHER,
            ("gia hạn thẻ", "gia han the", "lượng mưa", "giá trị cốt lõi", "lương thực dự trữ"),
        ),
    ],
)
def test_head_tells_the_kind(language: str, kind: Kind, questions: tuple[str, ...]) -> None:
    assert {each: read_question(each, language).kind for each in questions} == dict.fromkeys(
        questions, kind
    )


def test_text_without_a_price_is_no_answer_to_a_price() -> None:
    pool = passage(
        "1. Bể bơi tại tầng 4 mở cửa từ 5 giờ 30 đến 20 giờ, nghỉ thứ Hai.",
        title="Nội quy",
        heading=("Bể bơi",),
        language="vi",
    )
    assert answer("giá vé bể bơi?", pool, language="vi").is_abstained
    assert "20 giờ" in answer("giờ mở cửa bể bơi?", pool, language="vi").text


def test_days_of_every_year_are_no_year() -> None:
    for question in (
        "Người lao động được nghỉ hằng năm bao nhiêu ngày?",
        "nghi hang nam bao nhieu ngay",
        "Mỗi năm bao nhiêu lần?",
    ):
        assert read_question(question, "vi").kind is Kind.COUNT, question
    assert read_question("Công ty thành lập năm bao nhiêu?", "vi").kind is Kind.TIME
