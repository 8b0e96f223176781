"""Replies out of the cache: whose they are, when they end, and what a stampede costs."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text, update

from citewell.access.policy import AccessLevel, Effect, Role
from citewell.core.caching.cache import Cache, ValueKind
from citewell.core.caching.shared import SharedStore
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.embedding.base import Vector
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.errors import ProviderError
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentUpdate
from citewell.features.search import answers, service
from citewell.features.search.schemas import QueryReply, QueryRequest, SearchRequest
from citewell.features.trash import service as trash
from citewell.features.usage.errors import QuotaReachedError
from citewell.features.versions import service as versions
from citewell.indexes.contract import index_of
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.queries import QueryLog
from citewell.models.tenancy import Tenant, User
from citewell.models.trash import trash_shown
from tests.conftest import Servers, new_caller
from tests.people import People
from tests.quiet import Shelf, quiet_database, quiet_platform
from tests.redis_server import RedisServer

QUESTION = "Where is the spare key kept?"
OPEN = "The spare key is kept in the blue drawer of the reception."
SECRET = "The spare key is kept in the safe behind the painting."


@pytest.fixture(scope="module")
def own_url(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as url:
        yield url


@pytest.fixture
async def quiet(own_url: str, settings: Settings) -> AsyncIterator[Platform]:
    async with quiet_platform(settings, own_url, embedder=Counting()) as platform:
        yield platform


class Counting(HashEmbedder):
    """Counts the questions it embeds, and holds them up while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = 0
        self.is_asked = asyncio.Event()
        self.is_free = asyncio.Event()
        self.is_free.set()

    async def embed_query(self, text: str) -> Vector:
        self.queries += 1
        self.is_asked.set()
        await self.is_free.wait()
        return await super().embed_query(text)


class Broken(Counting):
    """Answers no question."""

    async def embed_query(self, text: str) -> Vector:
        raise ProviderError(f"No vector of {text}.", retryable=True)


@dataclass
class House:
    """A tenant with an open and a secret document, and those who ask."""

    shelf: Shelf
    people: People
    open: Registered
    secret: Registered
    safes: uuid.UUID
    guest: Caller
    employee: Caller
    manager: Caller

    @property
    def platform(self) -> Platform:
        return self.shelf.platform

    async def ask(self, who: Caller, question: str = QUESTION, **more: object) -> QueryReply:
        request = QueryRequest.model_validate({"query": question, **more})
        return await answers.answer(self.platform, who, request)

    async def within(self, work: Callable[[Context], Awaitable[object]]) -> None:
        async with unit_of_work(self.platform, self.people.operator) as ctx:
            await work(ctx)


@pytest.fixture
async def house(quiet: Platform, tmp_path: Path) -> House:
    shelf = Shelf(quiet, await new_caller(quiet), tmp_path)
    people = People(quiet, shelf.caller.tenant_id)
    async with unit_of_work(quiet, people.operator) as ctx:
        safes = (await collections.create(ctx, CollectionCreate(name="Safes"))).id
    return House(
        shelf,
        people,
        await shelf.add("open.txt", OPEN, access_level=AccessLevel.PUBLIC),
        await shelf.add(
            "secret.txt", SECRET, access_level=AccessLevel.RESTRICTED, collection_id=safes
        ),
        safes,
        await people.user(Role.GUEST),
        await people.user(Role.EMPLOYEE),
        await people.user(Role.MANAGER),
    )


def told(reply: QueryReply) -> tuple[object, ...]:
    """A reply without the fields that each request has of its own."""
    return reply.answer, reply.abstained, reply.confidence, reply.sentences, reply.citations


async def grant(house: House) -> None:
    await house.people.rule(Effect.READ, document=house.secret.document_id, user=house.employee)


async def grant_collection(house: House) -> None:
    await house.people.rule(Effect.READ, collection=house.safes, user=house.employee)


