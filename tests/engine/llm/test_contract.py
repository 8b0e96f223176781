"""The duties of every provider, spoken to through real HTTP on loopback."""

import asyncio
import threading
import time
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm import hosted, openai_compatible
from citewell.engine.llm.base import (
    LanguageModel,
    ModelRequest,
    ReplyEnd,
    Timeouts,
    TokenUsage,
    complete,
)
from citewell.engine.llm.hosted import HostedModel
from citewell.engine.llm.provider import Endpoint
from citewell.engine.llm.registry import open_llm
from tests.engine.llm.opening import base_url, opened
from tests.waiting import PATIENCE

PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "ollama": "/v1/chat/completions",
    "openai-compatible": "/v1/chat/completions",
}


async def ask(model: LanguageModel) -> Any:
    return await complete(model, ModelRequest.of("Be brief.", "How much leave?", max_tokens=50))


class TestReply:
    async def test_reply_streamed_arrives_whole_with_usage(
        self, model: LanguageModel, provider: str
    ) -> None:
        async with aclosing(
            model.stream(ModelRequest.of("Be brief.", "Leave?", max_tokens=50))
        ) as stream:
            pieces = [item async for item in stream]
        assert pieces == ["Annual leave is ", "20 days ", "[1].", ReplyEnd(TokenUsage(42, 7))]
        assert model.name == f"{provider}:m-1"

    async def test_request_holds_prompt_model_and_limit(
        self, model: LanguageModel, vendor: Any, provider: str
    ) -> None:
        await ask(model)
        (request,) = vendor.received
        assert request.path.partition("?")[0] == PATHS[provider]
        assert request.body["model"] == "m-1"
        assert request.body["stream"] is True
        limit = request.body.get("max_tokens") or request.body["max_completion_tokens"]
        assert limit == 50
        text = str(request.body)
        assert "Be brief." in text
        assert "How much leave?" in text

    async def test_token_limit_reached_is_told(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(stop="length")]
        assert (await ask(model)).is_truncated

    async def test_one_model_many_tasks_each_gets_its_reply(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(delay=0.01) for _ in range(8)]
        texts = await asyncio.gather(*(ask(model) for _ in range(8)))
        assert {text.text for text in texts} == {"Annual leave is 20 days [1]."}


