"""Objects hidden from a user show on no second path."""

import uuid
from pathlib import Path

import pytest

from citewell.access.policy import AccessLevel, Effect, Role
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError, ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.schemas import DocumentQuery, DocumentUpdate
from citewell.features.search import service as search
from citewell.features.search.errors import UnknownFilterError
from citewell.features.search.schemas import SearchReply, SearchRequest
from citewell.indexes.contract import index_of
from citewell.kit.pagination import PageRequest
from tests.people import People
from tests.quiet import Shelf

RESTRICTED = AccessLevel.RESTRICTED


async def asked(platform: Platform, caller: Caller, **more: object) -> SearchReply:
    request = SearchRequest(**{"query": "harbour", "top_k": 50, **more})  # pyright: ignore[reportArgumentType]
    return await search.search(platform, caller, request)


async def listed(platform: Platform, caller: Caller, **more: object) -> tuple[set[uuid.UUID], int]:
    async with unit_of_work(platform, caller) as ctx:
        query = DocumentQuery(**more)  # pyright: ignore[reportArgumentType]
        page = await documents.page(ctx, PageRequest(limit=100), query)
    return {state.document.id for state in page.items}, page.total


class TestSearch:
    async def test_hidden_and_missing_collection_are_the_same(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        async with unit_of_work(quiet, shelf.caller) as ctx:
            hidden = (await collections.create(ctx, CollectionCreate(name="board"))).id
        guest, employee = await people.user(Role.GUEST), await people.user()
        await people.rule(Effect.DENY, collection=hidden, user=employee)
        for caller in (guest, employee):
            for wanted in (hidden, uuid.uuid4()):
                with pytest.raises(CollectionNotFoundError) as raised:
                    await asked(quiet, caller, collection_ids=[wanted])
                assert raised.value.detail == f"There is no collection `{wanted}`."

    async def test_hidden_and_missing_document_give_the_same_empty_result(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        hidden = await shelf.add("a.txt", "harbour", access_level=RESTRICTED)
        await shelf.add("b.txt", "harbour")
        reader = await people.user()
        for wanted in (hidden.document_id, uuid.uuid4()):
            reply = await asked(quiet, reader, filters={"document_id": str(wanted)}, explain=True)
            assert reply.results == []
            assert reply.explain is not None
            assert reply.explain.scope_size == 0
        for name in ("title", "filename"):
            reply = await asked(quiet, reader, filters={name: "a.txt"})
            assert reply.results == []

    async def test_metadata_key_of_hidden_documents_is_unknown(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.add("a.txt", "harbour", access_level=RESTRICTED, metadata={"deal": 1})
        reader = await people.user()
        told: set[str] = set()
        for key in ("deal", "ship"):
            with pytest.raises(UnknownFilterError) as raised:
                await asked(quiet, reader, filters={key: 1})
            told.add(raised.value.detail.replace(key, "KEY"))
        assert len(told) == 1
        await people.rule(Effect.READ, document=made.document_id, user=reader)
        assert len((await asked(quiet, reader, filters={"deal": 1})).results) == 1

    async def test_explanation_does_not_tell_which_words_hidden_documents_have(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        await shelf.add("a.txt", "harbour zebra", access_level=RESTRICTED)
        await shelf.add("b.txt", "harbour lion")
        await index_of(quiet).maintenance.fold_statistics(shelf.caller.tenant_id)
        reader = await people.user()
        told = []
        for word in ("zebra", "quokka"):
            reply = await asked(quiet, reader, query=f"harbour {word}", explain=True)
            assert reply.explain is not None
            assert set(reply.explain.terms.values()) == {None}
            told.append(len(reply.explain.terms))
        assert told[0] == told[1]
        whole = await asked(quiet, shelf.caller, query="harbour zebra", explain=True)
        assert whole.explain is not None
        assert None not in whole.explain.terms.values()

    async def test_where_a_document_came_from_is_for_those_who_may_change_it(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        made = await shelf.add("a.txt", "harbour")
        reader, manager = await people.user(), await people.user(Role.MANAGER)
        for caller, sees in ((reader, False), (manager, True), (shelf.caller, True)):
            async with unit_of_work(quiet, caller) as ctx:
                state = (await documents.get(ctx, made.document_id)).read()
                page = await documents.page(ctx, PageRequest())
            assert state.source == page.items[0].read().source
            assert (state.source == "file:a.txt") == sees
            assert (state.source is None) != sees
            reply = await asked(quiet, caller, filters={"source": "file:a.txt"})
            assert bool(reply.results) == sees

    async def test_document_named_like_a_hidden_one_looks_like_any_other(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        await shelf.add("board.txt", "harbour", access_level=RESTRICTED)
        employee = await people.user()
        mine = Shelf(quiet, employee, shelf.folder)
        for name in ("board.txt", "other.txt"):
            made = await mine.add(name, "harbour mine")
            async with unit_of_work(quiet, employee) as ctx:
                assert (await documents.get(ctx, made.document_id)).read().source == f"file:{name}"
            reply = await asked(quiet, employee, filters={"source": f"file:{name}"})
            assert [hit.document_id for hit in reply.results] == [made.document_id]
            kept_as = f"file:{name}#{employee.actor.user_id}"
            assert (await asked(quiet, employee, filters={"source": kept_as})).results == []


class TestLists:
    async def test_totals_count_what_is_visible(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        open_ = await shelf.register("plan a.txt", "harbour")
        hidden = await shelf.register("plan b.txt", "harbour", access_level=RESTRICTED)
        reader = await people.user()
        only = ({open_.document_id}, 1)
        assert await listed(quiet, reader) == only
        assert await listed(quiet, reader, search="plan") == only
        assert await listed(quiet, reader, search="plan b") == (set(), 0)
        await people.rule(Effect.READ, document=hidden.document_id, user=reader)
        await people.rule(Effect.DENY, document=open_.document_id, user=reader)
        assert await listed(quiet, reader) == ({hidden.document_id}, 1)

    async def test_guest_sees_collections_that_hold_something_for_them(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        async with unit_of_work(quiet, shelf.caller) as ctx:
            made_collections = [
                await collections.create(ctx, CollectionCreate(name=name)) for name in ("a", "b")
            ]
        ids = [item.id for item in made_collections]
        guest = await people.user(Role.GUEST)
        made = await shelf.register("a.txt", "harbour", collection_id=ids[0])
        assert await self._seen(quiet, guest) == []
        grant = await people.rule(Effect.READ, document=made.document_id, user=guest)
        assert await self._seen(quiet, guest) == [ids[0]]
        assert await listed(quiet, guest, collection_id=ids[0]) == ({made.document_id}, 1)
        await people.rule(Effect.DENY, collection=ids[0], group=await people.group(guest))
        assert await self._seen(quiet, guest) == []
        assert grant

    @staticmethod
    async def _seen(platform: Platform, caller: Caller) -> list[uuid.UUID]:
        async with unit_of_work(platform, caller) as ctx:
            page = await collections.page(ctx, PageRequest())
            assert page.total == len(page.items)
            return [item.id for item in page.items]


class TestUploads:
    async def test_denied_default_collection_is_told_by_the_name_that_was_meant(
        self, quiet: Platform, shelf: Shelf, people: People, tmp_path: Path
    ) -> None:
        async with unit_of_work(quiet, shelf.caller) as ctx:
            library = await collections.get_or_create(ctx, collections.DEFAULT_COLLECTION)
        employee, guest = await people.user(), await people.user(Role.GUEST)
        await people.rule(Effect.DENY, collection=library.id, user=employee)
        for caller in (employee, guest):
            with pytest.raises(CollectionNotFoundError) as raised:
                await Shelf(quiet, caller, tmp_path).register("a.txt", "harbour")
            assert raised.value.detail == "There is no collection `library`."

    async def test_collections_are_made_in_passing_by_those_who_make_them(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        for role, refusal in (
            (Role.GUEST, CollectionNotFoundError),
            (Role.EMPLOYEE, ForbiddenError),
            (Role.MANAGER, None),
        ):
            caller = await people.user(role)
            try:
                async with unit_of_work(quiet, caller) as ctx:
                    await collections.get_or_create(ctx, f"by {role.name}")
                refused_with: type[AppError] | None = None
            except AppError as error:
                refused_with = type(error)
            assert refused_with is refusal
        assert shelf

    async def test_name_of_a_hidden_document_can_be_used_and_changes_nothing_there(
        self, quiet: Platform, shelf: Shelf, people: People, tmp_path: Path
    ) -> None:
        """Also if what one made instead was hidden later."""
        hidden = await shelf.add("a.txt", "harbour", access_level=RESTRICTED)
        employee = await people.user()
        mine = Shelf(quiet, employee, tmp_path)
        seen = [hidden]
        for number in range(3):
            made = await mine.register("a.txt", f"harbour by an employee, {number}")
            assert made.document_id not in {each.document_id for each in seen}
            assert made.number == 1
            again = await mine.register("a.txt", f"harbour by an employee, {number}, again")
            assert (again.document_id, again.number) == (made.document_id, 2)
            async with unit_of_work(quiet, shelf.caller) as ctx:
                data = DocumentUpdate(access_level="restricted")
                await documents.update(ctx, made.document_id, data)
            with pytest.raises(DocumentNotFoundError):
                async with unit_of_work(quiet, employee) as ctx:
                    await documents.get(ctx, made.document_id)
            seen.append(made)
        async with unit_of_work(quiet, shelf.caller) as ctx:
            assert (await documents.get(ctx, hidden.document_id)).newest.number == 1