async def revoke(house: House) -> None:
    async def work(ctx: Context) -> None:
        await ctx.session.execute(delete(DocumentGrant))
        await ctx.session.execute(delete(CollectionGrant))

    await house.within(work)


async def deny(house: House) -> None:
    await house.people.rule(Effect.DENY, document=house.open.document_id, user=house.employee)


async def join(house: House) -> None:
    group = await house.people.group(house.employee)
    await house.people.rule(Effect.READ, document=house.secret.document_id, group=group)
    await house.ask(house.employee)
    await house.people.leave(group, house.employee)


async def change(house: House, **values: object) -> None:
    async def work(ctx: Context) -> None:
        data = DocumentUpdate.model_validate(values)
        await documents.update(ctx, house.open.document_id, data)

    await house.within(work)


async def roll_back(house: House) -> None:
    await house.shelf.add("open.txt", "The spare key is kept under the mat.")
    assert "mat" in (await house.ask(house.employee)).answer
    await house.within(lambda ctx: versions.rollback(ctx, house.open.document_id, 1))


async def restore(house: House) -> None:
    await house.shelf.delete(house.open)
    await house.ask(house.employee)
    await house.shelf.restore(house.open)


async def set_tenant(house: House, **values: object) -> None:
    await house.within(lambda ctx: ctx.session.execute(update(Tenant).values(**values)))


async def fold(house: House) -> None:
    await index_of(house.platform).maintenance.fold_statistics(house.people.tenant_id)


async def hide_collection(house: House) -> None:
    async def work(ctx: Context) -> None:
        async with trash_shown(ctx.session):
            await ctx.session.execute(text("UPDATE collection SET discard_after = now()"))

    await house.within(work)


# In an order in which each finds something to change.
CHANGES: dict[str, Callable[[House], Awaitable[object]]] = {
    "title": lambda house: change(house, title="Keys"),
    "metadata": lambda house: change(house, metadata={"valid_from": "2030-01-01"}),
    "new document": lambda house: house.shelf.add("new.txt", "The spare key is with Ms Roth."),
    "new version": lambda house: house.shelf.add("open.txt", "The spare key is under the mat."),
    "rollback": roll_back,
    "group joined and left": join,
    "grant": grant,
    "grant of a collection": grant_collection,
    "prompts": lambda house: set_tenant(house, prompts={"answer.en": "Be brief. {{form}}"}),
    "verifier": lambda house: set_tenant(house, verifier="rules"),
    "rewriting": lambda house: set_tenant(house, query_rewriting=["hyde"]),
    "weights of words": fold,
    "restored": restore,
    "level raised": lambda house: change(house, access_level="internal"),
    "denial": deny,
    "into the trash": lambda house: house.shelf.delete(house.open),
    "deleted for good": lambda house: house.within(
        lambda ctx: trash.purge(ctx, house.open.document_id)
    ),
    "collection hidden": hide_collection,
}


