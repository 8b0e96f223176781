import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Annotated

import httpx
import pytest
from pydantic import BaseModel, Field

from citewell.entrypoints.http.unknown_fields import with_fields_named
from citewell.features.documents.endpoints import disposition
from tests.conftest import assert_problem

Refused = Callable[[httpx.Response, int, str], None]
UPLOAD = "/api/v1/documents/upload"
TYPE = {"content-type": "multipart/form-data; boundary=b"}
FILE = b'Content-Disposition: form-data; name="files"; filename="a.txt"'


def form(*parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"--b\r\n" + h + b"\r\n\r\n" + c + b"\r\n" for h, c in parts) + b"--b--\r\n"


class TestHostileForms:
    @pytest.mark.parametrize(
        "content",
        [
            form(*[(FILE, b"x")] * 10_000),
            form(*[(b'Content-Disposition: form-data; name="f"', b"x")] * 10_000),
            form((b'Content-Disposition: form-data; filename="a.txt"', b"x")),
            form((b"Content-Disposition: form-data", b"x")),
            form((FILE + b"\r\nX-Long: " + b"a" * 1_000_000, b"x")),
            form((b"\r\n".join([FILE] + [b"X-N: 1"] * 100_000), b"x")),
            form((b'Content-Disposition: form-data; name="metadata"', b"{" * 2_000_000)),
            b"no boundary at all",
            b"",
        ],
        ids=["files", "fields", "no-name", "no-header", "long-header", "many-headers",
             "long-field", "no-boundary", "empty"],
    )  # fmt: skip
    async def test_they_are_4xx(self, shared_client: httpx.AsyncClient, content: bytes):
        reply = await shared_client.post(UPLOAD, content=content, headers=TYPE)
        assert 400 <= reply.status_code < 500, reply.text
        assert reply.json()["detail"]

    async def test_form_without_a_boundary_is_4xx(self, shared_client: httpx.AsyncClient):
        headers = {"content-type": "multipart/form-data"}
        reply = await shared_client.post(UPLOAD, content=form((FILE, b"x")), headers=headers)
        assert 400 <= reply.status_code < 500

    async def test_guessed_fields_are_told_those_that_there_are(
        self, shared_client: httpx.AsyncClient
    ):
        sent = {"files": {"file": ("a.txt", b"x")}, "data": {"collection": "a", "surprise": "b"}}
        reply = await shared_client.post(UPLOAD, **sent)
        assert_problem(reply, 422, "validation_error")
        assert reply.json()["detail"].split("; ")[:4] == [
            "collection: unknown field",
            "is `collection_id` meant?",
            "file: unknown field",
            "is `files` meant?",
        ]
        assert "surprise: unknown field; known: access_level, coll" in reply.json()["detail"]


class TestNames:
    def test_fields_of_parts_are_named_where_the_shape_tells(self):
        class Part(BaseModel):
            level: int

        class Whole(BaseModel):
            parts: Annotated[list[Part] | None, Field(max_length=3)] = None
            by_name: dict[str, Part] = {}
            either: Part | list[Part]

        field = SimpleNamespace(field_info=SimpleNamespace(annotation=Whole))
        scope = {"route": SimpleNamespace(body_field=field)}
        for place, said in (
            (("lable",), "unknown field; known: by_name, either, parts"),
            (("part",), "unknown field; is `parts` meant?"),
            (("parts", 0, "x"), "unknown field; known: level"),
            (("by_name", "a", "x"), "unknown field; known: level"),
            (("either", "Part", "x"), "Extra"),
            (("nothing", "x"), "Extra"),
        ):
            error = {"type": "extra_forbidden", "loc": ("body", *place), "msg": "Extra"}
            assert with_fields_named([error], scope)[0]["msg"] == said
        assert with_fields_named([error], {}) == [error]


class TestJsonRoutes:
    async def test_a_form_where_json_is_taken_is_told_the_route_that_takes_files(
        self, shared_client: httpx.AsyncClient
    ):
        one = f"/api/v1/documents/{uuid.uuid4()}"
        for method, path, route in (
            ("POST", "/api/v1/documents", "POST /api/v1/documents/upload"),
            ("PUT", one, "PUT /api/v1/documents/{document_id}/file"),
        ):
            for sent in ({"files": {"file": ("a.txt", b"x")}}, {"data": {"title": "x"}}):
                reply = await shared_client.request(method, path, **sent)
                assert_problem(reply, 422, "validation_error")
                assert reply.json()["detail"].startswith("Send JSON (`Content-Type: application/j")
                assert f"`{route}` takes" in reply.json()["detail"]


class TestDisposition:
    @pytest.mark.parametrize(
        "name",
        [
            'a"; filename="evil.html', "a\r\nSet-Cookie: x=1", "a\0b", "a;b=c", "../../etc/passwd",
            "Bảng giá.xlsx", "%22.txt", "a\\", "\u202egpj.exe", "x" * 255,
        ],
    )  # fmt: skip
    def test_no_name_gets_out_of_its_place(self, name: str):
        value = disposition(name)
        assert value.isascii()
        assert value.isprintable()
        assert value.startswith('attachment; filename="')
        assert value.count('"') == 2
        assert value.count(";") == 2
        assert "\\" not in value

    async def test_hostile_name_is_saved_as_an_attachment(self, client: httpx.AsyncClient):
        headers = b'Content-Disposition: form-data; name="files"; filename="a%0d%0aX-Evil: 1;.html"'
        body = form((headers, b"<script>alert(1)</script>"))
        reply = await client.post(UPLOAD, content=body, headers=TYPE)
        document_id = reply.json()["documents"][0]["id"]
        reply = await client.get(f"/api/v1/documents/{document_id}/file")
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.headers["content-disposition"].startswith("attachment; ")
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"] == "sandbox"
        assert reply.headers["cache-control"] == "private, no-store"
        assert "x-evil" not in reply.headers
