"""Haystack, driven by JSON lines; runs in `.venv-peer-haystack` only.

The way its documentation shows first: `DocumentSplitter` with its defaults (200 words), embedder,
`InMemoryDocumentStore`, `InMemoryEmbeddingRetriever`. Weights as Citewell's.
"""

import os

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")

from haystack import Document
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from orders import serve
from weights import given_weights


class HaystackPeer:
    def __init__(self) -> None:
        self._weights = given_weights()

    def index(self, documents: list[dict[str, str]], folder: str) -> int:  # noqa: ARG002
        made = [
            Document(content=each["text"], meta={"name": each["id"], "title": each["title"]})
            for each in documents
        ]
        splitter = DocumentSplitter()
        splitter.warm_up()
        passages = splitter.run(documents=made)["documents"]
        vectors = self._weights.embed([each.content or "" for each in passages])
        embedded = [
            Document(content=each.content, meta=each.meta, embedding=vector.tolist())
            for each, vector in zip(passages, vectors, strict=True)
        ]
        store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        store.write_documents(embedded)
        self._retriever = InMemoryEmbeddingRetriever(document_store=store)
        return store.count_documents()

    def rank(self, query: str, count: int) -> list[str]:
        vector = self._weights.embed([query])[0].tolist()
        found = self._retriever.run(query_embedding=vector, top_k=count)["documents"]
        return [each.meta["name"] for each in found]


if __name__ == "__main__":
    serve(HaystackPeer())
