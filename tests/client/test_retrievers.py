"""The retrievers against a running server, where the packages they are for are installed."""

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from citewell.client import ApiError, Citewell, FoundPassage
from tests.conftest import LiveServer

RULES = "# Lift\n\nThe lift is repaired by Otis Berger. Call extension 4417 at any hour."
QUESTION = "Who repairs the lift?"
HAS_LANGCHAIN = importlib.util.find_spec("langchain_core") is not None
HAS_LLAMAINDEX = importlib.util.find_spec("llama_index") is not None


def filled(server: LiveServer) -> tuple[str, FoundPassage]:
    """A key, and the passage that is found with it."""
    key = server.new_key()
    with Citewell(server.address, api_key=key) as citewell:
        assert citewell.wait(citewell.add_text("Lift", RULES)).status == "ready"
        (passage,) = citewell.search(QUESTION, top_k=1)
    return key, passage


@pytest.mark.skipif(not HAS_LANGCHAIN, reason="the extra `langchain` is not installed")
class TestLangChain:
    def test_passages_come_as_documents(self, live_server: LiveServer) -> None:
        from citewell.client.langchain import CitewellRetriever

        key, passage = filled(live_server)
        retriever = CitewellRetriever(base_url=live_server.address, api_key=key, top_k=1)
        assert key not in repr(retriever)
        (document,) = retriever.invoke(QUESTION)
        assert document.page_content == passage.text
        assert document.id == document.metadata["chunk_id"] == passage.chunk_id
        assert document.metadata["document_id"] == passage.document_id
        assert (document.metadata["start"], document.metadata["end"]) == (
            passage.start, passage.end,
        )  # fmt: skip
        for _ in range(2):  # each in a loop of its own
            assert asyncio.run(retriever.ainvoke(QUESTION)) == [document]
        assert (retriever | (lambda found: len(found))).invoke(QUESTION) == 1

    def test_refusals_are_told(self, live_server: LiveServer) -> None:
        from citewell.client.langchain import CitewellRetriever

        retriever = CitewellRetriever(base_url=live_server.address, api_key="cw_wrong")
        refused(lambda: retriever.invoke(QUESTION))
        refused(lambda: asyncio.run(retriever.ainvoke(QUESTION)))


@pytest.mark.skipif(not HAS_LLAMAINDEX, reason="the extra `llamaindex` is not installed")
class TestLlamaIndex:
    def test_passages_come_as_nodes(self, live_server: LiveServer) -> None:
        from llama_index.core.schema import MetadataMode

        from citewell.client.llamaindex import CitewellNodeRetriever

        key, passage = filled(live_server)
        retriever = CitewellNodeRetriever(live_server.address, api_key=key, top_k=1)
        (found,) = retriever.retrieve(QUESTION)
        assert found.score == passage.score
        assert found.node.node_id == passage.chunk_id
        assert found.node.ref_doc_id == passage.document_id
        assert found.node.get_content() == passage.text
        assert (found.node.start_char_idx, found.node.end_char_idx) == (passage.start, passage.end)
        told = found.node.get_content(MetadataMode.LLM)
        assert "Lift" in told
        assert passage.document_id not in told
        (again,) = asyncio.run(retriever.aretrieve(QUESTION))
        assert again.node.node_id == found.node.node_id

    def test_refusals_are_told(self, live_server: LiveServer) -> None:
        from citewell.client.llamaindex import CitewellNodeRetriever

        retriever = CitewellNodeRetriever(live_server.address, api_key="cw_wrong")
        refused(lambda: retriever.retrieve(QUESTION))
        refused(lambda: asyncio.run(retriever.aretrieve(QUESTION)))


@pytest.mark.parametrize(
    ("module", "extra", "is_there"),
    [
        ("citewell.client.langchain", "langchain", HAS_LANGCHAIN),
        ("citewell.client.llamaindex", "llamaindex", HAS_LLAMAINDEX),
    ],
)
def test_missing_extra_is_named(module: str, extra: str, is_there: bool) -> None:
    if is_there:
        pytest.skip(f"the extra `{extra}` is installed")
    with pytest.raises(ImportError, match=rf"citewell\[{extra}\]"):
        importlib.import_module(module)


def refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status == 401
