"""A retriever for LlamaIndex; needs the extra `llamaindex`.

from citewell.client.llamaindex import CitewellNodeRetriever

retriever = CitewellNodeRetriever("http://127.0.0.1:8000", api_key="cw_...")
nodes = retriever.retrieve("What is the hotel limit for a night in London?")
"""

# LlamaIndex is an extra, so its types are unknown where it is not installed.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUntypedBaseClass=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from citewell.client import AsyncCitewell, Citewell, FoundPassage

try:
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ImportError as error:
    raise ImportError(
        'The retriever needs LlamaIndex: pip install "citewell[llamaindex]"'
    ) from error

FOR_PROGRAMS = ["document_id", "chunk_id", "version", "start", "end", "score"]
"""Metadata that is left out of what a model reads: it says nothing to it."""


class CitewellNodeRetriever(BaseRetriever):
    """Passages of a Citewell server as nodes of LlamaIndex, best first.

    A node has the passage's chunk as `node_id`, the document as its source (`ref_doc_id`), and in
    `metadata` what a citation needs: `title`, `version`, `page`, `heading`, `start`, `end`.
    Errors are those of the client: `ApiError`, `UnreachableError`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        top_k: int = 8,
        filters: Mapping[str, Any] | None = None,
        collection_ids: Sequence[str] | None = None,
        as_of: str | None = None,
        timeout: float = 60.0,
        **more: Any,
    ) -> None:
        """Open no connection yet.

        Args:
            base_url: Address of the server, `http://127.0.0.1:8000`.
            api_key: Whose rights decide what is found.
            top_k: Passages at most.
            filters: As of `Citewell.search`.
            collection_ids: Where to look; None: everywhere.
            as_of: A date, YYYY-MM-DD: versions that were in force then.
            timeout: Longest silence in seconds.
            more: For LlamaIndex, as `callback_manager`.
        """
        super().__init__(**more)
        self._server: dict[str, Any] = {
            "base_url": base_url, "api_key": api_key, "timeout": timeout,
        }  # fmt: skip
        self._where: dict[str, Any] = {
            "top_k": top_k, "filters": filters, "collection_ids": collection_ids, "as_of": as_of,
        }  # fmt: skip

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        with Citewell(**self._server) as citewell:
            found = citewell.search(query_bundle.query_str, **self._where)
        return [_node(each) for each in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # A connection of its own: a retriever may be used from several loops, one after the other.
        async with AsyncCitewell(**self._server) as citewell:
            found = await citewell.search(query_bundle.query_str, **self._where)
        return [_node(each) for each in found]


def _node(passage: FoundPassage) -> NodeWithScore:
    metadata = asdict(passage)
    text = metadata.pop("text")
    source = RelatedNodeInfo(node_id=passage.document_id)
    node = TextNode(
        id_=passage.chunk_id,
        text=text,
        metadata=metadata,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        excluded_llm_metadata_keys=FOR_PROGRAMS,
        excluded_embed_metadata_keys=FOR_PROGRAMS,
        relationships={NodeRelationship.SOURCE: source},
    )
    return NodeWithScore(node=node, score=passage.score)