class TestChange:
    async def test_next_reply_is_as_if_nothing_were_cached(self, house: House) -> None:
        readers = house.guest, house.employee, house.manager, house.people.operator
        for what, change in CHANGES.items():
            for reader in readers:
                await house.ask(reader)
                assert (await house.ask(reader)).metadata.cached, what
            await change(house)
            for reader in readers:
                reply = await house.ask(reader)
                # Of equal reach, the first has it made for the others.
                assert reader is not house.guest or not reply.metadata.cached, what
                assert told(reply) == told(await house.ask(reader, cache=False)), what

    @pytest.mark.parametrize("give", [grant, grant_collection])
    async def test_revoked_right_is_gone_with_the_next_question(self, house: House, give) -> None:
        await give(house)
        for _ in range(2):
            reply = await house.ask(house.employee, "What is behind the painting?")
            assert "safe" in reply.answer
        assert reply.metadata.cached
        await revoke(house)
        after = await house.ask(house.employee, "What is behind the painting?")
        assert house.secret.document_id not in {each.document_id for each in after.citations}
        assert "safe" not in after.answer

    async def test_role_that_was_taken_away_finds_nothing_more(self, house: House) -> None:
        director = await house.people.user(Role.DIRECTOR)
        question = "What is behind the painting?"
        for _ in range(2):
            assert "safe" in (await house.ask(director, question)).answer
        demoted = replace(director, actor=replace(director.actor, role=Role.EMPLOYEE))
        assert "safe" not in (await house.ask(demoted, question)).answer

    async def test_stamp_is_new_with_the_commit_and_not_before(self, house: House) -> None:
        stamps, database = house.platform.state_of(Cache).stamps, house.platform.database
        before = await stamps.current(database, house.people.tenant_id)
        async with unit_of_work(house.platform, house.people.operator) as ctx:
            data = DocumentUpdate.model_validate({"title": "Keys"})
            await documents.update(ctx, house.open.document_id, data)
            assert await stamps.current(database, house.people.tenant_id) == before
        after = await stamps.current(database, house.people.tenant_id)
        assert after.value > before.value

    async def test_memory_lets_go_of_what_has_changed_though_nobody_asks(
        self, house: House
    ) -> None:
        cache = house.platform.state_of(Cache)
        await house.ask(house.employee)
        assert cache.memory.libraries == [house.people.tenant_id]
        await cache.sweep(house.platform.database)
        assert cache.memory.libraries == [house.people.tenant_id]
        await house.shelf.delete(house.open)
        await cache.sweep(house.platform.database)
        assert cache.memory.libraries == []

    async def test_what_changes_no_answer_leaves_the_cache_alone(self, house: House) -> None:
        await house.ask(house.employee)
        values = {"name": "Ann", "last_login_at": func.now()}
        await house.within(lambda ctx: ctx.session.execute(update(User).values(**values)))
        await house.shelf.register("open.txt", "Not read yet.")
        assert (await house.ask(house.employee)).metadata.cached

    async def test_other_tenant_keeps_what_it_has(self, house: House, tmp_path: Path) -> None:
        other = Shelf(house.platform, await new_caller(house.platform), tmp_path)
        await other.add("open.txt", OPEN)
        request = QueryRequest(query=QUESTION)
        await answers.answer(house.platform, other.caller, request)
        await house.shelf.add("new.txt", "Something else.")
        await house.ask(house.employee)
        reply = await answers.answer(house.platform, other.caller, request)
        assert reply.metadata.cached
        assert {each.document_id for each in reply.citations} != {house.open.document_id}


