"""A plain model of who may see what, and a random walk that holds search against it.

The model is sets and dicts, written without a look at the policy's code. A walk is a seed: the same
seed makes the same steps.
"""

import random
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import update

from citewell.access.policy import AccessLevel, Effect, Role, Visibility
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.engine.retrieval.base import Hit
from citewell.features.collections import service as collections
from citewell.features.collections.schemas import CollectionCreate, CollectionUpdate
from citewell.features.documents import registering
from citewell.features.documents import service as documents
from citewell.features.documents.registering import Registered
from citewell.features.documents.schemas import DocumentUpdate, NewFile
from citewell.features.ingestion import service as ingestion
from citewell.features.search import service as search
from citewell.features.search.errors import UnknownFilterError
from citewell.features.search.schemas import SearchHit, SearchRequest
from citewell.features.sharing import service as sharing
from citewell.features.sharing.schemas import GrantPut
from citewell.features.trash import service as trash
from citewell.indexes.contract import index_of
from citewell.kit.clock import Stopwatch
from citewell.kit.pagination import PageRequest
from citewell.models.tenancy import User
from tests.people import People

WORDS = ("anchor", "barge", "canal", "dock", "ebb", "ferry", "gate", "harbour", "inlet", "jetty")
ROLES = (Role.GUEST, Role.EMPLOYEE, Role.EMPLOYEE, Role.MANAGER, Role.DIRECTOR)
OPERATOR = -1

Step = Callable[[], Coroutine[None, None, str]]


@dataclass
class Paper:
    """A document as the model has it."""

    id: uuid.UUID
    collection: int
    level: int
    owner: int
    source: str
    topic: str | None
    newest: int = 1
    active: int | None = None
    chunks: int = 0
    """Of the active version."""
    marks: dict[int, str] = field(default_factory=dict)
    """A word that only this version has, by its number."""


@dataclass
class Model:
    """People, objects and the rules between them."""

    roles: list[Role] = field(default_factory=lambda: list(ROLES))
    members: set[tuple[int, int]] = field(default_factory=set)
    """Group, user."""
    papers: list[Paper] = field(default_factory=list)
    trash: list[Paper] = field(default_factory=list)
    rules: dict[tuple[str, int | uuid.UUID, str, int], tuple[Effect, uuid.UUID]] = field(
        default_factory=dict
    )
    """Effect and id, by kind of object, object, `user` or `group`, and which."""
    private: set[int] = field(default_factory=set)
    """Collections in which roles count for nothing."""

    def effects(self, user: int, kind: str, which: int | uuid.UUID) -> set[Effect]:
        """The decision of one object's rules for a user."""
        return {
            effect
            for (a_kind, a_which, whom, number), (effect, _) in self.rules.items()
            if (a_kind, a_which) == (kind, which)
            and ((number, user) in self.members if whom == "group" else number == user)
        }

    def may(self, user: int, paper: Paper, *, write: bool = False, is_viewed: bool = False) -> bool:
        """Whether a user may read, or change, a document; or is seen to, by somebody who looks."""
        is_private = paper.collection in self.private
        if is_viewed and is_private:
            return False
        if user == OPERATOR:
            return True
        said = self.effects(user, "document", paper.id)
        said |= self.effects(user, "collection", paper.collection)
        if Effect.DENY in said:
            return False
        by_role = paper.level <= self.roles[user] and not is_private
        if not (by_role or Effect.READ in said or Effect.WRITE in said):
            return False
        is_chief = by_role and self.roles[user] in (Role.MANAGER, Role.DIRECTOR)
        return not write or is_chief or Effect.WRITE in said or paper.owner == user

    def may_deny(self, user: int, paper: Paper) -> bool:
        """Whether a user may make or lift a denial on a document."""
        if user == OPERATOR:
            return True
        is_chief = self.roles[user] in (Role.MANAGER, Role.DIRECTOR)
        if paper.collection in self.private:
            is_chief &= Effect.WRITE in self.effects(user, "collection", paper.collection)
        return is_chief and paper.level <= self.roles[user] and self.may(user, paper, write=True)

    def outranked(self, user: int, whom: str, number: int) -> bool:
        """Whether a rule of a user would name somebody of a higher role."""
        named = [number] if whom == "user" else [u for group, u in self.members if group == number]
        return user != OPERATOR and any(self.roles[each] > self.roles[user] for each in named)

    def may_add(self, user: int, collection: int) -> bool:
        """Whether a user may add documents to a collection."""
        if user == OPERATOR:
            return True
        said = self.effects(user, "collection", collection)
        by_role = self.roles[user] is not Role.GUEST and collection not in self.private
        return Effect.DENY not in said and (by_role or Effect.WRITE in said)

    def sees(self, user: int, collection: int) -> bool:
        """Whether a collection is there for a user."""
        if user == OPERATOR:
            return True
        said = self.effects(user, "collection", collection)
        if Effect.DENY in said:
            return False
        holds = any(p.collection == collection and self.may(user, p) for p in self.papers)
        by_role = self.roles[user] is not Role.GUEST and collection not in self.private
        return by_role or bool(said) or holds

    def may_share(self, user: int, collection: int, effect: Effect) -> bool:
        """Whether a user may make such a rule for a collection."""
        if user == OPERATOR:
            return True
        if not self.sees(user, collection) or self.roles[user] < Role.MANAGER:
            return False
        said = self.effects(user, "collection", collection)
        if collection in self.private:
            return Effect.WRITE in said or (effect is not Effect.WRITE and Effect.READ in said)
        if effect is Effect.DENY or self.roles[user] is Role.DIRECTOR:
            return True
        return Effect.WRITE in said or (effect is Effect.READ and Effect.READ in said)


