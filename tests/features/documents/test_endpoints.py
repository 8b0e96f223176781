"""Documents over HTTP: taken in, read, changed, removed."""

import json
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Library, LiveServer, assert_problem

Refused = Callable[[httpx.Response, int, str], None]

NOBODY = "00000000-0000-7000-8000-000000000000"
"""An id that nothing has."""

HANDBOOK = """# Staff handbook

## Leave

Full-time employees get 27 days of annual leave. Unused days expire on 31 March.

## Travel

Trains are booked in second class. A hotel may cost 140 euros a night in Lisbon.
"""


class TestCreate:
    async def test_text_becomes_searchable_and_is_cited_word_for_word(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        body = {"title": "Staff handbook", "content": HANDBOOK, "metadata": {"year": 2026}}
        reply = await client.post("/api/v1/documents", json=body)
        assert reply.status_code == 202
        [accepted] = reply.json()["documents"]
        assert accepted.keys() == {
            "id", "version", "status", "job_id", "known_by", "change", "resembles",
        }  # fmt: skip
        assert (accepted["version"], accepted["status"]) == (1, "queued")
        uuid.UUID(accepted["job_id"])

        document = await library.settled(accepted["id"])
        assert document["status"] == "ready"
        assert document["title"] == "Staff handbook"
        assert document["metadata"] == {"year": 2026}
        assert document["access_level"] == "internal"
        assert document["active_version"] == document["version"] == 1
        assert document["error"] is None
        assert document["chunks"] >= 1

        [hit] = await library.search("annual leave days", top_k=1)
        assert hit["document_id"] == document["id"]
        assert hit["version"] == 1
        assert 0 <= hit["score"] <= 1

        question = {"query": "How many days of annual leave do full-time employees get?"}
        answer = (await client.post("/api/v1/query", json=question)).json()
        assert answer["abstained"] is False
        assert "27 days" in answer["answer"]
        assert answer["citations"]
        for citation in answer["citations"]:
            stretch = await client.get(
                f"/api/v1/documents/{citation['document_id']}/content",
                params={key: citation[key] for key in ("version", "start", "end")},
            )
            assert stretch.json()["text"] == citation["quote"]

    async def test_deleted_document_is_gone_everywhere(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        document = await library.add("Menu", "The canteen serves lentil soup on Mondays.")
        assert await library.search("lentil soup")
        reply = await client.delete(f"/api/v1/documents/{document['id']}")
        assert (reply.status_code, reply.content) == (204, b"")
        assert await library.search("lentil soup") == []
        for path in ("", "/content", "/file"):
            refused(
                await client.get(f"/api/v1/documents/{document['id']}{path}"),
                404,
                "document_not_found",
            )
        refused(
            await client.delete(f"/api/v1/documents/{document['id']}"), 404, "document_not_found"
        )
        assert (await client.get("/api/v1/documents")).json()["pagination"]["total"] == 0

    async def test_same_text_again_is_the_same_document(self, library: Library) -> None:
        first = await library.add("Memo", "The printer moved to room 12.")
        again = await library.add("Memo", "The printer moved to room 12.")
        assert (again["id"], again["version"]) == (first["id"], 1)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ({"content": "x"}, "title"),
            ({"title": "", "content": "x"}, "title"),
            ({"title": "   ", "content": "x"}, "title"),
            ({"title": "\u200b\u0000", "content": "x"}, "title"),
            ({"title": "x" * 501, "content": "x"}, "title"),
            ({"title": "\ud800", "content": "x"}, "title"),
            ({"title": 7, "content": "x"}, "title"),
            ({"title": "x"}, "content"),
            ({"title": "x", "content": ""}, "content"),
            ({"title": "x", "content": "  \n "}, "content"),
            ({"title": "x", "content": "a\ud800b"}, "content"),
            ({"title": "x", "content": "x", "metadata": []}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"k": "a\u0000"}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"k": {"a": ["\u0000"]}}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"a\u0000": 1}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"k": "\udc00"}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"": 1}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"k" * 201: 1}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {str(i): i for i in range(101)}}, "meta"),
            ({"title": "x", "content": "x", "metadata": {"k": ["x" * 170] * 100}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"k": float("nan")}}, "metadata"),
            ({"title": "x", "content": "x", "metadata": {"k": [float("inf")]}}, "metadata"),
            ({"title": "x", "content": "x", "collection_id": "main"}, "collection_id"),
        ],
    )
    async def test_bad_fields_are_422_and_named(
        self, body: object, said: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        content = json.dumps(body)
        reply = await shared_client.post(
            "/api/v1/documents", content=content, headers={"Content-Type": "application/json"}
        )
        refused(reply, 422, "validation_error")
        assert reply.json()["detail"].startswith(said)

    async def test_deeply_nested_metadata_is_4xx(self, shared_client: httpx.AsyncClient) -> None:
        nested = '{"k":' + "[" * 500 + "]" * 500 + "}"
        reply = await shared_client.post(
            "/api/v1/documents",
            content='{"title":"x","content":"x","metadata":' + nested + "}",
            headers={"Content-Type": "application/json"},
        )
        assert reply.status_code in (400, 422)

    async def test_unknown_level_and_collection_are_told(
        self, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        body = {"title": "x", "content": "x", "access_level": "secret"}
        reply = await shared_client.post("/api/v1/documents", json=body)
        refused(reply, 422, "invalid_input")
        assert "confidential" in reply.json()["detail"]
        body = {"title": "x", "content": "x", "collection_id": str(uuid.uuid4())}
        reply = await shared_client.post("/api/v1/documents", json=body)
        refused(reply, 404, "collection_not_found")

    @pytest.mark.parametrize(
        "content", ["\x00\x01\x02", "😀😀😀", "\u202e\u202d", "-" * 50_000, "a\x00b " * 50]
    )
    async def test_odd_content_ends_ready_or_failed_with_a_reason(
        self, content: str, library: Library
    ) -> None:
        document = await library.add("Odd", content)
        if document["status"] == "failed":
            assert document["error"]["code"]
            assert len(document["error"]["detail"]) > 10
            assert document["active_version"] is None
        else:
            assert document["status"] == "ready"


class TestUpload:
    async def test_one_corrupt_of_ten_fails_alone_with_a_reason(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        files = [
            (f"note-{n}.txt", f"Depot {n} keeps {n * 11} pallets of tiles.".encode())
            for n in range(9)
        ]
        files.insert(4, ("broken.pdf", b"%PDF-1.7\n1 0 obj\n<<garbage"))
        documents = await library.upload(*files)
        assert [item["filename"] for item in documents] == [name for name, _ in files]
        broken = documents.pop(4)
        assert {item["status"] for item in documents} == {"ready"}
        assert broken["status"] == "failed"
        assert broken["error"]["code"]
        assert broken["error"]["detail"]
        assert broken["active_version"] is None
        for document in documents:
            words = f"pallets in depot {document['title'][5]}"
            [hit] = await library.search(words, filters={"document_id": document["id"]})
            assert hit["document_id"] == document["id"]
        reply = await client.get("/api/v1/documents", params={"status": "failed"})
        assert [item["id"] for item in reply.json()["data"]] == [broken["id"]]

    async def test_same_file_again_makes_no_version(self, library: Library) -> None:
        [first] = await library.upload(("rules.txt", b"Badges are worn at all times."))
        assert first["warnings"] == []
        [again] = await library.upload(("rules.txt", b"Badges are worn at all times."))
        assert (again["id"], again["version"]) == (first["id"], 1)
        assert again["updated_at"] == first["updated_at"]

    async def test_known_name_takes_over_the_metadata_that_comes_with_it(
        self, library: Library
    ) -> None:
        name, text = "lamp.txt", b"The lamp stands in the hall."
        [first] = await library.upload((name, text), metadata='{"room": "hall", "year": 1}')
        [same] = await library.upload((name, text), metadata='{"room": "attic"}')
        assert (same["id"], same["version"]) == (first["id"], 1)
        assert same["metadata"] == {"room": "attic"}
        [hit] = await library.search("lamp", filters={"room": "attic"})
        assert hit["version"] == 1
        [kept] = await library.upload((name, b"The lamp stands in the attic now."))
        assert (kept["version"], kept["metadata"]) == (2, {"room": "attic"})
        [cleared] = await library.upload((name, b"The lamp has gone."), metadata="{}")
        assert (cleared["version"], cleared["metadata"]) == (3, {})

    async def test_same_text_again_takes_over_its_metadata(self, library: Library) -> None:
        first = await library.add("Memo", "The lamp is lit at six.", metadata={"a": 1})
        again = await library.add("Memo", "The lamp is lit at six.", metadata={"b": 2})
        assert (again["id"], again["version"], again["metadata"]) == (first["id"], 1, {"b": 2})
        kept = await library.add("Memo", "The lamp is lit at six.")
        assert kept["metadata"] == {"b": 2}

    async def test_changed_file_is_version_2_and_the_old_text_is_gone(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [first] = await library.upload(("rules.txt", b"Visitors park in the violet garage."))
        [second] = await library.upload(("rules.txt", b"Visitors park behind the bakery."))
        assert second["id"] == first["id"]
        assert (second["version"], second["active_version"]) == (2, 2)
        hits = await library.search("violet garage")
        assert all("violet" not in hit["text"] for hit in hits)
        assert {hit["version"] for hit in hits} == {2}
        content = await client.get(f"/api/v1/documents/{first['id']}/content")
        assert content.json()["text"] == "Visitors park behind the bakery."

    async def test_failed_file_replaced_by_a_good_one_answers(self, library: Library) -> None:
        [broken] = await library.upload(("plan.pdf", b"%PDF-1.7\n1 0 obj\n<<garbage"))
        assert broken["status"] == "failed"
        [good] = await library.upload(("plan.pdf", b"The plan: paint the gate green."))
        assert good["id"] == broken["id"]
        assert good["version"] == 2

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("../../etc/passwd.txt", "passwd.txt"),
            ("..\\..\\windows\\system.txt", "system.txt"),
            ("/absolute/path.txt", "path.txt"),
            ("report\u202etxt.exe.txt", "reporttxt.exe.txt"),
            ("Báo cáo năm 2026.txt", "Báo cáo năm 2026.txt"),
            (unicodedata.normalize("NFD", "Báo cáo.txt"), "Báo cáo.txt"),
            ("x" * 400 + ".txt", "x" * 251 + ".txt"),
            ("'; DROP TABLE document; --.txt", "'; DROP TABLE document; --.txt"),
            ("[bold]rich[/bold].txt", "bold].txt"),
            ('The "new" terms, 5 %20.txt', 'The "new" terms, 5 %20.txt'),
        ],
    )
    async def test_odd_names_are_made_readable(
        self, name: str, kept: str, library: Library, client: httpx.AsyncClient
    ) -> None:
        [document] = await library.upload((name, b"Some words about tea."))
        assert document["filename"] == kept
        assert document["status"] == "ready"
        reply = await client.get(f"/api/v1/documents/{document['id']}/file")
        assert reply.content == b"Some words about tea."

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            (b"tab\there.txt", "tab here.txt"),
            (b"nul\x00byte.txt", "nulbyte.txt"),
            (b"\x1b[31mred.txt", "[31mred.txt"),
            (b"bell\x07.txt", "bell.txt"),
            (b"caf\xe9.txt", "café.txt"),
        ],
    )
    async def test_raw_bytes_in_names_are_made_readable_or_refused(
        self, name: bytes, kept: str, library: Library
    ) -> None:
        head = b'--line\r\nContent-Disposition: form-data; name="files"; filename="' + name + b'"'
        reply = await library.client.post(
            "/api/v1/documents/upload",
            content=head + b"\r\n\r\nwords\r\n--line--\r\n",
            headers={"Content-Type": "multipart/form-data; boundary=line"},
        )
        if reply.status_code == 400:  # the form parser has refused the header
            assert reply.json()["code"] == "bad_request"
            return
        document = await library.settled(reply.json()["documents"][0]["id"])
        assert document["filename"] == kept

    @pytest.mark.parametrize("name", ["..", "/", "...", "\u200b.", "\u202e"])
    async def test_names_without_anything_readable_are_refused(
        self, name: str, shared_client: httpx.AsyncClient, refused: Refused
    ) -> None:
        reply = await shared_client.post(
            "/api/v1/documents/upload", files=[("files", (name, b"words"))]
        )
        refused(reply, 422, "invalid_filename")

    async def test_metadata_level_and_collection_are_kept(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        made = await client.post("/api/v1/collections", json={"name": "Contracts"})
        collection_id = made.json()["id"]
        [document] = await library.upload(
            ("lease.txt", b"The lease ends in June."),
            collection_id=collection_id,
            access_level="confidential",
            metadata='{"party": "Harbour Ltd", "pages": 3}',
        )
        assert document["collection_id"] == collection_id
        assert document["access_level"] == "confidential"
        assert document["metadata"] == {"party": "Harbour Ltd", "pages": 3}
        assert await library.search("lease", filters={"party": "Harbour Ltd", "pages": 3})
        assert await library.search("lease", filters={"pages": 4}) == []

    @pytest.mark.parametrize(
        ("form", "status", "code"),
        [
            ({"metadata": "[]"}, 422, "invalid_input"),
            ({"metadata": "{"}, 422, "invalid_input"),
            ({"metadata": '{"k": NaN}'}, 422, "invalid_input"),
            ({"metadata": '{"k": "\\u0000"}'}, 422, "invalid_input"),
            ({"metadata": "[" * 5000}, 422, "invalid_input"),
            ({"metadata": '{"k": ' + "9" * 5000 + "}"}, 422, "invalid_input"),
            ({"access_level": "top"}, 422, "invalid_input"),
            ({"access_level": "\x00"}, 422, "invalid_input"),
            ({"collection_id": "x"}, 422, "validation_error"),
            ({"collection_id": NOBODY}, 404, "collection_not_found"),
        ],
    )
    async def test_bad_fields_are_refused_and_nothing_is_kept(
        self,
        form: dict[str, str],
        status: int,
        code: str,
        shared_client: httpx.AsyncClient,
        refused: Refused,
    ) -> None:
        reply = await shared_client.post(
            "/api/v1/documents/upload", files=[("files", ("a.txt", b"words"))], data=form
        )
        refused(reply, status, code)
        listed = (await shared_client.get("/api/v1/documents")).json()
        assert listed["pagination"]["total"] == 0


class TestSource:
    async def test_text_under_a_known_source_is_a_version_whatever_its_title(
        self, client: httpx.AsyncClient
    ) -> None:
        async def sent(title: str, content: str, **more: str) -> dict[str, Any]:
            body = {"title": title, "content": content, **more}
            reply = await client.post("/api/v1/documents", json=body)
            assert reply.status_code == 202, reply.text
            return reply.json()["documents"][0]

        first = await sent("Ferry", "The ferry leaves at six.", source="intranet/42")
        assert (first["change"], first["version"]) == ("new", 1)
        second = await sent("Ferries", "The ferry leaves at seven.", source="intranet/42")
        assert second["id"] == first["id"]
        assert (second["change"], second["version"]) == ("version", 2)
        read = (await client.get(f"/api/v1/documents/{first['id']}")).json()
        assert (read["title"], read["source"]) == ("Ferries", "given:intranet/42")
        third = await sent("Ferry", "The ferry leaves at six.", source="intranet/43")
        assert third["id"] != first["id"]

    async def test_upload_of_one_file_takes_a_source(self, client: httpx.AsyncClient) -> None:
        async def sent(source: str, *names: str) -> httpx.Response:
            files = [("files", (name, f"Text of {name}.".encode())) for name in names]
            path, data = "/api/v1/documents/upload", {"source": source}
            return await client.post(path, files=files, data=data)

        [first] = (await sent("drive:9", "tide.md")).json()["documents"]
        [second] = (await sent("drive:9", "tides-2027.md")).json()["documents"]
        assert (second["id"], second["version"]) == (first["id"], 2)
        for source, names in (("drive:9", ("a.md", "b.md")), (" ", ("a.md",)), ("x" * 501, ("a",))):
            assert_problem(await sent(source, *names), 422, "invalid_input")


class TestList:
    async def test_pages_filters_and_order(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        made = await client.post("/api/v1/collections", json={"name": "Other"})
        other = made.json()["id"]
        for n in range(3):
            await library.add(f"Paper {n}_%", f"Paper number {n} is about hats.")
        await library.add("Elsewhere", "About gloves.", collection_id=other)

        async def titles(**params: str | int) -> list[str]:
            reply = await client.get("/api/v1/documents", params=params)
            assert reply.status_code == 200, reply.text
            return [item["title"] for item in reply.json()["data"]]

        assert await titles() == ["Elsewhere", "Paper 2_%", "Paper 1_%", "Paper 0_%"]
        assert await titles(limit=2, page=2) == ["Paper 1_%", "Paper 0_%"]
        assert await titles(page=1_000_000, limit=100) == []
        assert await titles(collection_id=other) == ["Elsewhere"]
        assert await titles(search="paper 1") == ["Paper 1_%"]
        assert len(await titles(search="_%")) == 3
        assert await titles(search="%") == await titles(search="_%")
        assert await titles(status="queued") == []
        await library.add("Sổ tay an toàn", "Về mũ.")
        for wanted in ("so tay an", "Sổ TAY", "AN TOAN", "tay"):
            assert await titles(search=wanted) == ["Sổ tay an toàn"], wanted
        assert await titles(search="sở tay") == []
        assert await titles(search="so.tay") == []
        reply = await client.get("/api/v1/documents", params={"limit": 3})
        assert reply.json()["pagination"] == {"page": 1, "limit": 3, "total": 5, "total_pages": 2}

    async def test_folders_labels_levels_and_kinds_of_files(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        paths = ("Law/2025/a.md", "Law/2026/b%.md", "Law/c.md", "Lawn/d.md", "e.md")
        for number, path in enumerate(paths):
            await library.add(
                path,
                f"Text {number} of them.",
                metadata={"path": path, "labels": ["odd" if number % 2 else "even"]},
                access_level="public" if number == 0 else "internal",
            )

        async def found(**params: str | int) -> list[str]:
            reply = await client.get("/api/v1/documents", params=params)
            assert reply.status_code == 200, reply.text
            return sorted(item["title"] for item in reply.json()["data"])

        assert await found(folder="Law") == sorted(paths[:3])
        assert await found(folder="Law/2026") == [paths[1]]
        assert await found(folder="La_") == await found(folder="%") == []
        assert await found(label="odd") == [paths[1], paths[3]]
        assert await found(label="even", folder="Law") == [paths[0], paths[2]]
        assert await found(access_level="public") == [paths[0]]
        assert await found(suffix="MD") == sorted(paths)
        assert await found(suffix="d") == await found(suffix="pdf") == []
        for bad in ({"folder": "/Law"}, {"suffix": "a/b"}, {"access_level": "secret"}):
            reply = await client.get("/api/v1/documents", params=bad)
            assert reply.status_code == 422, reply.text

        async def folders(**params: str | int) -> list[tuple[str, int]]:
            reply = await client.get("/api/v1/documents/folders", params=params)
            assert reply.status_code == 200, reply.text
            return [(item["path"], item["documents"]) for item in reply.json()["data"]]

        assert await folders() == [("Law", 3), ("Lawn", 1)]
        assert await folders(folder="Law") == [("Law/2025", 1), ("Law/2026", 1)]
        assert await folders(folder="Law/2025") == []
        assert await folders(limit=1, page=2) == [("Lawn", 1)]
        for page, shown in ((1, 1), (3, 0)):
            reply = await client.get(f"/api/v1/documents/folders?limit=1&page={page}")
            assert len(reply.json()["data"]) == shown
            assert reply.json()["pagination"]["total"] == 2
        for number, path in enumerate((["Law/x.md"], {"Law/x": "y/z"}, 7, True, None)):
            await library.add(f"Odd {number}", f"Odd text {number}.", metadata={"path": path})
        assert await folders() == [("Law", 3), ("Lawn", 1)]
        assert await found(folder="Law") == sorted(paths[:3])
        assert await found(folder='["Law') == await folders(folder='["Law') == []

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("status=done", 422),
            ("search=%00", 422),
            ("search=" + "a" * 201, 422),
            ("collection_id=x", 422),
            (f"collection_id={NOBODY}", 404),
        ],
    )
    async def test_bad_filters_are_refused(
        self, query: str, status: int, shared_client: httpx.AsyncClient
    ) -> None:
        reply = await shared_client.get(f"/api/v1/documents?{query}")
        assert reply.status_code == status, reply.text
        assert reply.json()["code"]


class TestContent:
    async def test_stretches_are_the_text_between_the_offsets(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        text = "Điều 1. Nhân viên 😀 được nghỉ 12 ngày. The rest is silence."
        document = await library.add("Quy định", text)
        path = f"/api/v1/documents/{document['id']}/content"
        whole = (await client.get(path)).json()
        assert whole["document_id"] == document["id"]
        assert (whole["start"], whole["end"]) == (0, whole["total"])
        total, read = whole["total"], whole["text"]
        assert read == text
        for start, end in ((0, 1), (7, 30), (total - 1, total), (5, 5), (0, total + 50)):
            reply = (await client.get(path, params={"start": start, "end": end})).json()
            assert reply["text"] == read[start:end]
        for start, end in ((total + 1, total + 2), (9, 3)):
            reply = await client.get(path, params={"start": start, "end": end})
            refused(reply, 422, "invalid_input")
        for query in ("start=-1", "end=-1", "start=x", "version=0", "version=99999999999"):
            refused(await client.get(f"{path}?{query}"), 422, "validation_error")
        refused(await client.get(f"{path}?start={10**30}"), 422, "invalid_input")
        refused(await client.get(f"{path}?version=7"), 404, "version_not_found")

    async def test_failed_document_has_no_text_and_says_why(
        self, library: Library, client: httpx.AsyncClient, refused: Refused
    ) -> None:
        [broken] = await library.upload(("broken.docx", b"PK\x03\x04 not a zip"))
        reply = await client.get(f"/api/v1/documents/{broken['id']}/content")
        refused(reply, 404, "version_not_found")
        assert "failed" in reply.json()["detail"]
        original = await client.get(f"/api/v1/documents/{broken['id']}/file")
        assert original.content == b"PK\x03\x04 not a zip"


class TestFile:
    async def test_original_comes_back_as_a_download(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        page = b"<html><body><script>alert(1)</script><p>Doors close at ten.</p></body></html>"
        name = 'Bảng giá "neu"; x=1.html'
        [document] = await library.upload((name, page))
        reply = await client.get(f"/api/v1/documents/{document['id']}/file")
        assert reply.content == page
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.headers["content-length"] == str(len(page))
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"] == "sandbox"
        disposition = reply.headers["content-disposition"]
        assert disposition.startswith('attachment; filename="B_ng gi_')
        assert "; filename*=UTF-8''B%E1%BA%A3ng%20gi%C3%A1" in disposition
        assert disposition.count('"') == 2
        assert disposition.count(";") == 2

    async def test_each_version_keeps_its_original(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        [document] = await library.upload(("a.txt", b"One apple."))
        await library.upload(("a.txt", b"Two pears."))
        path = f"/api/v1/documents/{document['id']}/file"
        assert (await client.get(path)).content == b"Two pears."
        assert (await client.get(path, params={"version": 1})).content == b"One apple."

    async def test_lost_original_is_410_and_the_rest_goes_on(
        self, library: Library, client: httpx.AsyncClient, live_server: LiveServer, refused: Refused
    ) -> None:
        content = b"The quokka sleeps under the stairs."
        folder = live_server.platform.settings.home / "files"
        before = set(folder.rglob("?" * 64))
        [document] = await library.upload(("quokka.txt", content))
        [stored] = set(folder.rglob("?" * 64)) - before
        stored.unlink()
        path = f"/api/v1/documents/{document['id']}"
        refused(await client.get(f"{path}/file"), 410, "file_missing")
        assert (await client.get(f"{path}/content")).json()["text"] == content.decode()
        assert [hit["title"] for hit in await library.search("quokka")] == [document["title"]]
        [again] = await library.upload(("quokka.txt", content))
        assert again["version"] == 1
        assert (await client.get(f"{path}/file")).content == content


class TestUpdate:
    async def test_title_metadata_and_level_change_without_a_version(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Draft", "The roof is repaired in May.", metadata={"a": 1})
        reply = await client.patch(
            f"/api/v1/documents/{document['id']}",
            json={"title": " Roof\tplan ", "metadata": {"b": True}, "access_level": "restricted"},
        )
        assert reply.status_code == 200
        changed = reply.json()
        assert changed["title"] == "Roof plan"
        assert changed["metadata"] == {"b": True}
        assert changed["access_level"] == "restricted"
        assert changed["version"] == 1
        [hit] = await library.search("roof repaired", filters={"b": True})
        assert hit["title"] == "Roof plan"

    async def test_empty_change_changes_nothing(
        self, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Draft", "Some text.", metadata={"a": 1})
        reply = await client.patch(f"/api/v1/documents/{document['id']}", json={})
        assert reply.json() == document

    @pytest.mark.parametrize(
        "change",
        [
            {"title": ""},
            {"title": "\u200b"},
            {"title": "x" * 501},
            {"metadata": {"k": "\x00"}},
            {"access_level": "none"},
            {"content": "new"},
            {"status": "ready"},
        ],
    )
    async def test_bad_changes_are_422(
        self, change: dict[str, object], library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Draft", "Some text.")
        path = f"/api/v1/documents/{document['id']}"
        assert (await client.patch(path, json=change)).status_code == 422
        assert (await client.get(path)).json() == document