class TestWhose:
    @pytest.mark.parametrize("pairs", [40, pytest.param(400, marks=pytest.mark.slow)])
    async def test_pairs_of_equal_questions_cross_nothing(self, house: House, pairs: int) -> None:
        """Each by two with different rights, many at once, and again."""
        director = await house.people.user(Role.DIRECTOR)
        both = [
            (who, f"{QUESTION}{'?' * (n // 40)}", 2 + n % 40)
            for n in range(pairs)
            for who in (house.guest, director)
        ]
        cached = 0
        for _ in range(2):
            for start in range(0, len(both), 50):
                part = both[start : start + 50]
                replies = await asyncio.gather(
                    *(house.ask(who, question, top_k=top_k) for who, question, top_k in part)
                )
                for (who, question, _), reply in zip(part, replies, strict=True):
                    cited = {each.document_id for each in reply.citations}
                    assert reply.query == question
                    assert who is director or house.secret.document_id not in cited
                    assert who is house.guest or "safe" in str(reply)
                    cached += reply.metadata.cached
        assert cached == len(both)

    async def test_readers_of_one_reach_share_and_those_of_another_do_not(
        self, house: House
    ) -> None:
        colleague = await house.people.user(Role.EMPLOYEE)
        first = await house.ask(house.employee)
        shared = await house.ask(colleague)
        assert (first.metadata.cached, shared.metadata.cached) == (False, True)
        assert told(shared) == told(first)
        assert shared.query_id != first.query_id
        # A grant of a document that everybody reads changes no reach, but that is not looked at.
        await house.people.rule(Effect.READ, document=house.open.document_id, user=colleague)
        assert not (await house.ask(house.employee)).metadata.cached
        assert not (await house.ask(colleague)).metadata.cached

    async def test_filter_by_source_is_of_one_user(self, house: House) -> None:
        filters = {"source": "file:open.txt"}
        colleague = await house.people.user(Role.MANAGER)
        await house.ask(house.manager, filters=filters)
        assert not (await house.ask(colleague, filters=filters)).metadata.cached

    async def test_rights_that_change_under_a_question_are_not_shared(self, house: House) -> None:
        """An employee's search begins, is granted more, and a colleague waits for the same."""
        embedder = house.platform.embedder
        assert isinstance(embedder, Counting)
        colleague = await house.people.user(Role.EMPLOYEE)
        embedder.is_free.clear()
        embedder.is_asked.clear()
        first = asyncio.ensure_future(house.ask(house.employee))
        second = asyncio.ensure_future(house.ask(colleague))
        await embedder.is_asked.wait()
        await grant(house)
        embedder.is_free.set()
        mine, theirs = await asyncio.gather(first, second)
        assert house.secret.document_id not in {each.document_id for each in theirs.citations}
        assert told(theirs) == told(await house.ask(colleague, cache=False))
        assert told(mine) == told(await house.ask(house.employee, cache=False))


class TestStampede:
    async def test_equal_questions_at_once_are_computed_once_and_counted_each(
        self, house: House
    ) -> None:
        embedder = house.platform.embedder
        assert isinstance(embedder, Counting)
        begun = embedder.queries
        replies = await asyncio.gather(*(house.ask(house.employee) for _ in range(40)))
        assert embedder.queries == begun + 1
        counts = house.platform.state_of(Cache).counts[ValueKind.ANSWERS]
        assert counts.outcomes["computed"] == 1
        assert len({reply.query_id for reply in replies}) == 40
        assert sum(not reply.metadata.cached for reply in replies) == 1
        kept: list[int] = []

        async def count(ctx: Context) -> None:
            kept.append(await ctx.session.scalar(select(func.count(QueryLog.id))) or 0)

        await house.within(count)
        assert kept == [40]

    async def test_one_who_began_it_may_leave(self, house: House) -> None:
        embedder = house.platform.embedder
        assert isinstance(embedder, Counting)
        await house.ask(house.employee, "What else is there?")  # whose scope is known now
        embedder.is_free.clear()
        embedder.is_asked.clear()
        begun = embedder.queries + 1
        first, *others = [asyncio.ensure_future(house.ask(house.employee)) for _ in range(5)]
        await embedder.is_asked.wait()
        first.cancel()
        await asyncio.wait([first])
        embedder.is_free.set()
        assert len({told(reply)[0] for reply in await asyncio.gather(*others)}) == 1
        assert embedder.queries == begun

    @pytest.mark.usefixtures("one_day")
    async def test_quota_counts_cached_replies_too(self, house: House) -> None:
        await set_tenant(house, limits={"queries": 3})
        for _ in range(3):
            await house.ask(house.employee)
        with pytest.raises(QuotaReachedError):
            await house.ask(house.employee)


class TestBypass:
    async def test_request_or_tenant_that_wants_none_gets_none(self, house: House) -> None:
        await house.ask(house.employee)
        assert not (await house.ask(house.employee, cache=False)).metadata.cached
        await set_tenant(house, has_cache=False)
        for _ in range(2):
            assert not (await house.ask(house.employee)).metadata.cached
        assert len(house.platform.state_of(Cache).memory) <= 2  # vectors of questions

    async def test_reply_that_had_to_do_without_something_is_not_kept(self, house: House) -> None:
        broken = replace(house.platform, embedder=Broken())
        request = SearchRequest(query=QUESTION)
        assert (await service.search(broken, house.employee, request)).degraded
        reply = await service.search(house.platform, house.employee, request)
        assert not reply.cached
        assert not reply.degraded


