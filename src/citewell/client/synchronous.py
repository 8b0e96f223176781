"""The client for code that waits."""

import time
from collections.abc import Iterator, Mapping, Sequence
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


class Citewell:
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
        transport: httpx.BaseTransport | None = None,
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
        self._http = httpx.Client(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(
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
        return read_answer(self._json(call))

    def stream(
        self,
        query: str,
        *,
        top_k: int | None = None,
        filters: Mapping[str, Any] | None = None,
        collection_ids: Sequence[str] | None = None,
        as_of: str | None = None,
    ) -> Iterator[AnswerPiece]:
        """Answer a question piece by piece; the last piece holds the whole answer."""
        call = question("/query/stream", query, top_k, filters, collection_ids, as_of)
        reply = self._sent(call, is_stream=True)
        try:
            reader = requests.EventReader()
            for line in reply.iter_lines():
                if (piece := reader.take(line)) is not None:
                    yield piece
        except httpx.TransportError as error:
            raise UnreachableError(f"The answer broke off: {error}") from error
        finally:
            reply.close()

    def search(
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
        return read_passages(self._json(call))

    def upload(
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
        reply = self._sent(call, files=files, data=data, on_progress=on_progress)
        return [each["id"] for each in reply.json()["documents"]]

    def add_text(
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
        reply = self._json(Call("POST", "/documents", body, headers=requests.once()))
        return reply["documents"][0]["id"]

    def document(self, document_id: str) -> LibraryDocument:
        """A document and how far its processing is."""
        return read_document(self._json(Call("GET", f"/documents/{document_id}")))

    def wait(self, document_id: str, *, seconds: float = 300.0) -> LibraryDocument:
        """The document once it is ready, or has failed.

        Raises:
            TimeoutError: It is neither in time.
        """
        end = time.monotonic() + seconds
        pause = 0.1
        while True:
            found = self.document(document_id)
            if found.is_settled:
                return found
            if time.monotonic() + pause > end:
                raise TimeoutError(f"The document is still {found.status}.")
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)

    def read(
        self,
        document_id: str,
        *,
        version: int | None = None,
        start: int = 0,
        end: int | None = None,
    ) -> str:
        """The text of a document, or a stretch of it."""
        query = {"version": version, "start": start, "end": end}
        return self._json(Call("GET", f"/documents/{document_id}/content", query=query))["text"]

    def delete(self, document_id: str) -> None:
        """Move a document to the trash."""
        self._sent(Call("DELETE", f"/documents/{document_id}"))

    def collections(self) -> Iterator[LibraryCollection]:
        """The collections there are, by name."""
        page = pages = 1
        while page <= pages:
            reply = self._json(Call("GET", "/collections", query={"page": page, "limit": 100}))
            yield from map(read_collection, reply["data"])
            page, pages = page + 1, reply["pagination"]["total_pages"]

    def _json(self, call: Call) -> dict[str, Any]:
        return self._sent(call).json()

    def _sent(
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
                    reply = self._http.send(request, stream=is_stream)
                except httpx.TransportError as error:
                    failure = error
            if reply is not None and reply.is_success:
                return reply
            wait = None if is_last else requests.wait_before_next(attempt, reply, failure)
            if reply is not None:
                reply.read()
                reply.close()
            if wait is None:
                if reply is not None:
                    raise requests.error_of(reply)
                raise UnreachableError(f"The server does not answer: {failure}") from failure
            time.sleep(wait)
