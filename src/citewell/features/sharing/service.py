"""Grants and denials on documents and collections: making, removing and explaining them."""

import uuid
from dataclasses import dataclass, replace

from citewell.access.policy import AccessLevel, Effect, Role, Scope, Verb
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.emails import InvalidEmailError, normalise_email
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.collections.errors import CollectionNotFoundError
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.sharing import repository
from citewell.features.sharing.errors import GrantNotFoundError
from citewell.features.sharing.explaining import explain
from citewell.features.sharing.repository import AnyGrant, GrantTable
from citewell.features.sharing.schemas import (
    AccessExplanation,
    ApplicableGrant,
    GrantPut,
    PeopleFilter,
    SubjectRead,
    UserAccess,
)
from citewell.features.users import service as users
from citewell.features.users.errors import (
    GroupNotFoundError,
    UserNotFoundError,
)
from citewell.kit.pagination import Page, PageRequest
from citewell.models.grants import CollectionGrant, DocumentGrant
from citewell.models.tenancy import User, UserStatus


@dataclass(frozen=True, slots=True)
class Shared:
    """The object of a rule: a document or a collection."""

    table: GrantTable
    id: uuid.UUID

    @property
    def kind(self) -> str:
        """`document` or `collection`."""
        return "document" if self.table is DocumentGrant else "collection"


def document(document_id: uuid.UUID) -> Shared:
    """A document, to make rules for."""
    return Shared(DocumentGrant, document_id)


def collection(collection_id: uuid.UUID) -> Shared:
    """A collection, to make rules for."""
    return Shared(CollectionGrant, collection_id)


async def grants(ctx: Context, shared: Shared, request: PageRequest) -> Page[AnyGrant]:
    """The rules of a document or collection, oldest first.

    Raises:
        DocumentNotFoundError, CollectionNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may see it, but not change it.
    """
    await _require_sharing(ctx, shared)
    return await repository.page(ctx.session, shared.table, shared.id, request)


async def put_grant(ctx: Context, shared: Shared, data: GrantPut) -> AnyGrant:
    """Make the rule of a user or group for an object, or replace it.

    Raises:
        DocumentNotFoundError, CollectionNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may not change it, would give what they do not have, or denies it
            to somebody of a higher role.
        UserNotFoundError, GroupNotFoundError: The tenant has no such user or group.
    """
    await _require_sharing(ctx, shared, data.effect)
    # Locked against removal, so that no rule is left over for somebody who is removed at this
    # moment.
    if data.user_id is not None and not await repository.hold_user(ctx.session, data.user_id):
        raise UserNotFoundError(data.user_id)
    if data.group_id is not None and not await repository.hold_group(ctx.session, data.group_id):
        raise GroupNotFoundError(data.group_id)
    if data.effect is Effect.DENY and not ctx.actor.administers:
        highest = await repository.highest_role(ctx.session, data.user_id, data.group_id)
        if highest is not None and highest > ctx.actor.role:
            raise ForbiddenError(
                "You cannot deny something to a user of a higher role than yours: ask an "
                "administrator."
            )
    before = await repository.effect_for(
        ctx.session, shared.table, shared.id, data.user_id, data.group_id
    )
    # Replacing a denial lifts it, which takes more than making the new rule does.
    if before == Effect.DENY and data.effect is not Effect.DENY:
        await _require_lifting(ctx, shared)
    rule: dict[str, object] = {
        "tenant_id": ctx.tenant_id,
        "user_id": data.user_id,
        "group_id": data.group_id,
        "effect": data.effect.value,
        "created_by": ctx.actor.user_id,
    }
    grant = await repository.put(ctx.session, shared.table, shared.id, rule)
    verb = "denied" if data.effect is Effect.DENY else "granted"
    await _record(ctx, shared, verb, grant, before)
    # Reading in place of writing takes away, from all.
    closes = data.effect is Effect.DENY or (before == Effect.WRITE and data.effect is Effect.READ)
    opened = await _attached(ctx, shared)
    for attached in await _attached(ctx, shared, closes=closes):
        own = await repository.effect_for(
            ctx.session, attached.table, attached.id, data.user_id, data.group_id
        )
        # A denial of the attachment alone stays.
        if own == Effect.DENY and before != Effect.DENY:
            continue
        # Where the rule may not open, it only replaces one that opened further.
        if data.effect is not Effect.DENY and attached not in opened and own != Effect.WRITE:
            continue
        made = await repository.put(ctx.session, attached.table, attached.id, rule)
        await _record(ctx, attached, verb, made, own)
    return grant


