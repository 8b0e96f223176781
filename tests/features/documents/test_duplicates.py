"""A file whose name is known: a version, another document, or nothing."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from citewell.access.policy import AccessLevel, Role
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.documents import registering
from citewell.features.documents import service as documents
from citewell.features.documents.names import numbered, source_of_copy, text_name
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentRead, NewFile, OnDuplicate
from tests.conftest import Library
from tests.people import People
from tests.quiet import Shelf

UPLOAD = "/api/v1/documents/upload"
KEEP_BOTH, SKIP, VERSION = OnDuplicate.KEEP_BOTH, OnDuplicate.SKIP, OnDuplicate.VERSION


def parts(*files: tuple[str, str]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name, text.encode())) for name, text in files]


async def uploaded(
    client: httpx.AsyncClient, on_duplicate: str, *files: tuple[str, str], **form: str
) -> list[dict[str, Any]]:
    data = {"on_duplicate": on_duplicate, **form}
    reply = await client.post(UPLOAD, files=parts(*files), data=data)
    assert reply.status_code == 202, reply.text
    return reply.json()["documents"]


async def names(client: httpx.AsyncClient) -> list[str]:
    listed = (await client.get("/api/v1/documents", params={"limit": 100})).json()["data"]
    return [item["filename"] for item in reversed(listed)]


class TestNames:
    @pytest.mark.parametrize(
        ("name", "number", "copy"),
        [
            ("report.pdf", 1, "report.pdf"),
            ("report.pdf", 2, "report (2).pdf"),
            ("report (2).pdf", 2, "report (2) (2).pdf"),
            ("README", 3, "README (3)"),
            ("a" * 251 + ".txt", 12, "a" * 246 + " (12).txt"),
        ],
    )
    def test_copies_are_numbered_before_the_suffix(self, name: str, number: int, copy: str) -> None:
        assert numbered(name, number) == copy

    def test_paths_stay_apart_from_names(self) -> None:
        assert source_of_copy("upload:a.txt", "a.txt", 2) == "upload:a (2).txt"
        assert source_of_copy("file:/x/a.txt", "a.txt", 2) == "file:/x/a.txt (2)"

    def test_text_takes_the_name_of_a_text(self) -> None:
        assert text_name("plan.pdf") == "plan.md"
        assert text_name("plan.TXT") == "plan.TXT"


class TestKeepBoth:
    async def test_each_is_a_document_with_a_readable_name(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        for n in range(3):
            [made] = await uploaded(client, "keep_both", ("report.txt", f"Edition {n}."))
            assert (made["version"], made["status"]) == (1, "queued")
            document = await library.settled(made["id"])
            assert document["source"] == f"upload:{document['filename']}"
        assert await names(client) == ["report.txt", "report (2).txt", "report (3).txt"]

    async def test_copy_is_known_by_its_own_name(self, client: httpx.AsyncClient) -> None:
        await uploaded(client, "version", ("report.txt", "One."))
        [copy] = await uploaded(client, "keep_both", ("report.txt", "Two."))
        [again] = await uploaded(client, "version", ("report (2).txt", "Three."))
        assert (again["id"], again["version"]) == (copy["id"], 2)
        await uploaded(client, "keep_both", ("report.txt", "Four."))
        assert await names(client) == ["report.txt", "report (2).txt", "report (3).txt"]

    async def test_same_content_is_two_documents_and_stored_once(
        self, client: httpx.AsyncClient
    ) -> None:
        before = (await client.get("/api/v1/usage")).json()
        await uploaded(client, "keep_both", ("a.txt", "Stored once."), ("a.txt", "Stored once."))
        after = (await client.get("/api/v1/usage")).json()
        assert stored_bytes(after) - stored_bytes(before) == len("Stored once.")
        assert await names(client) == ["a.txt", "a (2).txt"]

    async def test_many_at_once_get_names_of_their_own(self, client: httpx.AsyncClient) -> None:
        await asyncio.gather(
            *(uploaded(client, "keep_both", ("a.txt", f"Number {n}.")) for n in range(6))
        )
        expected = {"a.txt", *(f"a ({n}).txt" for n in range(2, 7))}
        assert set(await names(client)) == expected

    async def test_text_sent_as_json_gets_a_numbered_title(self, client: httpx.AsyncClient) -> None:
        body = {"title": "Version 1.2", "content": "Words.", "on_duplicate": "keep_both"}
        for _ in range(2):
            assert (await client.post("/api/v1/documents", json=body)).status_code == 202
        listed = (await client.get("/api/v1/documents")).json()["data"]
        assert [item["title"] for item in listed] == ["Version 1.2 (2)", "Version 1.2"]


class TestSkip:
    async def test_nothing_is_changed_and_the_known_one_is_named(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [known] = await library.upload(("a.txt", b"As it was."), metadata='{"a": 1}')
        [named] = await uploaded(
            client, "skip", ("a.txt", "Other words."), metadata='{"a": 2}', access_level="public"
        )
        assert named == {
            "id": known["id"], "version": 1, "status": "ready", "job_id": None,
            "known_by": "source", "change": "unchanged", "resembles": [],
        }  # fmt: skip
        assert (await client.get(f"/api/v1/documents/{known['id']}")).json() == known

    async def test_new_names_beside_known_ones_are_taken(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [known] = await library.upload(("a.txt", b"As it was."))
        first, second = await uploaded(client, "skip", ("a.txt", "Other."), ("b.txt", "New."))
        assert first["id"] == known["id"]
        assert second["status"] == "queued"

    async def test_failed_version_is_named_and_not_tried_again(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [broken] = await library.upload(("plan.pdf", b"%PDF-1.7\n1 0 obj\n<<garbage"))
        [named] = await uploaded(client, "skip", ("plan.pdf", "The plan in words."))
        assert named == {
            "id": broken["id"], "version": 1, "status": "failed", "job_id": None,
            "known_by": "source", "change": "unchanged", "resembles": [],
        }  # fmt: skip

    async def test_same_text_sent_as_json_keeps_its_metadata(self, library: Library) -> None:
        first = await library.add("Memo", "Words.", metadata={"a": 1})
        again = await library.add("Memo", "Words.", metadata={"a": 2}, on_duplicate="skip")
        assert again == first


class TestOneRequest:
    """Several files of one name are taken in order, as if each came after the other."""

    @pytest.mark.parametrize(
        ("on_duplicate", "versions", "kept"),
        [
            ("version", [1, 2, 2], ["a.txt"]),
            ("keep_both", [1, 1, 1], ["a.txt", "a (2).txt", "a (3).txt"]),
            ("skip", [1, 1, 1], ["a.txt"]),
        ],
    )
    async def test_same_name_thrice(
        self, on_duplicate: str, versions: list[int], kept: list[str], client: httpx.AsyncClient
    ) -> None:
        files = (("a.txt", "One."), ("a.txt", "Two."), ("a.txt", "Two."))
        made = await uploaded(client, on_duplicate, *files)
        assert [each["version"] for each in made] == versions
        assert await names(client) == kept

    async def test_unknown_way_is_422(self, client: httpx.AsyncClient) -> None:
        reply = await client.post(
            UPLOAD, files=parts(("a.txt", "x")), data={"on_duplicate": "replace"}
        )
        assert (reply.status_code, reply.json()["code"]) == (422, "validation_error")


class TestHidden:
    """Documents that others have hidden show in none of the ways."""

    @pytest.mark.parametrize("on_duplicate", list(OnDuplicate))
    async def test_name_of_a_hidden_document_is_free(
        self, shelf: Shelf, people: People, on_duplicate: OnDuplicate
    ) -> None:
        hidden = await taken(shelf, shelf.caller, "Hidden.", level=AccessLevel.RESTRICTED)
        clerk = await people.user(Role.EMPLOYEE)
        mine = await taken(shelf, clerk, "Mine.", on_duplicate)
        assert mine.document_id != hidden.document_id
        shown = await read(shelf.platform, clerk, mine)
        assert (shown.filename, shown.source) == ("report.txt", "upload:report.txt")
        other = await read(shelf.platform, shelf.caller, hidden)
        assert other.version == 1

    async def test_numbers_do_not_tell_of_hidden_copies(self, shelf: Shelf, people: People) -> None:
        await taken(shelf, shelf.caller, "Seen.", KEEP_BOTH)
        for n in range(3):
            text = f"Hidden {n}."
            await taken(shelf, shelf.caller, text, KEEP_BOTH, level=AccessLevel.RESTRICTED)
        clerk = await people.user(Role.EMPLOYEE)
        for number in (2, 3):
            mine = await taken(shelf, clerk, f"Mine {number}.", KEEP_BOTH)
            shown = await read(shelf.platform, clerk, mine)
            assert shown.filename == f"report ({number}).txt"
            assert shown.source == f"upload:report ({number}).txt"

    async def test_readable_but_not_writable_is_named_by_skip_alone(
        self, shelf: Shelf, people: People
    ) -> None:
        theirs = await taken(shelf, shelf.caller, "Theirs.")
        clerk = await people.user(Role.EMPLOYEE)
        assert (await taken(shelf, clerk, "Mine.", SKIP)).document_id == theirs.document_id
        with pytest.raises(ForbiddenError):
            await taken(shelf, clerk, "Mine.", VERSION)
        copy = await taken(shelf, clerk, "Mine.", KEEP_BOTH)
        assert (await read(shelf.platform, clerk, copy)).filename == "report (2).txt"


async def taken(
    shelf: Shelf,
    caller: Caller,
    text: str,
    on_duplicate: OnDuplicate = VERSION,
    *,
    level: AccessLevel | None = None,
) -> Registered:
    path = Path(shelf.folder) / uuid.uuid4().hex
    path.write_text(text)
    new = NewFile(
        path=path, filename="report.txt", source="upload:report.txt", access_level=level,
        on_duplicate=on_duplicate,
    )  # fmt: skip
    return await registering.register_file(shelf.platform, caller, new)


async def read(platform: Platform, caller: Caller, one: Registered) -> DocumentRead:
    async with unit_of_work(platform, caller) as ctx:
        return (await documents.get(ctx, one.document_id)).read()


def stored_bytes(usage: dict[str, Any]) -> int:
    [found] = [one for one in usage["usage"] if one["metric"] == "stored_bytes"]
    return found["used"]
