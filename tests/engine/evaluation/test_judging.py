import re
from collections.abc import AsyncGenerator

import pytest

from citewell.engine.errors import ProviderError
from citewell.engine.evaluation.judging import JudgedCase, ModelJudge, RulesJudge
from citewell.engine.evaluation.testing import CASE, JudgeContract, reply
from citewell.engine.llm.base import ModelRequest, ReplyEnd, StreamItem, TokenUsage, UserMessage
from citewell.engine.llm.testing import FakeLanguageModel, ScriptedReply

JUDGED = JudgedCase(CASE, reply("It is thirty."), "30 euros")


class Reading:
    """A model that looks for `30 euros` in the answer it is shown."""

    name = "fake:reading"
    has_json_format = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[StreamItem, None]:
        [message] = request.messages
        assert isinstance(message, UserMessage)
        answer = re.search(r"<answer>(.*)</answer>", message.text, re.DOTALL)
        assert answer is not None
        yield f"**Verdict:** {'right' if '30 euros' in answer[1] else 'wrong'}"
        yield ReplyEnd(TokenUsage(9, 1))

    async def close(self) -> None:
        pass


class TestRules(JudgeContract):
    @pytest.fixture
    def judging(self) -> RulesJudge:
        return RulesJudge()


class TestModel(JudgeContract):
    @pytest.fixture
    def judging(self) -> ModelJudge:
        return ModelJudge(Reading())

    async def test_reply_without_a_verdict_is_none(self) -> None:
        for said in ("I like it.", "verdict: right, or verdict: wrong"):
            with pytest.raises(ProviderError, match="form"):
                await ModelJudge(FakeLanguageModel([said])).judge(JUDGED)

    async def test_dawdling_is_given_up(self) -> None:
        slow = FakeLanguageModel([ScriptedReply("verdict: right", delay=60)])
        with pytest.raises(ProviderError, match=r"0\.01 s"):
            await ModelJudge(slow, seconds=0.01).judge(JUDGED)

    async def test_what_costs_nothing_is_not_asked(self) -> None:
        model = FakeLanguageModel(["verdict: right"])
        abstained = JudgedCase(CASE, reply("", is_abstained=True), "30 euros")
        assert (await ModelJudge(model).judge(abstained)).usage == TokenUsage()
        assert model.calls == []
