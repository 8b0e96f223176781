"""What changes reaches those who may know of it, over the socket."""

import httpx

from tests.conftest import Library, LiveServer
from tests.features.events.conftest import rename, watching


class TestUpdates:
    async def test_a_change_reaches_who_watches_the_document(
        self, live_server: LiveServer, key: str, library: Library, client: httpx.AsyncClient
    ) -> None:
        document = await library.add("Lamp", "The lamp is green.")
        async with watching(live_server, key, f"document:{document['id']}") as socket:
            await rename(client, document["id"], "Lantern")
            update = await socket.next("document_update")
            shown = (await client.get(f"/api/v1/documents/{document['id']}")).json()
            assert update["document"] == shown
            assert update["document"]["title"] == "Lantern"
            assert update["topics"] == [f"document:{document['id']}"]

    async def test_an_ingestion_is_told_from_beginning_to_end(
        self, live_server: LiveServer, key: str, library: Library
    ) -> None:
        async with watching(live_server, key, "jobs") as socket:
            document = await library.add("Lamp", "The lamp is green.")
            states = []
            while "succeeded" not in states:
                update = await socket.next()
                assert update["type"] == "job_update"
                assert update["job"]["document_id"] == document["id"] == update["document_id"]
                states.append(update["job"]["status"])
        ids = [each["event_id"] for each in socket.seen if each["type"] == "job_update"]
        assert ids == sorted(set(ids))
