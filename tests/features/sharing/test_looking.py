"""Looking at the library as a user, over HTTP."""

import uuid

import httpx

from tests.conftest import Library, LiveServer, assert_problem

API = "/api/v1"


class TestAsUser:
    async def test_library_is_shown_as_the_user_is_shown_it(
        self, client: httpx.AsyncClient, library: Library
    ) -> None:
        hidden = await library.add("Plans", "The harbour moves.", access_level="restricted")
        open_ = await library.add("Hours", "The harbour opens at six.", access_level="public")
        person = {"email": "guest@example.org", "role": "guest"}
        guest = (await client.post(f"{API}/users", json=person)).json()["id"]
        look = {"as_user_id": guest}

        async def seen(path: str, **more: str) -> httpx.Response:
            return await client.get(f"{API}{path}", params={**look, **more})

        listed = (await seen("/documents")).json()
        assert [each["id"] for each in listed["data"]] == [open_["id"]]
        assert listed["pagination"]["total"] == 1
        own = (await client.get(f"{API}/documents")).json()
        assert own["pagination"]["total"] == 2, "the caller is the caller again"
        for part in ("", "/content", "/file", "/versions", "/versions/1"):
            assert (await seen(f"/documents/{open_['id']}{part}")).status_code == 200
            assert_problem(
                await seen(f"/documents/{hidden['id']}{part}"), 404, "document_not_found"
            )
        assert (await seen("/collections")).json()["pagination"]["total"] == 1
        trail = (await client.get(f"{API}/audit?action=search.viewed_as")).json()
        assert {each["object_id"] for each in trail["data"]} == {guest}

    async def test_others_may_not_and_changes_are_not_made_as_somebody(
        self, live_server: LiveServer, client: httpx.AsyncClient
    ) -> None:
        reading = {"name": "Reader", "scopes": ["read"], "service": True}
        key = (await client.post(f"{API}/auth/api-keys", json=reading)).json()["key"]
        async with live_server.client(key) as reader:
            reply = await reader.get(f"{API}/documents?as_user_id={uuid.uuid4()}")
            assert_problem(reply, 403, "forbidden")
        change = f"{API}/documents/{uuid.uuid4()}?as_user_id={uuid.uuid4()}"
        reply = await client.patch(change, json={"title": "Mine"})
        assert_problem(reply, 422, "validation_error")
        assert "as_user_id" in reply.json()["detail"]
