"""A tenant's rules on questions: shown, changed, and as they are in force."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from citewell.access.policy import Scope
from citewell.core.caching.cache import Cache
from citewell.core.context import SYSTEM, Caller, Context, unit_of_work
from citewell.core.database.stamps import LibraryStamp
from citewell.core.platform import Platform
from citewell.engine.text.expressions import Expression, ExpressionError
from citewell.features.audit import service as audit
from citewell.features.collections import service as collections
from citewell.features.identity.errors import TenantNotFoundError
from citewell.features.question_policies import repository
from citewell.features.question_policies.schemas import (
    QuestionPolicy,
    QuestionPolicyUpdate,
    RoleName,
)

log = structlog.get_logger(__name__)

LIMITS = ("longest_question", "concurrent_per_user", "concurrent_per_tenant", "seconds")

MOST_KNOWN = 1_000
"""Tenants whose rules a process remembers."""


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules of a tenant with their patterns read."""

    policy: QuestionPolicy
    patterns: tuple[tuple[Expression, str], ...]
    """Each with its message."""
    stored: dict[str, Any]
    """The rules as they were kept when the patterns were read."""
    stamp: LibraryStamp
    """Of the tenant's library when they were read."""


@dataclass(slots=True)
class KnownRules:
    """The rules of tenants, each as of a stamp of the library; a state of the platform."""

    known: dict[uuid.UUID, RulesInForce] = field(default_factory=dict[uuid.UUID, RulesInForce])


async def get(platform: Platform, caller: Caller, tenant_id: uuid.UUID) -> QuestionPolicy:
    """The rules of a tenant; for others than the operator of their own.

    Raises:
        ForbiddenError: The caller is no administrator: the patterns are not for everybody.
        TenantNotFoundError: There is none, or not for this caller.
    """
    async with unit_of_work(platform, _inside(caller, tenant_id)) as ctx:
        ctx.actor.require(Scope.ADMIN)
        rules = await repository.stored(ctx.session, tenant_id)
        if rules is None:
            raise TenantNotFoundError(tenant_id)
        return await _of_existing(ctx, QuestionPolicy.model_validate(rules))


async def update(
    platform: Platform, caller: Caller, tenant_id: uuid.UUID, data: QuestionPolicyUpdate
) -> QuestionPolicy:
    """Change the rules of a tenant; they hold for the next question in every process.

    Collections that were named before and are deleted since are left out.

    Raises:
        ForbiddenError: The caller is no administrator.
        TenantNotFoundError: There is none, or not for this caller.
        CollectionNotFoundError: A collection that was not named before is not there for the caller.
    """
    changes: dict[str, Any] = {
        name: value
        for name, value in data.model_dump(mode="json", exclude_unset=True).items()
        # Null takes a limit away; for the others it means unchanged.
        if value is not None or name in LIMITS
    }
    async with unit_of_work(platform, _inside(caller, tenant_id)) as ctx:
        ctx.actor.require(Scope.ADMIN)
        tenant = await repository.lock(ctx.session, tenant_id)
        if tenant is None:
            raise TenantNotFoundError(tenant_id)
        stored = QuestionPolicy.model_validate(tenant.question_policy)
        # Those that are named already may be gone, or not for this administrator to see.
        new = sorted(_named(data.collections or {}) - _named(stored.collections))
        if new:
            await collections.require_all(ctx, new)
        before = stored.model_dump(mode="json")
        after = QuestionPolicy.model_validate({**before, **changes})
        after = await _of_existing(ctx, after)
        kept = after.model_dump(mode="json")
        changed = sorted(name for name in changes if before[name] != kept[name])
        if changed:
            await repository.store(ctx.session, tenant, kept)
            # Patterns are words of the tenant, which stay out of the trail; their number says it.
            told = {name: kept[name] for name in changed if name != "refused"}
            await audit.record(
                ctx,
                "question_policy.updated",
                object_kind="tenant",
                object_id=tenant_id,
                details={"fields": changed, "patterns": len(after.refused), **told},
            )
        return after


async def in_force(platform: Platform, tenant_id: uuid.UUID) -> RulesInForce:
    """The rules of a tenant as they are committed now."""
    known = platform.state_of(KnownRules).known
    rules = known.get(tenant_id)
    if rules is not None:
        stamp = await platform.state_of(Cache).stamps.current(platform.database, tenant_id)
        if rules.stamp == stamp:
            return rules
    stamp, stored = await repository.stamped(platform.database, tenant_id)
    rules = known.get(tenant_id)  # others may have read them meanwhile
    if rules is not None and rules.stored == stored:
        rules = replace(rules, stamp=stamp)
    else:
        policy = QuestionPolicy.model_validate(stored)
        rules = RulesInForce(policy, _patterns(tenant_id, policy), stored, stamp)
    if len(known) >= MOST_KNOWN:
        known.clear()
    known[tenant_id] = rules
    return rules


async def _of_existing(ctx: Context, policy: QuestionPolicy) -> QuestionPolicy:
    """The rules without collections that are deleted; a role that is left none asks nothing."""
    named = sorted(_named(policy.collections))
    if not named:
        return policy
    # As the system: what an administrator may not read is named all the same.
    left = {*await collections.visible(replace(ctx, actor=SYSTEM), named)}
    asked = {
        role: [each for each in ids if each in left] for role, ids in policy.collections.items()
    }
    return policy.model_copy(update={"collections": asked})


def _named(asked: Mapping[RoleName, Sequence[uuid.UUID]]) -> set[uuid.UUID]:
    return {each for ids in asked.values() for each in ids}


def _patterns(tenant_id: uuid.UUID, policy: QuestionPolicy) -> tuple[tuple[Expression, str], ...]:
    """The patterns that can be read, each with its message.

    One that a release before could read and this one cannot is left out: it would end either no
    question or each one, and nobody could ask until somebody has found out why.
    """
    found: list[tuple[Expression, str]] = []
    for number, each in enumerate(policy.refused, 1):
        try:
            found.append((each.read(), each.message))
        except ExpressionError as error:
            # By its number, because patterns are words of the tenant.
            log.error("pattern_left_out", tenant=str(tenant_id), number=number, exc_info=error)
    return tuple(found)


def _inside(caller: Caller, tenant_id: uuid.UUID) -> Caller:
    """The caller acting in a tenant that they may see.

    Raises:
        TenantNotFoundError: It is not.
    """
    if tenant_id != caller.tenant_id and Scope.OPERATOR not in caller.actor.scopes:
        raise TenantNotFoundError(tenant_id)
    return replace(caller, tenant_id=tenant_id)
