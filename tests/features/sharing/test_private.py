"""Private collections: granted, managed unread, opened and closed."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from citewell.access.policy import AccessLevel, Effect, Role, Visibility
from citewell.core.context import TENANT_SCOPES, Actor, ActorKind, Caller, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.collections.schemas import CollectionCreate, CollectionUpdate
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.evaluations import datasets, running
from citewell.features.evaluations.errors import CaseNotFoundError, InvalidCaseError
from citewell.features.evaluations.schemas import (
    CaseCreate,
    CaseFilter,
    CaseOrigin,
    CaseUpdate,
    DatasetCreate,
    RunCreate,
)
from citewell.features.search import answers
from citewell.features.search import service as search
from citewell.features.search.schemas import QueryRequest, SearchRequest
from citewell.features.sharing import service
from citewell.features.sharing.schemas import GrantPut
from citewell.kit.ids import uuid7
from citewell.kit.pagination import PageRequest
from citewell.models.evaluations import EvalCase
from citewell.models.records import AuditEvent
from tests.people import People
from tests.quiet import Shelf

PRIVATE = CollectionCreate(name="personnel", visibility=Visibility.PRIVATE)


async def found(platform: Platform, caller: Caller) -> int:
    reply = await search.search(platform, caller, SearchRequest(query="salary", top_k=10))
    return len(reply.results)


class TestPrivateCollection:
    async def test_only_those_it_is_granted_to_read_it_and_later_groups_do_not(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        maker = await people.user(Role.MANAGER)
        director, employee = await people.user(Role.DIRECTOR), await people.user()
        admin = await people.user(Role.DIRECTOR, is_admin=True)
        key = Actor(ActorKind.API_KEY, id=uuid7(), scopes=TENANT_SCOPES)
        software = replace(maker, actor=key)
        async with unit_of_work(quiet, maker) as ctx:
            made = await collections.create(ctx, PRIVATE)
        added = await shelf.add(
            "salaries.txt", "salary of everybody", collection_id=made.id,
            access_level=AccessLevel.PUBLIC,
        )  # fmt: skip
        group = await people.group(employee, director)
        outside = (director, employee, admin, software)
        assert await found(quiet, maker) == 1
        for caller in outside:
            assert await found(quiet, caller) == 0
            async with unit_of_work(quiet, caller) as ctx:
                with pytest.raises(DocumentNotFoundError):
                    await documents.get(ctx, added.document_id)
        for caller in (director, employee):
            async with unit_of_work(quiet, caller) as ctx:
                with pytest.raises(CollectionNotFoundError):
                    await collections.get(ctx, made.id)
        rule = GrantPut(group_id=group, effect=Effect.READ)
        async with unit_of_work(quiet, admin) as ctx:
            assert (await collections.get(ctx, made.id)).name == "personnel"
            await collections.update(ctx, made.id, CollectionUpdate(name="people"))
            await service.put_grant(ctx, service.collection(made.id), rule)
        assert [await found(quiet, caller) for caller in outside] == [1, 1, 0, 0]
        # Looking as somebody shows nothing that is private; a grant does, and leaves a trace.
        viewed = await service.viewed_as(quiet, admin, employee.actor.user_id)  # pyright: ignore[reportArgumentType]
        assert await found(quiet, viewed) == 0
        own = GrantPut(user_id=admin.actor.user_id, effect=Effect.READ)
        async with unit_of_work(quiet, admin) as ctx:
            await service.put_grant(ctx, service.collection(made.id), own)
        assert await found(quiet, admin) == 1
        async with unit_of_work(quiet, people.operator) as ctx:
            events = await ctx.session.scalars(
                select(AuditEvent).where(
                    AuditEvent.object_id == made.id, AuditEvent.action == "collection.granted"
                )
            )
            told = [(event.actor_id, event.details["effect"]) for event in events]
        assert (admin.actor.user_id, "read") in told
        assert (maker.actor.user_id, "write") in told

    async def test_only_administrators_open_and_close(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        manager = await people.user(Role.MANAGER)
        admin = await people.user(Role.GUEST, is_admin=True)
        async with unit_of_work(quiet, manager) as ctx:
            made = await collections.create(ctx, CollectionCreate(name="open one"))
        await shelf.add("a.txt", "salary", collection_id=made.id)
        closing = CollectionUpdate(visibility=Visibility.PRIVATE)
        with pytest.raises(ForbiddenError):
            async with unit_of_work(quiet, manager) as ctx:
                await collections.update(ctx, made.id, closing)
        assert await found(quiet, manager) == 1
        async with unit_of_work(quiet, people.operator) as ctx:
            await collections.update(ctx, made.id, closing)
        assert await found(quiet, manager) == 0
        async with unit_of_work(quiet, admin) as ctx:
            data = CollectionUpdate(visibility=Visibility.OPEN)
            await collections.update(ctx, made.id, data)
        assert await found(quiet, manager) == 1

    async def test_explanation_says_that_it_is_private(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        director = await people.user(Role.DIRECTOR, email="chief@example.org")
        async with unit_of_work(quiet, people.operator) as ctx:
            made = await collections.create(ctx, PRIVATE)
        added = await shelf.add("a.txt", "salary", collection_id=made.id)
        async with unit_of_work(quiet, people.operator) as ctx:
            told = await service.explain_access(ctx, added.document_id, "chief@example.org")
        assert not told.read.allowed
        assert not told.write.allowed
        assert [reason.code for reason in told.read.reasons] == ["collection_private"]
        await people.rule(Effect.WRITE, collection=made.id, user=director)
        async with unit_of_work(quiet, people.operator) as ctx:
            told = await service.explain_access(ctx, added.document_id, "chief@example.org")
        assert told.read.allowed
        assert told.write.allowed


class TestEvaluation:
    async def test_answers_of_private_collections_become_no_cases(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        """Everybody who evaluates reads the cases."""
        owner = await people.user(Role.DIRECTOR)
        async with unit_of_work(quiet, owner) as ctx:
            made = await collections.create(ctx, PRIVATE)
        salary = "The salary of Otis Berger is 4711 crowns a month."
        await shelf.add(
            "salaries.txt", salary, collection_id=made.id, access_level=AccessLevel.PUBLIC
        )
        asked = QueryRequest(query="What is the salary of Otis Berger?")
        reply = await answers.answer(quiet, owner, asked)
        assert "4711" in reply.answer
        async with unit_of_work(quiet, owner) as ctx:
            dataset = await datasets.create(ctx, DatasetCreate(name="cases"))
            with pytest.raises(InvalidCaseError, match="private"):
                await datasets.add_case(ctx, dataset.id, CaseCreate(query_id=reply.query_id))

    async def test_what_becomes_private_goes_from_results_and_generated_cases(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        """Runs were made while it was open; whoever may not read it now is not shown its words."""
        director, granted = await people.user(Role.DIRECTOR), await people.user(Role.DIRECTOR)
        async with unit_of_work(quiet, director) as ctx:
            made = await collections.create(ctx, CollectionCreate(name="pay"))
        salary = "The salary of Otis Berger is 4711 crowns a month."
        pay = await shelf.add("salaries.txt", salary, collection_id=made.id)
        await shelf.add("gate.txt", "The gate opens at nine o'clock.")
        asked = "What is the salary of Otis Berger?"
        async with unit_of_work(quiet, director) as ctx:
            dataset = await datasets.create(ctx, DatasetCreate(name="pay cases"))
            await datasets.add_case(ctx, dataset.id, CaseCreate(question=asked, gold=["4711"]))
            generated = EvalCase(
                tenant_id=ctx.tenant_id, id=uuid7(), dataset_id=dataset.id, gold=["4711"],
                question="Whose salary is 4711 crowns?", document_ids=[pay.document_id],
                origin=CaseOrigin.GENERATED,
            )  # fmt: skip
            ctx.session.add(generated)
            wanted = RunCreate(dataset_id=dataset.id)
            run = await running.begin(ctx, wanted, in_background=False)

        async def on_progress(_done: int, _total: int) -> None:
            pass

        await running.perform(quiet, shelf.caller.tenant_id, run.id, on_progress)

        async def seen(caller: Caller) -> list[tuple[str, bool, str | None]]:
            async with unit_of_work(quiet, caller) as ctx:
                results = (await running.results(ctx, run.id, PageRequest())).items
                _, same = await running.finished(ctx, run.id)
                assert same == results
                return [(each.question, each.is_withheld, each.answer) for each in results]

        before = await seen(director)
        assert [(question, held) for question, held, _ in before] == [
            (asked, False), (generated.question, False)
        ]  # fmt: skip
        assert "4711" in (before[0][2] or "")
        async with unit_of_work(quiet, people.operator) as ctx:
            closing = CollectionUpdate(visibility=Visibility.PRIVATE)
            await collections.update(ctx, made.id, closing)
        await people.rule(Effect.READ, collection=made.id, user=granted)
        assert await seen(granted) == before
        assert await seen(director) == [(asked, True, None), ("", True, None)]
        only = CaseFilter()
        async with unit_of_work(quiet, director) as ctx:
            cases = (await datasets.cases(ctx, dataset.id, only, PageRequest())).items
            assert [each.question for each in cases] == [asked]
            with pytest.raises(CaseNotFoundError):
                await datasets.update_case(ctx, dataset.id, generated.id, CaseUpdate(kind="x"))
            with pytest.raises(CaseNotFoundError):
                await datasets.delete_case(ctx, dataset.id, generated.id)
        async with unit_of_work(quiet, granted) as ctx:
            cases = await datasets.cases(ctx, dataset.id, only, PageRequest())
            assert len(cases.items) == cases.total == 2
            await datasets.delete_case(ctx, dataset.id, generated.id)


class TestRank:
    async def test_nobody_denies_anything_to_a_higher_role(
        self, quiet: Platform, shelf: Shelf, people: People
    ) -> None:
        manager, director = await people.user(Role.MANAGER), await people.user(Role.DIRECTOR)
        employee = await people.user()
        group = await people.group(employee, director)
        async with unit_of_work(quiet, manager) as ctx:
            made = await collections.create(ctx, CollectionCreate(name="plans"))
        added = await shelf.add("a.txt", "salary", collection_id=made.id)
        for shared in (service.collection(made.id), service.document(added.document_id)):
            for named in ({"user_id": director.actor.user_id}, {"group_id": group}):
                with pytest.raises(ForbiddenError):
                    async with unit_of_work(quiet, manager) as ctx:
                        await service.put_grant(ctx, shared, GrantPut(**named, effect=Effect.DENY))
            async with unit_of_work(quiet, manager) as ctx:
                data = GrantPut(user_id=employee.actor.user_id, effect=Effect.DENY)
                await service.put_grant(ctx, shared, data)
        assert await found(quiet, director) == 1