class TestStream:
    async def test_cached_answer_is_told_by_the_same_events(self, house: House) -> None:
        request = QueryRequest(query=QUESTION)
        told: list[list[tuple[str, object]]] = []
        for _ in range(2):
            events = answers.stream(house.platform, house.employee, request)
            async with aclosing(events):
                told.append([(each.name, each.data) async for each in events])
        first, again = told
        assert first[:-1] == again[:-1]
        assert {name for name, _ in first} == {"step", "token", "citation", "done"}
        assert again[-1][1]["metadata"]["cached"]  # pyright: ignore[reportIndexIssue]


class TestShared:
    async def test_processes_share_answers_and_what_ends_them(
        self, house: House, own_url: str, settings: Settings
    ) -> None:
        async with (
            RedisServer() as redis,
            quiet_platform(settings, own_url, embedder=Counting()) as other,
        ):
            caches = [
                Cache(shared=SharedStore(redis.url, b"s" * 32, timeout=30), secret=b"k" * 32)
                for _ in range(2)
            ]
            one, two = house.platform.holding(caches[0]), other.holding(caches[1])
            request = QueryRequest(query=QUESTION)
            first = await answers.answer(one, house.employee, request)
            again = await answers.answer(two, house.employee, request)
            assert (first.metadata.cached, again.metadata.cached) == (False, True)
            assert told(first) == told(again)
            assert not any(b"drawer" in value for value in redis.values.values())
            await deny(house)
            after = await answers.answer(two, house.employee, request)
            assert not after.metadata.cached
            assert not after.citations
            await redis.stop()
            reply = await answers.answer(two, house.employee, request)
            assert (reply.metadata.cached, reply.metadata.degraded) == (True, [])
            other_question = QueryRequest(query="Where is the blue drawer?")
            assert not (await answers.answer(two, house.guest, other_question)).metadata.degraded
            for cache in caches:
                await cache.close()


class TestUnread:
    """Nothing is found while the library is being read: the reply says so."""

    async def test_question_before_the_first_document_is_ready_says_how_many_are_read(
        self, house: House
    ) -> None:
        asked = "Which colour has the submarine?"
        assert (await house.ask(house.employee, asked)).metadata.degraded == []
        waiting = [
            await house.shelf.register(name, "The submarine is yellow.", access_level=level)
            for name, level in (("a.txt", AccessLevel.PUBLIC), ("b.txt", AccessLevel.RESTRICTED))
        ]
        for who, why in (
            (house.employee, "1 document is still being read."),
            (house.people.operator, "2 documents are still being read."),
        ):
            reply = await house.ask(who, asked)
            assert reply.abstained
            [unread] = reply.metadata.degraded
            assert (unread.what, unread.why) == ("unread documents", why)
        elsewhere = await house.ask(house.employee, asked, collection_ids=[house.safes])
        assert elsewhere.metadata.degraded == []
        for each in waiting:
            await house.shelf.process(each)
        reply = await house.ask(house.employee, asked)
        assert (reply.abstained, reply.metadata.degraded) == (False, [])

    async def test_search_without_a_passage_says_so_too(
        self, quiet: Platform, tmp_path: Path
    ) -> None:
        shelf = Shelf(quiet, await new_caller(quiet), tmp_path)
        await shelf.register("a.txt", "The submarine is yellow.")
        reply = await service.search(quiet, shelf.caller, SearchRequest(query="submarine"))
        assert reply.results == []
        assert [each.why for each in reply.degraded] == ["1 document is still being read."]
