"""The client for code in an event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from citewell.client import requests
from citewell.client.replies import (
    AnswerPiece,
    CitedAnswer,
    FoundPassage,
    LibraryCollection,
    LibraryDocument,
    UnreachableError,
    read_answer,
    read_collection,
    read_document,
    read_passages,
)
from citewell.client.requests import Call, File, Progress, opened, question


class AsyncCitewell:
    """Asks a Citewell server.

    Requests that find it busy or out of reach are sent again, up to three times, as it says.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        timeout: float = 60.0,
        attempts: int = requests.ATTEMPTS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open no connection yet.

        Args:
            base_url: Address of the server, `http://127.0.0.1:8000`.
            api_key: An API key or an access token.
            timeout: Longest silence in seconds.
            attempts: Tries of one request, the first included.
            transport: How requests are sent; None: over the network.
        """
        self._attempts = attempts
        self._http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self,
        query: str,
        *,
        top_k: int | None = None,
        filters: Mapping[str, Any] | None = None,
        collection_ids: Sequence[str] | None = None,
        as_of: str | None = None,
    ) -> CitedAnswer:
        """Answer a question from the documents.

        Raises:
            ApiError: The server refuses.
            UnreachableError: It does not answer.
        """
        call = question("/query", query, top_k, filters, collection_ids, as_of)
        return read_answer(await self._json(call))

    async def stream(
        self,
        query: str,
        *,
        top_k: int | None = None,
        filters: Mapping[str, Any] | None = None,
        collection_ids: Sequence[str] | None = None,
        as_of: str | None = None,
    ) -> AsyncIterator[AnswerPiece]:
        """Answer a question piece by piece; the last piece holds the whole answer."""
        call = question("/query/stream", query, top_k, filters, collection_ids, as_of)
        reply = await self._sent(call, is_stream=True)
        try:
            reader = requests.EventReader()
            async for line in reply.aiter_lines():
                if (piece := reader.take(line)) is not None:
                    yield piece
        except httpx.TransportError as error:
            raise UnreachableError(f"The answer broke off: {error}") from error
        finally:
            await reply.aclose()

    async def search(
        self,
        query: str,
        *,
        top_k: int | None = None,
        filters: Mapping[str, Any] | None = None,
        collection_ids: Sequence[str] | None = None,
        as_of: str | None = None,
    ) -> list[FoundPassage]:
        """Find passages, best first."""
        call = question("/search", query, top_k, filters, collection_ids, as_of)
        return read_passages(await self._json(call))

    async def upload(
        self,
        *files: File,
        collection_id: str | None = None,
        access_level: str | None = None,
        source: str | None = None,
        on_progress: Progress | None = None,
    ) -> list[str]:
        """Hand in files; returns the ids of their documents, which `wait` waits for.

        It may be sent again and runs once.
        """
        form = {"collection_id": collection_id, "access_level": access_level, "source": source}
        data = {name: value for name, value in form.items() if value is not None}
        call = Call("POST", "/documents/upload", headers=requests.once())
        reply = await self._sent(call, files=files, data=data, on_progress=on_progress)
        return [each["id"] for each in reply.json()["documents"]]

    async def add_text(
        self,
        title: str,
        content: str,
        *,
        collection_id: str | None = None,
        access_level: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
    ) -> str:
        """Hand in a text; returns the id of its document."""
        body = {
            "title": title, "content": content, "collection_id": collection_id,
            "access_level": access_level, "metadata": metadata, "source": source,
        }  # fmt: skip
        reply = await self._json(Call("POST", "/documents", body, headers=requests.once()))
        return reply["documents"][0]["id"]

    async def document(self, document_id: str) -> LibraryDocument:
        """A document and how far its processing is."""
        return read_document(await self._json(Call("GET", f"/documents/{document_id}")))

    async def wait(self, document_id: str, *, seconds: float = 300.0) -> LibraryDocument:
        """The document once it is ready, or has failed.

        Raises:
            TimeoutError: It is neither in time.
        """
        end = time.monotonic() + seconds
        pause = 0.1
        while True:
            found = await self.document(document_id)
            if found.is_settled:
                return found
            if time.monotonic() + pause > end:
                raise TimeoutError(f"The document is still {found.status}.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 2.0)

    async def read(
        self,
        document_id: str,
        *,
        version: int | None = None,
        start: int = 0,
        end: int | None = None,
    ) -> str:
        """The text of a document, or a stretch of it."""
        query = {"version": version, "start": start, "end": end}
        call = Call("GET", f"/documents/{document_id}/content", query=query)
        return (await self._json(call))["text"]

    async def delete(self, document_id: str) -> None:
        """Move a document to the trash."""
        await self._sent(Call("DELETE", f"/documents/{document_id}"))

    async def collections(self) -> AsyncIterator[LibraryCollection]:
        """The collections there are, by name."""
        page = pages = 1
        while page <= pages:
            reply = await self._json(
                Call("GET", "/collections", query={"page": page, "limit": 100})
            )
            for each in reply["data"]:
                yield read_collection(each)
            page, pages = page + 1, reply["pagination"]["total_pages"]

    async def _json(self, call: Call) -> dict[str, Any]:
        return (await self._sent(call)).json()

    async def _sent(
        self,
        call: Call,
        *,
        is_stream: bool = False,
        files: Sequence[File] = (),
        data: Mapping[str, str] | None = None,
        on_progress: Progress | None = None,
    ) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            is_last = attempt >= self._attempts
            reply, failure = None, None
            with opened(files, on_progress) as parts:
                more: dict[str, Any] = {"files": parts, "data": data} if files else {}
                request = self._http.build_request(**call.arguments(), **more)
                try:
                    reply = await self._http.send(request, stream=is_stream)
                except httpx.TransportError as error:
                    failure = error
            if reply is not None and reply.is_success:
                return reply
            wait = None if is_last else requests.wait_before_next(attempt, reply, failure)
            if reply is not None:
                await reply.aread()
                await reply.aclose()
            if wait is None:
                if reply is not None:
                    raise requests.error_of(reply)
                raise UnreachableError(f"The server does not answer: {failure}") from failure
            await asyncio.sleep(wait)