async def _attached(ctx: Context, shared: Shared, *, closes: bool = False) -> list[Shared]:
    """The attachments of a document that is locked, which follow its rules.

    A change that closes reaches all of them. One that opens leaves out what was closed further for
    an attachment alone, by its level, and what the caller may not change: nobody gives what they do
    not have.
    """
    if shared.table is not DocumentGrant:
        return []
    facts = await documents.hold_attached(ctx, shared.id)
    if closes or not facts:
        return [document(each.id) for each in facts]
    holder, access = await repository.document_facts(ctx.session, shared.id), await ctx.access()
    return [
        document(each.id)
        for each in facts
        if holder is not None
        and each.access_level <= holder.access_level
        and (ctx.actor.administers or access.allows(Verb.WRITE, each))
    ]


async def remove_grant(ctx: Context, shared: Shared, grant_id: uuid.UUID) -> None:
    """Remove a rule; it has no effect from the next unit of work on.

    Raises:
        DocumentNotFoundError, CollectionNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may see it, but not change it.
        GrantNotFoundError: It has no such rule.
    """
    await _require_sharing(ctx, shared)
    # Removed first: only the row tells whether it was a denial.
    removed = await repository.remove(ctx.session, shared.table, shared.id, grant_id)
    if removed is None:
        raise GrantNotFoundError(grant_id)
    if removed.effect == Effect.DENY:
        await _require_lifting(ctx, shared)  # an error takes the removal back
    await _record(ctx, shared, "grant_removed", removed, removed.effect)
    for attached in await _attached(ctx, shared, closes=removed.effect != Effect.DENY):
        theirs = await repository.remove_like(ctx.session, attached.table, attached.id, removed)
        if theirs is not None:
            await _record(ctx, attached, "grant_removed", theirs, theirs.effect)


async def _record(
    ctx: Context, shared: Shared, what: str, grant: AnyGrant, before: str | None
) -> None:
    whom = "user_id" if grant.user_id is not None else "group_id"
    details: dict[str, object] = {
        "grant_id": str(grant.id),
        whom: str(grant.user_id or grant.group_id),
        "before": before,
    }
    if what != "grant_removed":
        details["effect"] = grant.effect
    await audit.record(
        ctx, f"{shared.kind}.{what}", object_kind=shared.kind, object_id=shared.id, details=details
    )


async def _require_sharing(ctx: Context, shared: Shared, effect: Effect | None = None) -> None:
    """Check that the caller may make such a rule (without `effect`: any rule), and lock the object.

    Administrators may make rules for every object of the tenant, including those they may not
    read, because they are responsible for access; they see ids only.
    """
    if shared.table is DocumentGrant:
        if not ctx.actor.administers:
            document = await documents.resolve(ctx, shared.id, Verb.WRITE)
            is_denial = effect is Effect.DENY
            if is_denial and not (await ctx.access()).may_deny(documents.facts_of(document)):
                raise ForbiddenError(
                    "Denying takes a role that changes documents of this access level: ask a "
                    "manager, a director or an administrator."
                )
        elif not await repository.hold_document(ctx.session, shared.id):
            raise DocumentNotFoundError(shared.id)
        return
    if not ctx.actor.administers:
        await collections.get(ctx, shared.id)
    if not await collections.hold(ctx, shared.id):
        raise CollectionNotFoundError(shared.id)
    if ctx.actor.administers:
        return
    access = await ctx.access()
    if not any(access.may_share_collection(shared.id, each) for each in Effect):
        raise ForbiddenError("You may read this collection, but not share it.")
    if effect is not None and not access.may_share_collection(shared.id, effect):
        raise ForbiddenError(
            "A rule for a collection holds for all its documents, of every access level: you can "
            "give only what you may do yourself. Ask a director or an administrator."
        )


async def _require_lifting(ctx: Context, shared: Shared) -> None:
    """Check that the caller may lift a denial: that grants what the denial took away."""
    is_document = shared.table is DocumentGrant
    await _require_sharing(ctx, shared, Effect.DENY if is_document else Effect.READ)


