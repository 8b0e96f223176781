import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from citewell.engine.embedding.openai_compatible import OpenAICompatibleEmbedder, Patience
from citewell.engine.embedding.profiles import ModelProfile
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.embedding.testing import EmbedderContract
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from tests.waiting import PATIENCE

DIMENSIONS = 48


@asynccontextmanager
async def connected(service: Any, query_seconds: float) -> AsyncIterator[OpenAICompatibleEmbedder]:
    """An embedder of the service, once the requests of its calibration are forgotten."""
    made = await OpenAICompatibleEmbedder.connect(
        "some-model:latest",
        base_url=service.url,
        api_key="sk-secret-key",
        passage_patience=Patience(timeout=PATIENCE, attempts=3, first_pause=0.01),
        query_patience=Patience(timeout=query_seconds, attempts=2, first_pause=0.01),
    )
    service.requests.clear()
    yield made
    await made.close()


@pytest.fixture
async def embedder(service: Any) -> AsyncIterator[OpenAICompatibleEmbedder]:
    """An embedder that waits."""
    async with connected(service, PATIENCE) as made:
        yield made


@pytest.fixture
async def hasty(service: Any) -> AsyncIterator[OpenAICompatibleEmbedder]:
    """An embedder that soon gives up."""
    async with connected(service, 0.3) as made:
        yield made


class TestContract(EmbedderContract):
    pass


class TestOpen:
    async def test_running_service_gives_its_dimensions(self, service: Any) -> None:
        made = await open_embedder(
            "openai-compatible:nomic-embed-text:v1.5", base_url=service.url + "/", api_key="k"
        )
        assert made.spec.name == "openai-compatible:nomic-embed-text:v1.5"
        assert made.spec.dimensions == DIMENSIONS
        assert made.spec.languages == {"en"}
        assert service.requests[0].path == "/v1/embeddings"
        assert service.requests[0].authorization == "Bearer k"
        assert service.requests[0].body["model"] == "nomic-embed-text:v1.5"
        await made.close()

    async def test_dimensions_given_are_asked_for(self, service: Any) -> None:
        made = await OpenAICompatibleEmbedder.connect("m", base_url=service.url, dimensions=16)
        assert made.spec.dimensions == 16
        assert (await made.embed_query("short")).shape == (16,)
        assert {request.body["dimensions"] for request in service.requests} == {16}
        assert {request.authorization for request in service.requests} == {None}
        await made.close()

    async def test_service_that_is_down_raises_soon(self, service: Any) -> None:
        url = service.url
        service.stop()
        service.stop = lambda: None
        with pytest.raises(ProviderError, match=r"127\.0\.0\.1 cannot be reached") as caught:
            await open_embedder("openai-compatible:m", base_url=url)
        assert caught.value.retryable

    @pytest.mark.parametrize("address", ["", "localhost:11434", "ftp://host/v1", "http://", "::"])
    async def test_unfit_address_is_refused(self, address: str) -> None:
        with pytest.raises(ProviderConfigurationError, match=r"BASE_URL|base URL"):
            await open_embedder("openai-compatible:m", base_url=address)

    async def test_wrong_key_is_told_without_the_key(self, service: Any) -> None:
        service.faults = [service.refusal(401, b'{"error": {"message": "no such key"}}')]
        with pytest.raises(ProviderError, match="401: no such key") as caught:
            await open_embedder("openai-compatible:m", base_url=service.url, api_key="sk-secret")
        assert not caught.value.retryable
        assert "sk-secret" not in str(caught.value)
        assert len(service.requests) == 1


