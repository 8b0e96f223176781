"""Personal data is found, hidden and put back."""

import random
import time

from citewell.engine.text.hiding import (
    Unveiling,
    Veil,
    masked,
    masked_in,
    personal_data,
)


def found(text: str) -> list[str]:
    return [f"{kind} {text[start:end]}" for start, end, kind in personal_data(text)]


class TestFinding:
    def test_each_kind_is_found_in_its_usual_spellings(self) -> None:
        for text, wanted in (
            ("Mail an.nguyen@example.com.vn, or x+y@z.io.",
             ["EMAIL an.nguyen@example.com.vn", "EMAIL x+y@z.io"]),
            ("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", ["IBAN DE89 3704 0044 0532 0130 00"]),
            ("(GB29NWBK60161331926819)", ["IBAN GB29NWBK60161331926819"]),
            ("5 4111 1111 1111 1111 12", ["CARD 4111 1111 1111 1111"]),
            ("4111-1111-1111-1111.", ["CARD 4111-1111-1111-1111"]),
            ("Số 001085012345, 001 085 012 345", ["ID 001085012345", "ID 001 085 012 345"]),
            ("CMND của ông An: 123456789", ["ID 123456789"]),
            ("MST 0100109106-002 và 0100109106", ["TAX 0100109106-002", "TAX 0100109106"]),
            ("Mã số thuế: 0312345678-001", ["TAX 0312345678-001"]),
            ("0912 345 678, 0912.345.678, 0912345678", [
                "PHONE 0912 345 678", "PHONE 0912.345.678", "PHONE 0912345678"]),
            ("(028) 3822 1234; 0243.822.1234", ["PHONE (028) 3822 1234", "PHONE 0243.822.1234"]),
            ("+84 912 345 678, +84(0)912345678", ["PHONE +84 912 345 678",
             "PHONE +84(0)912345678"]),
            ('{"m": "B\\n0912345678\\t0100109106"}', ["PHONE 0912345678", "TAX 0100109106"]),
            ("+1 (555) 123-4567, 84912345678", ["PHONE +1 (555) 123-4567", "PHONE 84912345678"]),
        ):  # fmt: skip
            assert found(text) == wanted, text

    def test_other_numbers_are_left(self) -> None:
        for text in (
            "01.01.2024 - 02.02.2024 02:03, 2024-01-02",
            "Doanh thu 150000000 đồng, 1.234.567.890 đồng",
            "123/2020/NĐ-CP, Điều 12, Khoản 3, ISBN 978-3-16-148410-0",
            "4111 1111 1111 1112, AB12 AAAA BBBB CCCC, v1.0.2.3456, 12:30:45",
            "Order 1234567890 of 2024; ratio 0.123456789; @home, a@b",
        ):
            assert found(text) == [], text

    def test_cost_grows_with_the_text_alone(self) -> None:
        def cost(text: str) -> float:
            began = time.process_time()
            personal_data(text)
            return time.process_time() - began

        for part in ("1 ", "4 1", "a.", "+1(", "A1 ", "mst ", "cmnd", "09.", "0", "a@a.", "DE89 3"):
            short, long = (part * (size // len(part)) for size in (20_000, 160_000))
            # Eight times the text; a square would be 64 times the cost.
            assert cost(long) < 30 * cost(short) + 0.1, part


class TestHiding:
    def test_nothing_is_found_in_what_is_hidden_and_all_is_put_back(self) -> None:
        draw = random.Random(11)
        data = [
            "an@example.com", "DE89370400440532013000", "4111111111111111", "001085012345",
            "0912 345 678", "+84 912 345 678", "0100109106", "CMND 123456789", "[EMAIL_1]",
            "[PHONE_1", "a", " ", "7", "-", ".", "Điều 12", "[", "]", "@", "+", "\n", "0", "84",
        ]  # fmt: skip
        for _ in range(400):
            text = "".join(draw.choice(data) for _ in range(draw.randint(1, 12)))
            veil = Veil()
            veil.keep_clear_of(text)
            hidden = veil.hide(text)
            assert personal_data(hidden) == [], (text, hidden)
            assert veil.restore(hidden) == text
            unveiling, pieces, at = Unveiling(veil), [], 0
            while at < len(hidden):
                size = draw.randint(1, 5)
                pieces.append(unveiling.take(hidden[at : at + size]))
                at += size
            assert "".join(pieces) + unveiling.rest() == text

    def test_same_datum_has_the_same_placeholder_and_numbers_are_hidden_in_json(self) -> None:
        veil = Veil()
        assert veil.hide("a@b.co, c@d.co, a@b.co") == "[EMAIL_1], [EMAIL_2], [EMAIL_1]"
        node = {"to": ["a@b.co"], "phone": 84912345678, "n": 3, "ok": True, "none": None}
        hidden = veil.hide_in(node)
        assert hidden == {
            "to": ["[EMAIL_1]"], "phone": "[PHONE_1]", "n": 3, "ok": True, "none": None,
        }  # fmt: skip
        assert veil.restore_in(hidden) == {**node, "phone": "84912345678"}


class TestMasking:
    def test_data_of_all_kinds_give_way_to_their_kind(self) -> None:
        for text, wanted in (
            ("Call 0912 345 678 or an@example.com", "Call [PHONE] or [EMAIL]"),
            ("+84 (0) 912 345 678", "[PHONE]"),
            ("IBAN DE89 3704 0044 0532 0130 00 BIC", "IBAN [IBAN] BIC"),
            ("CCCD 001085012345, CMND 123456789", "CCCD [ID], CMND [ID]"),
            ("MST 0100109106-002", "MST [TAX]"),
            ("4111 1111 1111 1111", "[CARD]"),
            ("Điều 12 của 123/2020/NĐ-CP", "Điều 12 của 123/2020/NĐ-CP"),
        ):
            assert masked(text) == wanted
            assert masked(wanted) == wanted

    def test_texts_that_are_not_searched_hold_none(self) -> None:
        draw = random.Random(15)
        parts = (
            "0912 345 678", "a@b.io", "GB29NWBK60161331926819", "001 085 012 345", " ", "MST ",
            "(028) 3822 1234", "+1 (555) 123-4567", "12", "cmnd 123456789", "x", "\n",
        )  # fmt: skip
        for _ in range(500):
            text = "".join(draw.choice(parts) for _ in range(6))
            assert personal_data(masked(text)) == []

    def test_json_is_masked_in_its_keys_and_texts(self) -> None:
        node = {"an@b.io": ["0912345678", 912345678, None, {"x": ("a@b.io",)}]}
        assert masked_in(node) == {"[EMAIL]": ["[PHONE]", 912345678, None, {"x": ["[EMAIL]"]}]}

    def test_whole_numbers_that_are_personal_data_become_their_kind(self) -> None:
        scores = {"score": 0.84912345678, "k": 10, "is_on": True, "rest": -1.5}
        node = {"phone": 84912345678, "filters": [84912345678.0, scores]}
        assert masked_in(node) == {"phone": "[PHONE]", "filters": ["[PHONE]", scores]}
