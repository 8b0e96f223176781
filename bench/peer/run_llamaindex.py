"""LlamaIndex, driven by JSON lines; runs in `.venv-peer-llamaindex` only.

The way its documentation shows first: `VectorStoreIndex.from_documents`, its own sentence splitter
(1,024 tokens with 200 of overlap) and the store in memory. Weights as Citewell's.
"""

import os

os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.settings import Settings
from orders import serve
from pydantic import PrivateAttr
from weights import OnnxWeights, given_weights


class Weights(BaseEmbedding):
    """The bundled weights behind LlamaIndex's interface."""

    _weights: OnnxWeights = PrivateAttr()

    def __init__(self, weights: OnnxWeights) -> None:
        super().__init__(model_name="bundled", embed_batch_size=256)
        self._weights = weights

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._weights.embed([query])[0].tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._weights.embed([text])[0].tolist()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._weights.embed(texts).tolist()


class LlamaIndexPeer:
    def __init__(self) -> None:
        Settings.llm = None
        self._embedding = Weights(given_weights())

    def index(self, documents: list[dict[str, str]], folder: str) -> int:  # noqa: ARG002
        made = [
            Document(text=each["text"], id_=each["id"], metadata={"title": each["title"]})
            for each in documents
        ]
        self._index = VectorStoreIndex.from_documents(made, embed_model=self._embedding)
        return len(self._index.index_struct.nodes_dict)

    def rank(self, query: str, count: int) -> list[str]:
        found = self._index.as_retriever(similarity_top_k=count).retrieve(query)
        return [each.node.ref_doc_id for each in found]


if __name__ == "__main__":
    serve(LlamaIndexPeer())