class TestEmbedPassages:
    async def test_many_texts_go_in_bounded_requests(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.fault(delay=0.05) for _ in range(10)]
        await embedder.embed_passages([f"text {number}" for number in range(300)])
        assert [len(request.body["input"]) for request in service.requests].count(32) == 9
        assert 2 <= service.most_at_once <= 4

    async def test_failed_request_is_tried_again(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.refusal(500), service.fault(drops=True)]
        vectors = await embedder.embed_passages(["one"])
        assert vectors.shape == (1, DIMENSIONS)
        assert len(service.requests) == 3

    async def test_fault_that_stays_raises_after_the_attempts(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.refusal(503, b"busy") for _ in range(9)]
        with pytest.raises(ProviderError, match="answered 503: Service Unavailable") as caught:
            await embedder.embed_passages(["one"])
        assert caught.value.retryable
        assert len(service.requests) == 3

    async def test_one_failed_request_fails_the_call_as_itself(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [
            service.fault(delay=0.05),
            service.refusal(400, b'{"detail": "too long"}'),
        ]
        with pytest.raises(ProviderError, match="400: too long") as caught:
            await embedder.embed_passages([f"text {number}" for number in range(100)])
        assert not caught.value.retryable

    async def test_short_retry_after_is_waited_for(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.refusal(429, headers={"retry-after": "0.3"})]
        await embedder.embed_passages(["one"])
        first, second = service.requests
        assert second.at - first.at >= 0.28

    async def test_long_retry_after_is_left_to_the_caller(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.refusal(429, headers={"retry-after": "120"})]
        with pytest.raises(ProviderError) as caught:
            await embedder.embed_passages(["one"])
        assert caught.value.retryable
        assert caught.value.retry_after == 120
        assert len(service.requests) == 1

    @pytest.mark.parametrize(
        "body",
        [b"{", b"[]", b'{"data": null}', b'{"data": [{"index": 0}]}', b'{"data": [1]}', b"\xff"],
    )
    async def test_garbage_is_an_error(
        self, service: Any, embedder: OpenAICompatibleEmbedder, body: bytes
    ) -> None:
        service.faults = [service.fault(body=body) for _ in range(3)]
        with pytest.raises(ProviderError, match="something else than embeddings"):
            await embedder.embed_passages(["one"])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (lambda data: data[:-1], "1 vectors for 2 texts"),
            (lambda data: data + data, "4 vectors for 2 texts"),
            (lambda data: [data[0], data[0]], "2 vectors for 2 texts"),
            (lambda data: [item | {"embedding": [1.0]} for item in data], r"shape \(2, 1\)"),
            (lambda data: [item | {"embedding": [0.0] * 48} for item in data], "no direction"),
            (
                lambda data: [item | {"embedding": [float("nan")] * 48} for item in data],
                "no direct",
            ),
            (lambda data: [item | {"embedding": "text"} for item in data], "something else"),
        ],
    )
    async def test_wrong_vectors_are_an_error(
        self, service: Any, embedder: OpenAICompatibleEmbedder, changes: Any, message: str
    ) -> None:
        service.faults = [service.fault(changes=changes) for _ in range(3)]
        with pytest.raises(ProviderError, match=message):
            await embedder.embed_passages(["one", "two"])

    async def test_long_text_is_cut_to_what_the_model_takes(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        text = "word " * 100_000
        await embedder.embed_passages([text])
        (sent,) = service.requests[0].body["input"]
        assert text.startswith(sent)
        assert 500 < embedder.count_tokens([sent])[0] <= 510


class TestEmbedQuery:
    async def test_slow_service_is_given_up(
        self, service: Any, hasty: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.fault(delay=0.5) for _ in range(3)]
        with pytest.raises(ProviderError, match=r"within 0\.3 s") as caught:
            await hasty.embed_query("anyone?")
        assert caught.value.retryable

    async def test_trickling_reply_is_given_up(
        self, service: Any, hasty: OpenAICompatibleEmbedder
    ) -> None:
        service.faults = [service.fault(trickles=True) for _ in range(3)]
        with pytest.raises(ProviderError, match="did not answer"):
            await hasty.embed_query("anyone?")

    async def test_query_passes_a_running_ingestion(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        gate = threading.Event()
        service.faults = [service.fault(until=gate) for _ in range(4)]
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            ingestion = group.create_task(embedder.embed_passages(["text"] * 128))
            while len(service.requests) < 4:  # noqa: ASYNC110 - they arrive in other threads
                await asyncio.sleep(0.01)
            await embedder.embed_query("now?")
            assert not ingestion.done()
            gate.set()

    async def test_prefixes_of_the_profile_are_sent(self, service: Any) -> None:
        profile = ModelProfile(query_prefix="query: ", passage_prefix="passage: ")
        made = await OpenAICompatibleEmbedder.connect("m", base_url=service.url, profile=profile)
        await made.embed_query("leave")
        await made.embed_passages(["leave", ""])
        await made.close()
        sent = [request.body["input"] for request in service.requests[1:]]
        assert sent == [["query: leave"], ["passage: leave", "passage: -"]]

    async def test_vectors_have_the_direction_the_service_gave(
        self, service: Any, embedder: OpenAICompatibleEmbedder
    ) -> None:
        given = [3.0, 4.0] + [0.0] * 46
        service.faults = [service.fault(changes=lambda data: [data[0] | {"embedding": given}])]
        vector = await embedder.embed_query("any")
        assert np.allclose(vector[:3], [0.6, 0.8, 0.0])
