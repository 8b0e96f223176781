"""Decisions behind proposals, causes behind labels, small numbers in other spellings."""

from citewell.engine.answering.asking.spellings import other_spellings
from citewell.engine.answering.pointing import points_back
from tests.engine.answering.passages import answer, passage

MINUTES = passage(
    "2. Bà Lụa đề xuất thuê thêm thuyền chở khách. Ông Mẫn lo về giá dầu. **Chưa thống nhất**, bàn "
    "lại vào tháng sau.\n3. Bến đò đề nghị sơn lại nhà chờ. Giá sơn đã tăng.\n"
    "4. Chủ tịch thống nhất mở thêm bến. Thuyền số 7 ngừng chạy bốn ngày. Nguyên nhân ban đầu: "
    "chân vịt mắc lưới.",
    title="Biên bản họp bến đò",
    heading=("Nội dung",),
    language="vi",
)
CHOIR = passage(
    "Mr Hale proposed to hire a second pianist. Fees were compared. Not approved, as the fund is "
    "low.\n\nThe tenors asked for new folders. Folders cost 9 pounds.",
    title="Choir committee",
    heading=("Proposals",),
)


class TestOutcomes:
    def test_decision_follows_the_proposal_it_is_of(self):
        found = answer("đã thống nhất thuê thêm thuyền chở khách chưa?", MINUTES, language="vi")
        assert "Chưa thống nhất" in found.sentences[0].text
        assert len(found.sentences[0].citations) == 2
        found = answer("Is a second pianist hired?", CHOIR)
        assert "Not approved" in found.sentences[0].text

    def test_next_item_is_of_something_else(self):
        found = answer("nhà chờ bến đò đã được sơn lại chưa?", MINUTES, language="vi")
        assert "mở thêm bến" not in found.text
        assert "Not approved" not in answer("Do the tenors get new folders?", CHOIR).text


class TestLabels:
    def test_cause_is_told_with_what_it_is_of(self):
        found = answer("nguyên nhân nào làm thuyền số 7 ngừng chạy?", MINUTES, language="vi")
        assert "mắc lưới" in found.sentences[0].text

    def test_fields_of_a_form_point_to_nothing(self):
        assert points_back("Reason so far: damp wood.")
        for text in (
            "Deadline: 3 May",
            "Địa điểm: bến 2",
            "Reason: damp; Days: 5",
            "The reason is dull.",
        ):
            assert not points_back(text), text


class TestSpellings:
    def test_small_numbers_in_words_digits_and_padded(self):
        assert {"4", "04", "four"} <= set(other_spellings("bốn"))
        assert {"ba", "three", "03"} <= set(other_spellings("3"))
        for word in ("một", "năm", "210", "nhà"):
            assert not {"1", "5", "210"} & set(other_spellings(word)), word

    def test_number_is_found_however_it_is_spelt(self):
        hut = passage(
            "Lều 4 người giá 240.000 đồng. Lều 6 người giá 320.000 đồng. "
            "Nghỉ 02 đêm được tặng củi.",
            title="Khu cắm trại",
            heading=("Bảng giá",),
            language="vi",
        )
        for question, told in (
            ("lều bốn người giá bao nhiêu", "240.000"),
            ("nghỉ 2 đêm được tặng gì", "củi"),
        ):
            assert told in answer(question, hut, language="vi").sentences[0].text, question
