"""Greetings and questions about Citewell."""

import pytest

from citewell.engine.answering.reading.smalltalk import fixed_reply


class TestFixedReply:
    @pytest.mark.parametrize("text", ["Hello!", "Good morning", "What can you do?", "Hello there"])
    def test_english(self, text: str):
        assert (fixed_reply(text) or "").startswith("I am Citewell.")

    @pytest.mark.parametrize("text", ["Xin chào", "chao ban", "Bạn là ai?", "xin chao ca nha"])
    def test_vietnamese(self, text: str):
        assert (fixed_reply(text) or "").startswith("Tôi là Citewell.")

    def test_thanks_are_returned(self):
        for text in ("thanks", "Thank you very much!", "ok thanks for your help"):
            assert (fixed_reply(text) or "").startswith("You are welcome."), text
        for text in ("cảm ơn bạn nhiều", "cam on nhe", "Dạ cảm ơn ạ", "xin cảm ơn"):
            assert (fixed_reply(text) or "").startswith("Không có gì"), text

    @pytest.mark.parametrize(
        "text",
        ["What can you tell me about leave?", "Hello Kitty licence", "Giám đốc là ai?"],
    )
    def test_questions_on_documents_are_left_alone(self, text: str):
        assert fixed_reply(text) is None
