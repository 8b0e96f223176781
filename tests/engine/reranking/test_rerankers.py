"""Each reranker through the contract, and services that do not do as they should."""

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.reranking.base import Reranker, RerankerOptions
from citewell.engine.reranking.fastembed import fastembed_reranker
from citewell.engine.reranking.registry import open_reranker
from citewell.engine.reranking.testing import RerankerContract, WordReranker
from tests.engine.onnx_files import WORDS, Node, graph, write_model


class RerankingService:
    """Speaks the wire format of Cohere and Jina; scores by shared words."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str | None, dict[str, Any]]] = []
        self.status = 200
        self.body: bytes | None = None
        """Sent in place of scores."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                service.requests.append((self.path, self.headers["authorization"], body))
                content = service.body or json.dumps(service.reply(body)).encode()
                self.send_response(service.status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.options = RerankerOptions(
            base_url=f"http://127.0.0.1:{self._server.server_port}/v2/", api_key="k"
        )

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = words(body["query"])
        results = [
            {"index": at, "relevance_score": len(asked & words(text)) / max(len(asked), 1)}
            for at, text in enumerate(body["documents"])
        ]
        results.sort(key=lambda each: -each["relevance_score"])
        return {"id": "1", "results": results[: body["top_n"]]}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[RerankingService]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = RerankingService()
    yield made
    made.stop()


class SharedWords:
    """In place of a loaded `TextCrossEncoder`, which needs a download."""

    def rerank(self, query: str, documents: Sequence[str], batch_size: int) -> Iterator[float]:
        assert batch_size > 0
        for each in documents:
            yield float(len(words(query) & words(each))) * 4 - 6


def pair_model(folder: Path) -> Path:
    """A graph whose logit grows with the words that question and passage share.

    The sum over dimensions of squared mean token vectors: shared tokens add up, others do not.
    """
    table = np.random.default_rng(7).normal(size=(WORDS, 64)).astype(np.float32)
    nodes = [
        Node("Gather", ["table", "input_ids"], "tokens"),
        Node("ReduceMean", ["tokens"], "mean", {"axes": [1], "keepdims": 0}),
        Node("ReduceSumSquare", ["mean"], "logits", {"axes": [1], "keepdims": 1}),
    ]
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    return write_model(folder, graph(nodes, table, "logits", ("batch", 1), inputs))


class TestContract(RerankerContract):
    @pytest.fixture(params=["words", "cohere", "jina", "onnx", "fastembed"])
    async def reranker(
        self, request: pytest.FixtureRequest, service: RerankingService, tmp_path: Path
    ) -> AsyncIterator[Reranker]:
        made: Reranker
        match request.param:
            case "words":
                made = WordReranker()
            case "fastembed":
                made = fastembed_reranker("small", SharedWords())
            case "onnx":
                name = f"onnx:{pair_model(tmp_path / 'pairs')}"
                made = await open_reranker(name, RerankerOptions())
            case provider:
                made = await open_reranker(f"{provider}:small", service.options)
        yield made
        await made.close()


class TestServices:
    @pytest.mark.parametrize(
        ("provider", "more"), [("cohere", {}), ("jina", {"return_documents": False})]
    )
    async def test_request_is_in_the_format_of_the_vendor(
        self, service: RerankingService, provider: str, more: dict[str, Any]
    ) -> None:
        made = await open_reranker(f"{provider}:small-v3", service.options)
        await made.scores("a question", ["one", "two"])
        await made.close()
        expected = {"model": "small-v3", "query": "a question", "documents": ["one", "two"]}
        assert service.requests == [("/v2/rerank", "Bearer k", expected | {"top_n": 2} | more)]

    @pytest.mark.parametrize(
        ("status", "body", "reason", "retryable"),
        [
            (503, b"{}", "answered 503", True),
            (401, b'{"message": "bad key k"}', "answered 401", False),
            (200, b"<html>", "something else than scores", False),
            (200, b'{"results": [{"index": 0, "relevance_score": 0.5}]}', "not one", False),
            (200, b'{"results": [{"index": 0, "relevance_score": 7}, {"index": 1, '
             b'"relevance_score": 0}]}', "not one", False),
        ],
    )  # fmt: skip
    async def test_bad_reply_is_a_provider_error(
        self, service: RerankingService, status: int, body: bytes, reason: str, retryable: bool
    ) -> None:
        service.status, service.body = status, body
        made = await open_reranker("cohere:small", service.options)
        with pytest.raises(ProviderError, match=reason) as caught:
            await made.scores("a question", ["one", "two"])
        await made.close()
        assert caught.value.retryable is retryable
        assert "bad key" not in str(caught.value)


class TestOpen:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("none", "CITEWELL_RERANKER must be"),
            ("onnx:", "CITEWELL_RERANKER must be"),
            ("onnx:/no/such/folder", "no folder"),
            ("cohere:rerank-v3.5", "CITEWELL_RERANKER_API_KEY"),
            ("jina:jina-reranker-v2", "CITEWELL_RERANKER_API_KEY"),
        ],
    )
    async def test_what_is_missing_is_named(self, name: str, reason: str) -> None:
        with pytest.raises(ProviderConfigurationError, match=reason):
            await open_reranker(name, RerankerOptions())

    async def test_graph_of_an_embedder_is_no_reranker(self, tmp_path: Path) -> None:
        table = np.zeros((WORDS, 8), dtype=np.float32)
        nodes = [Node("Gather", ["table", "input_ids"], "last_hidden_state")]
        model = graph(nodes, table, "last_hidden_state", ("batch", "tokens", 8))
        folder = write_model(tmp_path / "model", model)
        with pytest.raises(ProviderConfigurationError, match="one number for a pair"):
            await open_reranker(f"onnx:{folder}", RerankerOptions())
