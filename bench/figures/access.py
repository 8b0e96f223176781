"""Cost of permissions in a search: a user with rules beside a caller whom no rule names."""

import time
import uuid

from sqlalchemy import select

from bench.corpus import questions
from bench.indexed import Library
from bench.options import Options
from bench.report import Row, percentile
from citewell.access.policy import Role, Scope
from citewell.core.context import Actor, ActorKind, Caller, unit_of_work
from citewell.features.search import service
from citewell.features.search.schemas import SearchRequest
from citewell.kit.ids import uuid7
from citewell.models.documents import Document
from citewell.models.grants import DocumentGrant
from citewell.models.tenancy import Group, GroupMember, User

TOP_K = 10
BUDGET = 1.2
GRANTS = (0, 10, 1_000)


async def measure(options: Options, library: Library) -> tuple[list[Row], list[str]]:
    """Ask the same questions as a user and as the operator, in turns; both read everything."""
    asked = questions(library.texts, options.queries)
    rows: list[Row] = []
    for wanted in GRANTS:
        user, given = await _user(library, wanted)
        theirs: list[float] = []
        without: list[float] = []
        for round_number in range(options.repeats + 1):
            for query in asked:
                pair = [await _search(library, who, query) for who in (user, library.operator)]
                if round_number:  # the first is to warm up
                    theirs.append(pair[0])
                    without.append(pair[1])
        ratio = percentile(theirs, 0.5) / percentile(without, 0.5)
        rows.append(
            Row(
                f"search with permissions, {given:,} grants",
                f"{percentile(theirs, 0.5):.2f} ms",
                f"{percentile(without, 0.5):.2f} ms without, {library.chunks / 1_000:.0f}k chunks",
                f"{ratio:.2f}",
                f"<= {BUDGET}",
                ratio <= BUDGET,
            )
        )
    return rows, []


async def _user(library: Library, grants: int) -> tuple[Caller, int]:
    """A manager, who reads all that this library has, and how many documents they are granted.

    Half of the grants name a group of theirs.
    """
    user_id, group_id = uuid7(), uuid7()
    tenant = {"tenant_id": library.tenant_id}
    async with unit_of_work(library.platform, library.operator) as ctx:
        email = f"{user_id.hex}@example.org"
        ctx.session.add(User(**tenant, id=user_id, email=email, password_hash="none"))
        ctx.session.add(Group(**tenant, id=group_id, name=user_id.hex))
        await ctx.session.flush()
        ctx.session.add(GroupMember(**tenant, group_id=group_id, user_id=user_id))
        ids = list(await ctx.session.scalars(select(Document.id).limit(grants)))
        for number, document_id in enumerate(ids):
            whom: dict[str, uuid.UUID] = (
                {"group_id": group_id} if number % 2 else {"user_id": user_id}
            )
            ctx.session.add(
                DocumentGrant(**tenant, id=uuid7(), document_id=document_id, effect="read", **whom)
            )
    scopes = frozenset({Scope.READ})
    actor = Actor(ActorKind.USER, user_id, user_id, Role.MANAGER, is_admin=False, scopes=scopes)
    return Caller(library.tenant_id, actor), len(ids)


async def _search(library: Library, caller: Caller, query: str) -> float:
    """Milliseconds of one search."""
    begun = time.perf_counter()
    await service.search(
        library.platform, caller, SearchRequest(query=query, top_k=TOP_K, cache=False)
    )
    return (time.perf_counter() - begun) * 1_000
