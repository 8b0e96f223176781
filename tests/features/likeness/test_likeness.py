"""Documents of nearly the same text, as far as somebody may read them."""

import uuid

import httpx
import pytest

from citewell.access.policy import AccessLevel, Effect, Role
from citewell.core.context import Caller
from citewell.engine.text.likeness import FEWEST_WORDS, likenesses
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.likeness import service
from tests.conftest import Library, LiveServer, assert_problem
from tests.people import People
from tests.quiet import Shelf

RULES = "\n\n".join(
    f"Rule {number}. The {place} of the museum opens at {number} o'clock, and visitors leave their "
    f"{thing} with the guard at the {place} before they go in."
    for number, (place, thing) in enumerate(
        [
            ("tower", "boots"), ("cellar", "lamps"), ("garden", "dogs"), ("library", "ink"),
            ("kitchen", "knives"), ("chapel", "hats"), ("stable", "whips"), ("attic", "candles"),
        ],
        start=1,
    )
)  # fmt: skip
EDITED = RULES.replace("o'clock, and", "o'clock; and").replace("hats", "caps")
OTHER = "\n\n".join(
    f"Rule {number}. The tram to {place} leaves every {number} minutes from the market square, "
    "and conductors sell tickets for two crowns to all who have none yet."
    for number, place in enumerate(["Aldgate", "Byton", "Corham", "Dunmere"], start=1)
)


async def resembled(shelf: Shelf, caller: Caller, document_id: uuid.UUID) -> dict[str, float]:
    found = await service.like_documents(shelf.platform, caller, document_id)
    assert found.document_id == document_id
    return {each.title: each.likeness for each in found.resembles}


class TestLikeness:
    def test_it_is_the_share_of_what_both_say(self) -> None:
        same, edited, other = likenesses(RULES, [RULES.upper(), EDITED, OTHER])
        assert same == 1.0
        assert 0.8 < edited < 1.0
        assert other < 0.2
        assert likenesses(OTHER, [RULES, OTHER]) == [other, 1.0]

    def test_texts_of_a_few_words_resemble_nothing(self) -> None:
        few = " ".join(["word"] * (FEWEST_WORDS - 1))
        assert likenesses(few, [few]) == [0.0]
        assert likenesses("", ["", RULES]) == [0.0, 0.0]


class TestLikeDocuments:
    async def test_nearly_the_same_text_is_named_nearest_first(self, shelf: Shelf) -> None:
        edited = await shelf.add("edited.txt", EDITED)
        await shelf.add("copy.txt", RULES)
        await shelf.add("other.txt", OTHER)
        new = await shelf.add("new.txt", RULES)
        found = await resembled(shelf, shelf.caller, new.document_id)
        assert list(found) == ["copy.txt", "edited.txt"]
        assert (found["copy.txt"], found["edited.txt"] < 1) == (1.0, True)
        await shelf.delete(edited)
        assert list(await resembled(shelf, shelf.caller, new.document_id)) == ["copy.txt"]

    async def test_what_somebody_may_not_read_is_never_named(
        self, shelf: Shelf, people: People
    ) -> None:
        hidden = await shelf.add("hidden.txt", RULES, access_level=AccessLevel.RESTRICTED)
        denied = await shelf.add("denied.txt", EDITED, access_level=AccessLevel.PUBLIC)
        new = await shelf.add("new.txt", RULES, access_level=AccessLevel.PUBLIC)
        reader, director = await people.user(Role.EMPLOYEE), await people.user(Role.DIRECTOR)
        await people.rule(Effect.DENY, document=denied.document_id, user=reader)
        assert await resembled(shelf, reader, new.document_id) == {}
        assert set(await resembled(shelf, director, new.document_id)) == {
            "hidden.txt", "denied.txt",
        }  # fmt: skip
        with pytest.raises(DocumentNotFoundError):
            await resembled(shelf, reader, hidden.document_id)

    async def test_one_that_does_not_answer_yet_resembles_copies_only(self, shelf: Shelf) -> None:
        await shelf.add("copy.txt", RULES)
        await shelf.add("edited.txt", EDITED)
        waiting = await shelf.register("waiting.txt", RULES)
        assert await resembled(shelf, shelf.caller, waiting.document_id) == {"copy.txt": 1.0}

    async def test_a_copy_of_few_words_is_named(self, shelf: Shelf) -> None:
        await shelf.add("short.txt", "Closed on Mondays.")
        new = await shelf.add("new.txt", "Closed on Mondays.")
        assert await resembled(shelf, shelf.caller, new.document_id) == {"short.txt": 1.0}

    async def test_numbers_and_empty_texts_are_no_error(self, shelf: Shelf) -> None:
        numbers = await shelf.add("numbers.txt", "!!! ??? ... --- " * 40)
        assert await resembled(shelf, shelf.caller, numbers.document_id) == {}


class TestRoute:
    async def test_it_lists_and_refuses(
        self, client: httpx.AsyncClient, library: Library, live_server: LiveServer
    ) -> None:
        first = await library.add("Rules", RULES)
        second = await library.add("Rules again", EDITED)
        path = f"/api/v1/documents/{second['id']}/similar"
        reply = (await client.get(path)).json()
        [like] = reply["resembles"]
        assert (like["document_id"], like["title"]) == (first["id"], "Rules")
        assert (like["collection"], like["same"]) == ("library", "text")
        assert 0.8 <= like["likeness"] < 1
        missing = await client.get(f"/api/v1/documents/{uuid.uuid4()}/similar")
        assert_problem(missing, 404, "document_not_found")
        async with live_server.client(None) as nobody:
            assert_problem(await nobody.get(path), 401, "unauthorized")