class Walk:
    """One sequence of steps in a tenant of its own."""

    def __init__(self, platform: Platform, people: People, folder: Path, seed: int) -> None:
        self._platform = platform
        self._people = people
        self._folder = folder
        self._seed = seed
        self._chance = random.Random(seed)
        self._model = Model()
        self._users: list[uuid.UUID] = []
        self._groups: list[uuid.UUID] = []
        self._collections: list[uuid.UUID] = []
        self._count = 0
        self.done: list[str] = []
        self.searches = 0
        self.found = 0
        self.cached = 0
        self._questions: list[SearchRequest] = []
        """Asked before, by anybody."""

    async def begin(self) -> None:
        """Make users, groups, collections and a few documents."""
        for role in ROLES:
            user = await self._people.user(role)
            assert user.actor.user_id is not None
            self._users.append(user.actor.user_id)
        self._groups = [await self._people.group() for _ in range(2)]
        async with unit_of_work(self._platform, self._people.operator) as ctx:
            for number in range(3):
                made = await collections.create(ctx, CollectionCreate(name=f"shelf {number}"))
                self._collections.append(made.id)
        for level in (0, 1, 2, 3):
            await self._upload(OPERATOR, level % 3, level, ready=1)

    async def step(self) -> None:
        """Do one thing at random and look at what follows.

        Raises:
            AssertionError: Something was other than the model says; the message has all steps.
        """
        action = self._chance.choices(
            (self._search, self._new, self._again, self._rule, self._unrule, self._member,
             self._role, self._level, self._delete, self._restore, self._purge, self._list,
             self._visibility),
            (40, 8, 6, 14, 5, 6, 3, 7, 6, 6, 1, 8, 5),
        )[0]  # fmt: skip
        try:
            self.done.append(await action())
        except AssertionError as error:
            steps = "\n  ".join([*self.done, action.__name__])
            raise AssertionError(f"seed {self._seed}, after\n  {steps}\n{error}") from error

    def _caller(self, user: int) -> Caller:
        if user == OPERATOR:
            return self._people.operator
        return self._people.caller(self._users[user], self._model.roles[user])

    def _someone(self) -> int:
        return self._chance.randrange(OPERATOR, len(ROLES))

    def _paper(self) -> Paper | None:
        return self._chance.choice(self._model.papers) if self._model.papers else None

    async def _tries(self, action: Coroutine[None, None, object], *, allowed: bool) -> object:
        """Do what the model says is allowed or not; returns None if it was refused."""
        try:
            result = await action
        except AppError as error:
            if allowed:
                raise AssertionError(f"refused: {type(error).__name__}: {error.detail}") from error
            return None
        assert allowed, "was let through"
        return result

    # Objects

    async def _upload(
        self, user: int, collection: int, level: int | None, name: str = "", *, ready: float = 0.85
    ) -> str:
        model = self._model
        self._count += 1
        mark = f"mark{self._count}x"
        paragraphs = [
            " ".join([mark, *self._chance.choices(WORDS, k=self._chance.randint(3, 60))])
            for _ in range(self._chance.randint(1, 4))
        ]
        path = self._folder / f"{self._seed}-{self._count}"
        path.write_text("\n\n".join(paragraphs), encoding="utf-8")
        name = name or f"paper {self._count}"
        known, source = self._known(user, collection, f"file:{name}")
        allowed = model.may_add(user, collection) and (
            known is None or model.may(user, known, write=True)
        )
        topic = self._chance.choice((None, "tide", "wind"))
        new = NewFile(
            path=path,
            filename=name,
            source=f"file:{name}",
            collection_id=self._collections[collection],
            access_level=None if known or level is None else AccessLevel(level),
            **({} if known or topic is None else {"metadata": {topic: True}}),
        )
        register = registering.register_file(self._platform, self._caller(user), new)
        made = await self._tries(register, allowed=allowed)
        if made is None:
            return f"{user} may not put {name} into {collection}"
        assert isinstance(made, Registered)
        if known is None:
            level = int(AccessLevel.INTERNAL) if level is None else level
            known = Paper(made.document_id, collection, level, user, source, topic)
            model.papers.append(known)
        assert made.document_id == known.id
        known.newest = made.number
        known.marks[made.number] = mark
        if self._chance.random() < ready:  # or it stays queued, and the old version answers
            assert made.job_id is not None
            tenant_id = self._people.tenant_id
            await ingestion.process(self._platform, tenant_id, made.job_id)
            async with unit_of_work(self._platform, self._people.operator) as ctx:
                state = await documents.get(ctx, known.id)
            assert state.active is not None
            known.active, known.chunks = state.active.number, state.active.chunk_count
            if self._chance.random() < 0.5:
                await index_of(self._platform).maintenance.fold_statistics(tenant_id)
        return f"{user} put {name} into {collection} at {known.level}, version {known.newest}"

    def _known(self, user: int, collection: int, source: str) -> tuple[Paper | None, str]:
        """The document that a new version would go to, and the name it is filed under."""
        names = [source, *(f"{source}#{self._id(user)}{n}" for n in ("", "#2", "#3", "#4", "#5"))]
        for name in names:
            found = [
                p for p in self._model.papers if (p.collection, p.source) == (collection, name)
            ]
            if not found:
                return None, name
            if self._model.may(user, found[0]):
                return found[0], name
        raise AssertionError("more papers of one name than a walk makes")

    def _id(self, user: int) -> uuid.UUID | None:
        return None if user == OPERATOR else self._users[user]

    async def _new(self) -> str:
        user = self._someone()
        highest = 3 if user == OPERATOR else int(self._model.roles[user])
        level = self._chance.choice((None, self._chance.randint(0, highest)))
        return await self._upload(user, self._chance.randrange(3), level)

    async def _again(self) -> str:
        paper = self._paper()
        if paper is None:
            return "nothing to put in again"
        name = paper.source.partition(":")[2].partition("#")[0]
        return await self._upload(self._someone(), paper.collection, None, name)

    async def _delete(self) -> str:
        paper, user = self._paper(), self._someone()
        if paper is None:
            return "nothing to delete"
        allowed = self._model.may(user, paper, write=True)

        async def delete() -> bool:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                await trash.delete(ctx, paper.id)
            return True

        if await self._tries(delete(), allowed=allowed):
            self._model.papers.remove(paper)
            self._model.trash.append(paper)
        return f"{user} deleted {paper.source}: {allowed}"

    async def _restore(self) -> str:
        model, user = self._model, self._someone()
        if not model.trash:
            return "nothing to restore"
        paper = self._chance.choice(model.trash)
        allowed = model.may(user, paper, write=True)

        async def restore() -> bool:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                await trash.restore(ctx, paper.id)
            return True

        if await self._tries(restore(), allowed=allowed):
            others = {(other.collection, other.source) for other in model.papers}
            if (paper.collection, paper.source) in others:
                paper.source = f"{paper.source}#{paper.id}"
            model.trash.remove(paper)
            model.papers.append(paper)
        return f"{user} restored {paper.source}: {allowed}"

    async def _purge(self) -> str:
        model, user = self._model, self._someone()
        if not model.trash:
            return "nothing to purge"
        paper = self._chance.choice(model.trash)
        allowed = model.may(user, paper, write=True)

        async def purge() -> bool:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                await trash.purge(ctx, paper.id)
            return True

        if await self._tries(purge(), allowed=allowed):
            model.trash.remove(paper)
            for key in [key for key in model.rules if key[1] == paper.id]:
                del model.rules[key]
        return f"{user} purged {paper.source}: {allowed}"

    async def _level(self) -> str:
        paper, user, level = self._paper(), self._someone(), self._chance.choice(list(AccessLevel))
        if paper is None:
            return "nothing to move"
        highest = 3 if user == OPERATOR else int(self._model.roles[user])
        allowed = self._model.may(user, paper, write=True) and max(level, paper.level) <= highest

        async def change() -> bool:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                data = DocumentUpdate(access_level=level.name.lower())
                await documents.update(ctx, paper.id, data)
            return True

        if await self._tries(change(), allowed=allowed):
            paper.level = int(level)
        return f"{user} moved {paper.source} to {level}: {allowed}"

    # Rights

    async def _rule(self) -> str:
        model, user, effect = self._model, self._someone(), self._chance.choice(list(Effect))
        paper = self._paper()
        kind: str = self._chance.choice(("document", "document", "collection"))
        if kind == "document" and paper is not None:
            which: int | uuid.UUID = paper.id
            shared = sharing.document(paper.id)
        else:
            kind, which = "collection", self._chance.randrange(3)
            shared = sharing.collection(self._collections[which])
        whom = self._chance.choice(("user", "group"))
        number = self._chance.randrange(len(self._users if whom == "user" else self._groups))
        names = (
            {"user_id": self._users[number]}
            if whom == "user"
            else {"group_id": self._groups[number]}
        )
        before = model.rules.get((kind, which, whom, number))
        lifts = before is not None and before[0] is Effect.DENY and effect is not Effect.DENY
        if isinstance(which, int):
            allowed = model.may_share(user, which, effect)
            allowed = allowed and (not lifts or model.may_share(user, which, Effect.READ))
        elif lifts or effect is Effect.DENY:
            assert paper is not None
            allowed = model.may_deny(user, paper)
        else:
            assert paper is not None
            allowed = model.may(user, paper, write=True)
        if effect is Effect.DENY:
            allowed = allowed and not model.outranked(user, whom, number)

        async def put() -> uuid.UUID:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                return (await sharing.put_grant(ctx, shared, GrantPut(**names, effect=effect))).id

        made = await self._tries(put(), allowed=allowed)
        if made is not None:
            assert isinstance(made, uuid.UUID)
            model.rules[kind, which, whom, number] = (effect, made)
        return f"{user} rules {effect} on {kind} {which} for {whom} {number}: {allowed}"

    async def _unrule(self) -> str:
        model, user = self._model, self._someone()
        if not model.rules:
            return "no rule to remove"
        key = self._chance.choice(list(model.rules))
        kind, which = key[0], key[1]
        lifts = model.rules[key][0] is Effect.DENY
        if isinstance(which, uuid.UUID):
            found = [p for p in model.papers if p.id == which]  # none: it is in the trash
            shared = sharing.document(which)
            allowed = bool(found) and (
                model.may_deny(user, found[0]) if lifts else model.may(user, found[0], write=True)
            )
        else:
            shared = sharing.collection(self._collections[which])
            allowed = model.may_share(user, which, Effect.READ if lifts else Effect.DENY)

        async def remove() -> bool:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                await sharing.remove_grant(ctx, shared, model.rules[key][1])
            return True

        if await self._tries(remove(), allowed=allowed):
            del model.rules[key]
        return f"{user} removed the rule on {kind} {which} for {key[2]} {key[3]}: {allowed}"

    async def _member(self) -> str:
        group, user = self._chance.randrange(2), self._chance.randrange(len(ROLES))
        pair, member = (group, user), self._caller(user)
        if pair in self._model.members:
            self._model.members.remove(pair)
            await self._people.leave(self._groups[group], member)
            return f"{user} left group {group}"
        self._model.members.add(pair)
        await self._people.join(self._groups[group], member)
        return f"{user} joined group {group}"

    async def _visibility(self) -> str:
        user, shelf = self._someone(), self._chance.randrange(3)
        closes = shelf not in self._model.private
        data = CollectionUpdate(visibility=Visibility.PRIVATE if closes else Visibility.OPEN)

        async def change() -> bool:
            async with unit_of_work(self._platform, self._caller(user)) as ctx:
                await collections.update(ctx, self._collections[shelf], data)
            return True

        if await self._tries(change(), allowed=user == OPERATOR):
            self._model.private ^= {shelf}
        return f"{user} made {shelf} {data.visibility}"

    async def _role(self) -> str:
        user, role = self._chance.randrange(len(ROLES)), self._chance.choice(list(Role))
        async with unit_of_work(self._platform, self._people.operator) as ctx:
            changed = update(User).where(User.id == self._users[user]).values(role=int(role))
            await ctx.session.execute(changed)
        self._model.roles[user] = role
        return f"{user} became {role.name}"

    # Searches

    async def _search(self) -> str:
        self.searches += 1
        model, user, chance = self._model, self._someone(), self._chance
        reader, is_viewed = self._caller(user), False
        if user != OPERATOR and chance.random() < 0.2:
            is_viewed = True
            reader = await sharing.viewed_as(
                self._platform, self._people.operator, self._users[user]
            )
        if self._questions and chance.random() < 0.4:
            return await self._ask_again(user, reader, is_viewed=is_viewed)
        query = " ".join(chance.choices(WORDS, k=chance.randint(1, 4)))
        if chance.random() < 0.1:
            query = f'"{query}"'
        wanted = chance.sample(range(3), chance.randint(1, 2)) if chance.random() < 0.4 else None
        if wanted is None:
            self._questions.append(SearchRequest(query=query, top_k=chance.randint(1, 20)))
        legs = chance.choice(
            ({}, {}, {"has_dense": False}, {"has_dense": False}, {"has_lexical": False})
        )
        top_k = chance.randint(1, 20)
        topic = chance.choice(("tide", "wind")) if chance.random() < 0.2 else None
        told = f"{user} searches {query}, top {top_k}, in {wanted}, topic {topic}, {legs}"
        readable = [p for p in model.papers if model.may(user, p, is_viewed=is_viewed)]
        is_there = all(
            model.sees(user, number) and not (is_viewed and number in model.private)
            for number in wanted or ()
        )
        is_known = topic is None or any(paper.topic == topic for paper in readable)
        try:
            found = await search.find(
                self._platform,
                reader,
                query,
                top_k=top_k,
                filters={topic: True} if topic else {},
                collection_ids=[self._collections[n] for n in wanted] if wanted else None,
                watch=Stopwatch(),
                **legs,
            )
        except AppError as error:
            right = not is_known if isinstance(error, UnknownFilterError) else not is_there
            if not right:
                raise AssertionError(f"{told}: {error.detail}") from error
            return f"{told}: {error.code}"
        assert is_there, f"{told}: a hidden collection was searched"
        assert is_known, f"{told}: a hidden metadata key was known"
        allowed = {
            paper.id: paper
            for paper in readable
            if paper.active is not None
            and (wanted is None or paper.collection in wanted)
            and (topic is None or paper.topic == topic)
        }
        self._compare(told, found.hits, allowed, top_k)
        return told

    async def _ask_again(self, user: int, reader: Caller, *, is_viewed: bool) -> str:
        """Ask what somebody has asked before: what a cache has must be what is true now."""
        request = self._chance.choice(self._questions)
        told = f"{user} searches {request.query} again, top {request.top_k}"
        allowed = {
            paper.id: paper
            for paper in self._model.papers
            if self._model.may(user, paper, is_viewed=is_viewed) and paper.active is not None
        }
        for _ in range(2):
            reply = await search.search(self._platform, reader, request)
            self.cached += reply.cached
            self._compare(told, reply.results, allowed, request.top_k)
        is_early = [each.what for each in reply.degraded] == [search.UNREAD]  # and is not kept
        assert reply.cached or is_early, f"{told}: nothing was changed, and it was searched anew"
        return told

    def _compare(
        self,
        told: str,
        hits: Sequence[Hit | SearchHit],
        allowed: dict[uuid.UUID, Paper],
        top_k: int,
    ) -> None:
        for hit in hits:
            assert hit.document_id in allowed, f"{told}: outside: {hit}"
            paper = allowed[hit.document_id]
            assert hit.version == paper.active, f"{told}: version {hit.version} of {paper}"
            assert paper.active is not None
            assert paper.marks[paper.active] in hit.text, f"{told}: {hit.text} of {paper}"
        assert len({hit.chunk_id for hit in hits}) == len(hits), f"{told}: found twice"
        expected = min(top_k, sum(paper.chunks for paper in allowed.values()))
        assert len(hits) == expected, f"{told}: {len(hits)} of {expected}"
        self.found += len(hits)

    async def _list(self) -> str:
        model, user = self._model, self._someone()
        readable = {paper.id for paper in model.papers if model.may(user, paper)}
        async with unit_of_work(self._platform, self._caller(user)) as ctx:
            page = await documents.page(ctx, PageRequest(limit=100))
            shelves = await collections.page(ctx, PageRequest(limit=100))
        assert {state.document.id for state in page.items} == readable
        assert page.total == len(readable)
        async with unit_of_work(self._platform, self._caller(user)) as ctx:
            deleted = await trash.page(ctx, PageRequest(limit=100))
        restorable = {paper.id for paper in model.trash if model.may(user, paper, write=True)}
        assert {each.id for each in deleted.items} == restorable
        assert deleted.total == len(restorable)
        for state in page.items:
            [paper] = [each for each in model.papers if each.id == state.document.id]
            shows_source = state.read().source is not None
            assert shows_source == model.may(user, paper, write=True)
        seen = {
            self._collections[number]
            for number in range(len(self._collections))
            if model.sees(user, number)
        }
        assert {shelf.id for shelf in shelves.items} == seen
        assert shelves.total == len(seen)
        return f"{user} lists {len(readable)} documents in {len(seen)} collections"
