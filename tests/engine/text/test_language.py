import pytest

from citewell.engine.text.language import detect_language
from citewell.engine.text.normalisation import fold, normalise
from tests.timing import processor_seconds

VIETNAMESE = [
    "Nhân viên được nghỉ phép bao nhiêu ngày một năm?",
    "VPN là gì?",
    "Mật khẩu wifi của phòng họp tầng ba",
    "Ai phê duyệt đơn xin nghỉ không lương?",
    "Thời hạn bảo hành của máy in LaserJet Pro là bao lâu?",
    "lương tháng 13 trả khi nào",
    "chính sách công tác phí",
]
ENGLISH = [
    "How many days of leave do I get per year?",
    "What is Tet bonus?",
    "the wifi is down",
    "can I go home",
    "Who is Nguyễn Văn An?",
    "Why does the AI tool need a VPN?",
    "When is the do and don't list due?",
]
OTHERS = [
    ("fr", "Quel est le délai de préavis ?"),
    ("de", "Wie viele Urlaubstage habe ich?"),
    ("es", "¿Cuántos días de vacaciones tengo?"),
    ("pt", "Qual é o prazo de entrega?"),
    ("it", "Quanti giorni di ferie ho?"),
    ("nl", "Hoeveel vakantiedagen heb ik in het eerste jaar?"),
    ("sv", "Hur många semesterdagar har jag?"),
    ("pl", "Ile dni urlopu mi przysługuje?"),
    ("id", "Berapa hari cuti tahunan saya?"),
    ("zh", "VPN的年假有几天"),
    ("ja", "有給休暇は何日ですか"),
    ("ko", "연차는 며칠입니까?"),
    ("th", "ลาพักร้อนได้กี่วัน"),
    ("ru", "Сколько дней отпуска?"),
    ("uk", "Скільки днів відпустки?"),
    ("ar", "كم عدد أيام الإجازة؟"),
    ("fa", "چند روز مرخصی دارم؟"),
    ("he", "כמה ימי חופשה יש לי?"),
    ("el", "Πόσες ημέρες άδειας έχω;"),
    ("hi", "मुझे कितनी छुट्टियाँ मिलती हैं?"),
]


class TestDetectLanguage:
    @pytest.mark.parametrize("text", VIETNAMESE)
    def test_vietnamese_is_recognised_with_and_without_accents(self, text: str) -> None:
        assert detect_language(text) == "vi"
        assert detect_language(fold(normalise(text))) == "vi"

    @pytest.mark.parametrize("text", ENGLISH)
    def test_english_is_recognised(self, text: str) -> None:
        assert detect_language(text) == "en"

    @pytest.mark.parametrize(("language", "text"), OTHERS)
    def test_other_languages_are_recognised(self, language: str, text: str) -> None:
        assert detect_language(text) == language

    @pytest.mark.parametrize("text", ["", "😀😀", "...", "2024", "ISO-27001", "\ud800"])
    def test_text_without_language_is_undetermined(self, text: str) -> None:
        assert detect_language(text) == "und"

    def test_vietnamese_text_with_english_words_is_vietnamese(self) -> None:
        text = "Nhân viên cài VPN client trên laptop theo checklist của helpdesk trước khi onboard."
        assert detect_language(text) == "vi"

    def test_huge_text_costs_as_much_as_its_head(self) -> None:
        text = "Điều khoản chung. " * 1_000_000
        assert processor_seconds(lambda: detect_language(text)) < 0.5
