"""A retriever for LangChain; needs the extra `langchain`.

from citewell.client.langchain import CitewellRetriever

retriever = CitewellRetriever(base_url="http://127.0.0.1:8000", api_key="cw_...")
documents = retriever.invoke("What is the hotel limit for a night in London?")
"""

# LangChain is an extra, so its types are unknown where it is not installed.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUntypedBaseClass=false
# pyright: reportUnknownParameterType=false

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import SecretStr

from citewell.client import AsyncCitewell, Citewell, FoundPassage

try:
    from langchain_core.callbacks import (
        AsyncCallbackManagerForRetrieverRun,
        CallbackManagerForRetrieverRun,
    )
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise ImportError('The retriever needs LangChain: pip install "citewell[langchain]"') from error


class CitewellRetriever(BaseRetriever):
    """Passages of a Citewell server as documents of LangChain, best first.

    Each has the passage's chunk as `id`, its text as `page_content`, and in `metadata` what a
    citation needs: `document_id`, `title`, `version`, `page`, `heading`, `start`, `end`, `score`.
    Errors are those of the client: `ApiError`, `UnreachableError`.
    """

    base_url: str
    """Address of the server, `http://127.0.0.1:8000`."""
    api_key: SecretStr
    """Whose rights decide what is found."""
    top_k: int = 8
    """Passages at most."""
    filters: dict[str, Any] | None = None
    collection_ids: Sequence[str] | None = None
    as_of: str | None = None
    """A date, YYYY-MM-DD: versions that were in force then."""
    timeout: float = 60.0
    """Longest silence in seconds."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        del run_manager  # told by the caller
        with Citewell(**self._server()) as citewell:
            return [_document(each) for each in citewell.search(query, **self._where())]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        del run_manager  # told by the caller
        # A connection of its own: a retriever may be used from several loops, one after the other.
        async with AsyncCitewell(**self._server()) as citewell:
            return [_document(each) for each in await citewell.search(query, **self._where())]

    def _server(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url, "api_key": self.api_key.get_secret_value(),
            "timeout": self.timeout,
        }  # fmt: skip

    def _where(self) -> dict[str, Any]:
        return {
            "top_k": self.top_k, "filters": self.filters, "collection_ids": self.collection_ids,
            "as_of": self.as_of,
        }  # fmt: skip


def _document(passage: FoundPassage) -> Document:
    metadata = asdict(passage)
    text = metadata.pop("text")
    return Document(page_content=text, metadata=metadata, id=passage.chunk_id)
