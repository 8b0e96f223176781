"""Boxes on other sites: administrators make them, visitors ask them."""

import uuid

from citewell.access.policy import Role, Scope, Visibility
from citewell.core.context import OPERATOR, Actor, ActorKind, Caller, Context, unit_of_work
from citewell.core.platform import Platform
from citewell.core.ratelimit import rule
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.embeds import repository
from citewell.features.embeds.errors import EmbedBusyError, EmbedNotFoundError, InvalidEmbedError
from citewell.features.embeds.schemas import (
    BoxAnswer,
    BoxCitation,
    BoxQuestion,
    BoxRead,
    BoxSentence,
    BoxToken,
    EmbedCreate,
    EmbedRead,
    EmbedUpdate,
)
from citewell.features.search import answers
from citewell.features.search.schemas import QueryReply, QueryRequest
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.embeds import Embed

MOST_EMBEDS = 50

TAKING_NULL = ("collection_ids", "language")
"""Fields that a change can take away."""

ASKED = rule("embed", "30 per minute")
"""Questions of a box; each has an amount of its own."""


async def page(ctx: Context, request: PageRequest) -> Page[EmbedRead]:
    """Boxes by name."""
    found = await repository.page(ctx.session, request)
    return Page([EmbedRead.model_validate(each) for each in found.items], request, found.total)


async def get(ctx: Context, embed_id: uuid.UUID) -> EmbedRead:
    """A box.

    Raises:
        EmbedNotFoundError: There is none.
    """
    embed = await repository.find(ctx.session, embed_id)
    if embed is None:
        raise EmbedNotFoundError(embed_id)
    return EmbedRead.model_validate(embed)


async def create(ctx: Context, data: EmbedCreate) -> EmbedRead:
    """Make a box.

    Raises:
        InvalidEmbedError: Visitors could not read one of the collections, or there are too many.
    """
    if await repository.count(ctx.session) >= MOST_EMBEDS:
        raise InvalidEmbedError(f"There are {MOST_EMBEDS} boxes already; remove one first.")
    await _check(ctx, data.collection_ids)
    embed = Embed(tenant_id=ctx.tenant_id, id=uuid7(), **data.model_dump())
    await repository.save(ctx.session, embed)
    await _record(ctx, "embed.created", embed.id, {"origins": embed.origins})
    return EmbedRead.model_validate(embed)


async def update(ctx: Context, embed_id: uuid.UUID, data: EmbedUpdate) -> EmbedRead:
    """Change a box.

    Raises:
        EmbedNotFoundError: There is none.
        InvalidEmbedError: Visitors could not read one of the collections.
    """
    embed = await repository.lock(ctx.session, embed_id)
    if embed is None:
        raise EmbedNotFoundError(embed_id)
    await _check(ctx, data.collection_ids)
    given = data.model_dump(exclude_unset=True)
    given = {
        name: value for name, value in given.items() if value is not None or name in TAKING_NULL
    }
    changed = sorted(name for name, value in given.items() if getattr(embed, name) != value)
    for name in changed:
        setattr(embed, name, given[name])
    await repository.save(ctx.session, embed)
    if changed:
        await _record(ctx, "embed.updated", embed.id, {"fields": changed})
    return EmbedRead.model_validate(embed)


async def remove(ctx: Context, embed_id: uuid.UUID) -> None:
    """Remove a box; pages that still name it show none.

    Raises:
        EmbedNotFoundError: There is none.
    """
    await get(ctx, embed_id)
    await repository.remove(ctx.session, embed_id)
    await _record(ctx, "embed.deleted", embed_id, {})


async def box(platform: Platform, token: str) -> BoxRead:
    """A box as its visitors see it.

    Raises:
        EmbedNotFoundError: There is none, or it is turned off.
    """
    embed = await _open(platform, token)
    return BoxRead.model_validate({"title": embed.title, "language": embed.language})


async def origins(platform: Platform, token: str) -> list[str]:
    """Sites whose pages may show a box.

    Raises:
        EmbedNotFoundError: There is none, or it is turned off.
    """
    return (await _open(platform, token)).origins


async def ask(platform: Platform, token: str, data: BoxQuestion) -> BoxAnswer:
    """Answer a visitor from what everybody may read.

    Raises:
        EmbedNotFoundError: There is no such box, or it is turned off.
        EmbedBusyError: Its visitors have asked enough for this minute.
    """
    embed = await _open(platform, token)
    decision = await platform.limiter.hit(
        ASKED.of(embed.questions_per_minute), str(embed.tenant_id), str(embed.id)
    )
    if not decision.allowed:
        raise EmbedBusyError(max(1, decision.reset_seconds))
    caller = visitor(embed)
    places = await _readable(platform, caller, embed)
    # An empty list, which nobody may send, finds nothing: the box abstains.
    request = QueryRequest(query=data.query).model_copy(update={"collection_ids": places})
    return _shown(await answers.answer(platform, caller, request))


def visitor(embed: Embed) -> Caller:
    """The caller behind a box: nobody in particular, with the reach of a guest."""
    actor = Actor(
        ActorKind.API_KEY,
        id=embed.id,
        role=Role.GUEST,
        is_admin=False,
        scopes=frozenset({Scope.READ}),
        credential_id=embed.id,
    )
    return Caller(embed.tenant_id, actor)


async def _open(platform: Platform, token: str) -> Embed:
    named = BoxToken.read(token)
    if named is None:
        raise EmbedNotFoundError(token[:80])
    # The tenant is not proved: it only selects the rows in which the id is looked for.
    async with unit_of_work(platform, Caller(named.tenant_id, OPERATOR)) as ctx:
        embed = await repository.open_one(ctx.session, named.embed_id)
        if embed is None:
            raise EmbedNotFoundError(token)
        ctx.session.expunge(embed)
    return embed


async def _readable(platform: Platform, caller: Caller, embed: Embed) -> list[uuid.UUID] | None:
    """Collections in which a box looks now: those still there for everybody, that guests ask.

    None: everywhere. An empty list: none of its collections is left, so it looks nowhere.
    """
    if embed.collection_ids is None:
        return None
    async with unit_of_work(platform, caller.asking()) as ctx:
        return await collections.visible(ctx, embed.collection_ids)


async def _check(ctx: Context, collection_ids: list[uuid.UUID] | None) -> None:
    """Refuse collections that are not for everybody.

    Raises:
        InvalidEmbedError: One is private, or not there.
    """
    for each in collection_ids or ():
        try:
            collection = await collections.get(ctx, each)
        except CollectionNotFoundError as error:
            raise InvalidEmbedError(error.detail) from None
        if collection.visibility != Visibility.OPEN:
            raise InvalidEmbedError(
                f"The collection `{collection.name}` is private; a box looks in open ones only."
            )


def _shown(reply: QueryReply) -> BoxAnswer:
    return BoxAnswer(
        query=reply.query,
        answer=reply.answer,
        abstained=reply.abstained,
        confidence=reply.confidence.level,
        sentences=[
            BoxSentence.model_validate(each.model_dump(include=set(BoxSentence.model_fields)))
            for each in reply.sentences
        ],
        citations=[
            BoxCitation.model_validate(each.model_dump(include=set(BoxCitation.model_fields)))
            for each in reply.citations
        ],
    )


async def _record(
    ctx: Context, action: str, embed_id: uuid.UUID, details: dict[str, object]
) -> None:
    await audit.record(ctx, action, object_kind="embed", object_id=embed_id, details=details)
