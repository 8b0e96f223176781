"""The client against a running server, and against one that stumbles."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from citewell.client import ApiError, AsyncCitewell, Citewell, UnreachableError
from tests.conftest import LiveServer

RULES = "# Lift\n\nThe lift is repaired by Otis Berger. Call extension 4417 at any hour."
QUESTION = "Who repairs the lift?"
NOBODY = "00000000-0000-7000-8000-000000000000"


class TestRunningServer:
    def test_documents_are_handed_in_and_asked(
        self, live_server: LiveServer, tmp_path: Path
    ) -> None:
        path = tmp_path / "rules.md"
        path.write_text(RULES)
        told: list[tuple[int, int]] = []
        with Citewell(live_server.address, api_key=live_server.new_key()) as citewell:
            files = (path, ("bikes.md", b"Bicycles are parked in the yard. " * 9_000))
            ids = citewell.upload(*files, on_progress=lambda *each: told.append(each))
            assert told[-1][0] == told[-1][1] == path.stat().st_size + len(files[1][1])
            assert [citewell.wait(each).status for each in ids] == ["ready", "ready"]
            note = citewell.wait(citewell.add_text("Note", "The gate is closed at nine."))
            assert note.title == "Note"
            answer = citewell.ask(QUESTION)
            assert "Otis Berger" in answer.text
            (citation,) = answer.citations
            assert citation.document_id == ids[0]
            stretch = {"start": citation.start, "end": citation.end, "version": citation.version}
            assert citewell.read(ids[0], **stretch) == citation.quote
            assert answer.sentences[0].grade == "quoted"
            *pieces, last = citewell.stream(QUESTION)
            assert "".join(piece.text for piece in pieces) == answer.text
            assert last.answer is not None
            assert last.answer.citations == answer.citations
            assert citewell.search(QUESTION, top_k=1)[0].document_id == ids[0]
            assert citewell.ask("Who repairs the lift?", filters={"title": "Note"}).abstained
            (collection,) = citewell.collections()
            assert collection.name == "library"
            citewell.delete(ids[0])
            for call, code in (
                (lambda: citewell.document(ids[0]), "document_not_found"),
                (lambda: citewell.ask("x", collection_ids=[NOBODY]), "collection_not_found"),
                (lambda: list(citewell.stream("?!")), "query_without_words"),
            ):
                with pytest.raises(ApiError) as caught:
                    call()
                assert caught.value.code == code
                assert caught.value.request_id

    async def test_async_client_does_the_same(self, live_server: LiveServer) -> None:
        key = await asyncio.to_thread(live_server.new_key)
        async with AsyncCitewell(live_server.address, api_key=key) as citewell:
            (document_id,) = await citewell.upload(("rules.md", RULES.encode()))
            assert (await citewell.wait(document_id)).status == "ready"
            answer, found = await asyncio.gather(citewell.ask(QUESTION), citewell.search(QUESTION))
            assert answer.citations[0].document_id == found[0].document_id == document_id
            pieces = [piece async for piece in citewell.stream(QUESTION)]
            assert "".join(piece.text for piece in pieces) == answer.text
            assert [each.name async for each in citewell.collections()] == ["library"]
            await citewell.delete(document_id)
            with pytest.raises(ApiError):
                await citewell.read(document_id)


def stumbling(*replies: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    """A server that gives these replies, one after the other."""
    waiting = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        reply = waiting.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return answer


FOUND = {"results": []}
BUSY = {"code": "rate_limited", "detail": "Later."}


class TestTryingAgain:
    def test_busy_server_is_asked_again_when_it_says(self) -> None:
        answer = stumbling(
            httpx.Response(429, json=BUSY, headers={"Retry-After": "0"}),
            httpx.ConnectError("no route"),
            httpx.Response(200, json=FOUND),
        )
        with Citewell("http://x", api_key="k", transport=httpx.MockTransport(answer)) as citewell:
            assert citewell.search("x") == []

    async def test_what_will_not_pass_is_told_at_once(self) -> None:
        for reply, code in (
            (httpx.Response(429, json=BUSY, headers={"Retry-After": "3600"}), "rate_limited"),
            (httpx.Response(403, json={"code": "forbidden", "detail": "No."}), "forbidden"),
            (httpx.Response(500, text="<html>"), "error"),
        ):
            transport = httpx.MockTransport(stumbling(reply))
            async with AsyncCitewell("http://x", api_key="k", transport=transport) as citewell:
                with pytest.raises(ApiError) as caught:
                    await citewell.search("x")
                assert caught.value.code == code

    def test_server_that_is_away_is_given_up(self) -> None:
        transport = httpx.MockTransport(stumbling(*[httpx.ConnectError("no route")] * 2))
        with (
            Citewell("http://x", api_key="k", attempts=2, transport=transport) as citewell,
            pytest.raises(UnreachableError),
        ):
            citewell.search("x")


def test_nothing_of_the_server_is_imported() -> None:
    script = (
        "import sys, citewell.client;"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('pydantic', 'sqlalchemy', 'fastapi', 'numpy', 'structlog') or "
        "(name.startswith('citewell.') and not name.startswith('citewell.client'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]", done.stdout