async def explain_access(
    ctx: Context, document_id: uuid.UUID, wanted: str | None
) -> AccessExplanation:
    """Explain why a user can or cannot read and change a document.

    Args:
        ctx: The unit of work of the one who asks.
        document_id: Of any document of the tenant for administrators; others must be able to read
            it.
        wanted: Id or e-mail address of the user in question; None: the caller.

    Raises:
        ForbiddenError: Someone who is no administrator asks about somebody else.
        DocumentNotFoundError: There is none, or not for this caller.
        UserNotFoundError: The tenant has no such user.
    """
    subject = await _subject(ctx, wanted)
    if not ctx.actor.administers:
        await documents.get(ctx, document_id)
    facts = await repository.document_facts(ctx.session, document_id)
    if facts is None:
        raise DocumentNotFoundError(document_id)
    user_id = None if subject is None else subject.id
    role = ctx.actor.role if subject is None else Role(subject.role)
    rules: list[ApplicableGrant] = []
    if user_id is not None:
        rules = (await repository.rules_on(ctx.session, facts, [user_id]))[user_id]
    is_private = await repository.is_private(ctx.session, facts.collection_id)
    status = UserStatus.ACTIVE if subject is None else subject.status
    verdicts = explain(role, user_id, facts, rules, is_private=is_private, status=status)
    return AccessExplanation(
        document_id=facts.id,
        access_level=AccessLevel(facts.access_level).name.lower(),
        user=SubjectRead(id=user_id, role=role.name.lower(), status=status),
        read=verdicts[Verb.READ],
        write=verdicts[Verb.WRITE],
    )


async def list_access(
    ctx: Context, document_id: uuid.UUID, wanted: PeopleFilter, request: PageRequest
) -> Page[UserAccess]:
    """Rights of each user of the tenant on a document, and why, by e-mail address.

    Raises:
        ForbiddenError: The caller is no administrator: only these ask about others.
        DocumentNotFoundError: The tenant has no such document.
    """
    ctx.actor.require(Scope.ADMIN)
    facts = await repository.document_facts(ctx.session, document_id)
    if facts is None:
        raise DocumentNotFoundError(document_id)
    is_private = await repository.is_private(ctx.session, facts.collection_id)
    people = await repository.people(ctx.session, facts, wanted, request, is_private=is_private)
    rules = await repository.rules_on(ctx.session, facts, [user.id for user in people.items])
    rows: list[UserAccess] = []
    for user in people.items:
        verdicts = explain(
            Role(user.role), user.id, facts, rules[user.id],
            is_private=is_private, status=user.status,
        )  # fmt: skip
        rows.append(UserAccess.of(user, verdicts[Verb.READ], verdicts[Verb.WRITE]))
    return Page(rows, request, people.total)


async def _subject(ctx: Context, wanted: str | None) -> User | None:
    """The user whose access is explained; None if the caller asks for itself and has no user."""
    if wanted is None:
        if ctx.actor.user_id is None:
            return None
        return await _user(ctx, ctx.actor.user_id)
    if not ctx.actor.administers:
        # Others may name themselves only. Whoever does not exist and whoever is somebody else get
        # the same error, so that addresses cannot be probed.
        myself = None
        if ctx.actor.user_id is not None:
            myself = await repository.user_by_id(ctx.session, ctx.actor.user_id)
        if myself is None or not _names(wanted, myself):
            raise ForbiddenError("Only administrators ask about the access of others.")
        return myself
    try:
        return await _user(ctx, uuid.UUID(wanted))
    except ValueError:
        pass
    try:
        found = await repository.user_by_email(ctx.session, normalise_email(wanted))
    except InvalidEmailError:
        found = None
    if found is None:
        raise UserNotFoundError(wanted)
    return found


def _names(wanted: str, user: User) -> bool:
    """Whether an id or an e-mail address means this user."""
    try:
        return uuid.UUID(wanted) == user.id
    except ValueError:
        pass
    try:
        return normalise_email(wanted) == user.email
    except InvalidEmailError:
        return False


async def _user(ctx: Context, user_id: uuid.UUID) -> User:
    user = await repository.user_by_id(ctx.session, user_id)
    if user is None:
        raise UserNotFoundError(user_id)
    return user


async def viewed_as(platform: Platform, caller: Caller, user_id: uuid.UUID) -> Caller:
    """A caller with a user's access, so that an administrator can see what that user finds.

    The audit trail records who looked and as whom, not the query.

    Raises:
        ForbiddenError: The caller is no administrator, or their key does not read.
        UserNotFoundError: The tenant has no such user.
    """
    caller.actor.require(Scope.READ)
    caller.actor.require(Scope.ADMIN)
    async with unit_of_work(platform, caller) as ctx:
        user = await _user(ctx, user_id)
        await audit.record(ctx, "search.viewed_as", object_kind="user", object_id=user.id)
    reader = users.caller_of(user, caller.origin)
    # Read-only and without administration: looking as somebody must not lend their other rights,
    # and what is private is read by a grant alone.
    # The credential stays the administrator's, for the audit trail.
    actor = replace(
        reader.actor,
        is_admin=False,
        scopes=frozenset({Scope.READ}),
        credential_id=caller.actor.credential_id,
        reads_private=False,
    )
    return replace(reader, actor=actor)