class TestCredentials:
    async def test_environment_full_of_settings_only_given_ones_are_sent(
        self, provider: str, vendor: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("OPENAI", "ANTHROPIC", "OLLAMA"):
            for suffix, value in {
                "API_KEY": "leaked-key",
                "ADMIN_KEY": "leaked-key",
                "AUTH_TOKEN": "leaked-key",
                "BASE_URL": "http://127.0.0.1:9/leaked",
                "ORG_ID": "leaked-org",
                "PROJECT_ID": "leaked-project",
                "CUSTOM_HEADERS": "X-Leaked: leaked-header\nAuthorization: Bearer leaked-key",
            }.items():
                monkeypatch.setenv(f"{name}_{suffix}", value)
        model = open_llm(
            f"{provider}:m", base_url=base_url(provider, vendor.url), api_key="given-key"
        )
        assert (await ask(model)).text
        await model.close()
        headers = vendor.received[0].headers
        assert "leaked" not in str(headers)
        carried = headers["x-api-key" if provider == "anthropic" else "authorization"]
        assert carried.removeprefix("Bearer ") == "given-key"

    @pytest.mark.parametrize("keyless", ["ollama", "openai-compatible"])
    async def test_no_key_given_none_is_sent_though_environment_has_one(
        self, keyless: str, vendor: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "leaked-key")
        monkeypatch.setenv("OLLAMA_API_KEY", "leaked-key")
        model = open_llm(f"{keyless}:m", base_url=base_url(keyless, vendor.url))
        await ask(model)
        await model.close()
        assert "authorization" not in vendor.received[0].headers

    async def test_request_sent_tells_nothing_of_the_machine(
        self, model: LanguageModel, vendor: Any
    ) -> None:
        await ask(model)
        headers = vendor.received[0].headers
        assert headers["user-agent"] == "citewell"
        assert not [name for name in headers if name.startswith(("x-stainless", "traceparent"))]


class TestFailure:
    @pytest.mark.parametrize("status", [401, 403, 404])
    async def test_key_or_model_refused_is_configuration_error_without_retry(
        self, model: LanguageModel, vendor: Any, reply: Any, status: int
    ) -> None:
        error = {"error": {"message": "Incorrect key given-key", "type": "x", "code": "y"}}
        vendor.script = [reply(status=status, error=error)]
        with pytest.raises(ProviderConfigurationError, match="CITEWELL_LLM") as caught:
            await ask(model)
        assert "given-key" not in str(caught.value)
        assert len(vendor.received) == 1

    async def test_rate_limited_long_is_retryable_with_time_and_not_repeated(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(status=429, headers={"retry-after": "30"})]
        with pytest.raises(ProviderError) as caught:
            await ask(model)
        assert caught.value.retryable
        assert caught.value.retry_after == 30.0
        assert len(vendor.received) == 1

    async def test_rate_limited_briefly_is_repeated_after_that_time(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(status=429, headers={"retry-after-ms": "200"})]
        began = time.monotonic()
        assert (await ask(model)).text
        assert time.monotonic() - began >= 0.2
        assert len(vendor.received) == 2

    async def test_server_error_is_repeated_three_times_in_all(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(status=500)] * 5
        with pytest.raises(ProviderError, match="500") as caught:
            await ask(model)
        assert caught.value.retryable
        assert len(vendor.received) == 3

    async def test_server_error_once_is_not_seen(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(status=503)]
        assert (await ask(model)).text == "Annual leave is 20 days [1]."

    async def test_bad_request_is_not_repeated(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(status=400)]
        with pytest.raises(ProviderError) as caught:
            await ask(model)
        assert not caught.value.retryable
        assert len(vendor.received) == 1

    async def test_hang_before_first_byte_ends_in_time(
        self, provider: str, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(hangs_before=True)]
        model = opened(provider, vendor, Timeouts(first_token=0.5, backoff=0.01))
        with pytest.raises(ProviderError, match=r"begin to answer in 0\.5 s"):
            await asyncio.wait_for(ask(model), PATIENCE)
        await asyncio.wait_for(vendor.dropped.wait(), PATIENCE)
        await model.close()
        assert len(vendor.received) == 1

    async def test_slow_drip_ends_at_total_time(
        self, provider: str, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=["word "] * 500, delay=0.04)]
        model = opened(provider, vendor, Timeouts(total=1.0))
        with pytest.raises(ProviderError, match="finish in time"):
            await asyncio.wait_for(ask(model), PATIENCE)
        await asyncio.wait_for(vendor.dropped.wait(), PATIENCE)
        await model.close()

    @pytest.mark.parametrize("sent", [0, 1, 3])
    async def test_connection_cut_is_error_not_short_answer(
        self, model: LanguageModel, vendor: Any, reply: Any, sent: int
    ) -> None:
        vendor.script = [reply(cuts_after=sent)] * 3
        with pytest.raises(ProviderError) as caught:
            await ask(model)
        assert caught.value.retryable
        # Output that was passed on cannot be taken back: only a call without output is repeated.
        assert len(vendor.received) == (3 if sent == 0 else 1)

    async def test_body_ends_without_last_events_is_error(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(ends_early_after=2)]
        with pytest.raises(ProviderError, match="broke off"):
            await ask(model)

    @pytest.mark.parametrize(
        "garbage",
        [
            b"<html>gateway</html>",
            b"data: {not json\n\n",
            b"data: [1, 2]\n\n",
            b'data: {"choices": 5}\n\n',
            b'event: message_start\ndata: {"type": "message_start", "message": 5}\n\n',
            b"\xff\xfe\x00data: \xff\n\n",
            b"",
        ],
    )
    async def test_garbage_is_error(
        self, model: LanguageModel, vendor: Any, reply: Any, garbage: bytes
    ) -> None:
        vendor.script = [reply(garbage=garbage)] * 3
        with pytest.raises(ProviderError):
            await ask(model)

    async def test_error_inside_stream_is_error(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        error = {"error": {"type": "overloaded_error", "message": "Overloaded"}}
        vendor.script = [reply(error_in_stream=error)] * 3
        with pytest.raises(ProviderError):
            await ask(model)

    async def test_refusal_is_error(self, model: LanguageModel, vendor: Any, reply: Any) -> None:
        vendor.script = [reply(stop="content_filter")]
        with pytest.raises(ProviderError, match="refused"):
            await ask(model)

    async def test_nobody_listens_is_retryable(self, provider: str) -> None:
        model = open_llm(
            f"{provider}:m",
            base_url=base_url(provider, "http://127.0.0.1:9"),
            api_key="k",
            timeout=Timeouts(backoff=0.01),
        )
        with pytest.raises(ProviderError, match="reached") as caught:
            await ask(model)
        assert caught.value.retryable
        await model.close()

    async def test_redirect_is_not_followed(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(status=307, headers={"location": f"{vendor.url}/elsewhere"})]
        with pytest.raises(ProviderError):
            await ask(model)
        assert len(vendor.received) == 1


class TestCancellation:
    async def test_reader_leaves_connection_is_closed(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=["word "] * 100, delay=0.05)]
        async with aclosing(model.stream(ModelRequest.of("s", "u", max_tokens=9))) as stream:
            await anext(stream)
        await asyncio.wait_for(vendor.dropped.wait(), PATIENCE)

    async def test_task_cancelled_connection_is_closed(
        self, model: LanguageModel, vendor: Any, reply: Any
    ) -> None:
        vendor.script = [reply(pieces=["word "] * 100, delay=0.05)]
        task = asyncio.ensure_future(ask(model))
        await asyncio.wait_for(vendor.arrived.wait(), PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(vendor.dropped.wait(), PATIENCE)


class TestPlaces:
    async def test_more_questions_than_places_wait_and_beyond_are_refused(
        self, vendor: Any, reply: Any
    ) -> None:
        served = 16 + hosted.MAX_WAITING
        model = open_llm("openai-compatible:m", base_url=f"{vendor.url}/v1", places=16)
        await ask(model)  # what it takes to load comes before
        vendor.script = [reply(delay=0.05) for _ in range(served)]
        results = await asyncio.gather(
            *(ask(model) for _ in range(served + 3)), return_exceptions=True
        )
        await model.close()
        refused = [result for result in results if isinstance(result, ProviderError)]
        assert len(refused) == 3
        assert len(vendor.received) == 1 + served

    async def test_two_hundred_replies_are_read_side_by_side(self, vendor: Any) -> None:
        model = open_llm("openai-compatible:m", base_url=f"{vendor.url}/v1")
        gate = asyncio.Event()
        vendor.gate = gate
        asking = [asyncio.ensure_future(ask(model)) for _ in range(200)]
        while len(vendor.received) < 200:
            vendor.arrived.clear()
            await asyncio.wait_for(vendor.arrived.wait(), PATIENCE)
        gate.set()
        replies = await asyncio.gather(*asking)
        await model.close()
        assert len(replies) == 200


class TestOpen:
    async def test_an_opened_model_is_built_once_and_sends_nothing(self) -> None:
        built: list[str] = []

        def build(endpoint: Any, client: Any) -> Any:
            built.append(endpoint.model)
            return openai_compatible.PROVIDER.build(endpoint, client)

        counted = replace(openai_compatible.PROVIDER, build=build)
        # Nobody listens there: a request would fail.
        model = HostedModel(counted, Endpoint("m", "http://127.0.0.1:9", None), Timeouts())
        await model.open()
        await model.open()
        await model.close()
        assert built == ["m"]


class TestClose:
    async def test_closed_model_refuses(self, model: LanguageModel) -> None:
        await ask(model)
        await model.close()
        await model.close()
        with pytest.raises(ProviderError, match="closed"):
            await ask(model)

    async def test_model_closed_while_it_is_built_leaves_no_connections(self) -> None:
        made: list[Any] = []
        is_building, may_go_on = threading.Event(), threading.Event()

        def build(endpoint: Any, client: Any) -> Any:
            made.append(client)
            is_building.set()
            assert may_go_on.wait(PATIENCE)
            return openai_compatible.PROVIDER.build(endpoint, client)

        slow = replace(openai_compatible.PROVIDER, build=build)
        model = HostedModel(slow, Endpoint("m", "http://127.0.0.1:9", None), Timeouts())
        asking = asyncio.ensure_future(ask(model))
        assert await asyncio.to_thread(is_building.wait, PATIENCE)
        closing = asyncio.ensure_future(model.close())
        await asyncio.sleep(0)
        may_go_on.set()
        await closing
        with pytest.raises(ProviderError, match="closed"):
            await asking
        assert made[0].is_closed
