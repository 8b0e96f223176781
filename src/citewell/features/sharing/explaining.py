"""Explains in words what the policy allows a user to do with a document.

The decision is `access.policy.Access.allows` for those who can sign in; a property test compares
the two.
"""

import uuid
from collections.abc import Sequence

from citewell.access.policy import (
    READ_LEVEL,
    WRITES_ALL_FROM,
    AccessLevel,
    DocumentFacts,
    Effect,
    Role,
    Verb,
)
from citewell.features.sharing.schemas import ApplicableGrant, ReasonRead, VerdictRead
from citewell.models.tenancy import UserStatus

ALLOWS, DENIES, NONE = "allows", "denies", "none"

# Denials first, as they decide; what gives nothing is listed last, so that one sees it was looked
# at.
_ORDER = (DENIES, ALLOWS, NONE)

_PRIVATE = ReasonRead(
    code="collection_private",
    effect=NONE,
    detail="The collection is private: it is read by those it is granted to, whatever their role.",
)

_INACTIVE = {
    str(UserStatus.INVITED): ReasonRead(
        code="user_invited",
        effect=DENIES,
        detail="The user is invited and has not registered yet: until then nobody signs in as it.",
    ),
    str(UserStatus.DEACTIVATED): ReasonRead(
        code="user_deactivated",
        effect=DENIES,
        detail="The account of the user is deactivated: nobody signs in with it.",
    ),
}
"""Reasons by the status of users who cannot sign in."""


def explain(
    role: Role,
    user_id: uuid.UUID | None,
    document: DocumentFacts,
    rules: Sequence[ApplicableGrant],
    *,
    is_private: bool = False,
    status: str = UserStatus.ACTIVE,
) -> dict[Verb, VerdictRead]:
    """The verdict for each verb, with every rule that was looked at.

    Args:
        role: The user's.
        user_id: The user; None: software of the organisation.
        document: The document.
        rules: Those of the document and its collection that name the user.
        is_private: Whether the collection is private.
        status: The user's. Only an active user does anything, whatever the rules say.
    """
    by_status = [_INACTIVE[status]] if status in _INACTIVE else []
    if is_private:
        by_role = [_PRIVATE], [_PRIVATE]
    else:
        by_role = [_of_role_for_reading(role, document)], _for_writing(role, document)
    read = _verdict([*by_status, *(_of_rule(rule, Verb.READ) for rule in rules), *by_role[0]])
    reasons = [*by_status, *(_of_rule(rule, Verb.WRITE) for rule in rules), *by_role[1]]
    if user_id is not None and document.created_by == user_id:
        reasons.append(
            ReasonRead(code="owner", effect=ALLOWS, detail="The document was added by the user.")
        )
    if not read.allowed:
        # A grant for writing does not help where reading is denied: `Access.allows` asks for both.
        detail = "Nobody changes what they may not read."
        reasons.append(ReasonRead(code="not_readable", effect=DENIES, detail=detail))
    return {Verb.READ: read, Verb.WRITE: _verdict(reasons)}


def _verdict(reasons: list[ReasonRead]) -> VerdictRead:
    effects = {reason.effect for reason in reasons}
    return VerdictRead(
        allowed=ALLOWS in effects and DENIES not in effects,
        reasons=sorted(reasons, key=lambda reason: _ORDER.index(reason.effect)),
    )


def _of_rule(rule: ApplicableGrant, verb: Verb) -> ReasonRead:
    kind = "collection" if rule.is_collection else "document"
    where = "the whole collection of the document" if rule.is_collection else "the document"
    whom = "the user"
    if rule.group_id is not None:
        whom = f"the group `{rule.group_name}`, which the user belongs to"
    if rule.effect is Effect.DENY:
        code, effect = f"{kind}_denied", DENIES
        detail = f"A rule denies {where} to {whom}. A denial outweighs every grant."
    elif verb is Verb.READ or rule.effect is Effect.WRITE:
        code, effect = f"{kind}_granted", ALLOWS
        detail = f"A rule grants {where} to {whom}, for {_gerund(rule.effect)}."
    else:
        code, effect = f"{kind}_granted_for_reading", NONE
        detail = f"A rule grants {where} to {whom}, for reading only."
    return ReasonRead(
        code=code,
        effect=effect,
        detail=detail,
        grant_id=rule.grant_id,
        group_id=rule.group_id,
        group_name=rule.group_name,
    )


def _gerund(effect: Effect) -> str:
    return "reading and changing" if effect is Effect.WRITE else "reading"


def _of_role_for_reading(role: Role, document: DocumentFacts) -> ReasonRead:
    level, reach = _name(AccessLevel(document.access_level)), _name(READ_LEVEL[role])
    if document.access_level <= READ_LEVEL[role]:
        return ReasonRead(
            code="role_reads_level",
            effect=ALLOWS,
            detail=(
                f"The role {_name(role)} reads up to the level {reach}; the document is within it "
                f"({level})."
            ),
        )
    return ReasonRead(
        code="role_below_level",
        effect=NONE,
        detail=(
            f"The role {_name(role)} reads up to the level {reach}; the document is above it "
            f"({level})."
        ),
    )


def _for_writing(role: Role, document: DocumentFacts) -> list[ReasonRead]:
    if role < WRITES_ALL_FROM:
        detail = (
            f"The role {_name(role)} changes only its own documents and those granted for "
            f"changing; the role {_name(WRITES_ALL_FROM)} and those above it change what they read."
        )
        return [ReasonRead(code="role_writes_own_only", effect=NONE, detail=detail)]
    reason = _of_role_for_reading(role, document)
    if reason.effect == NONE:
        return [reason]
    detail = f"The role {_name(role)} changes every document that it reads by role."
    return [ReasonRead(code="role_writes_level", effect=ALLOWS, detail=detail)]


def _name(value: Role | AccessLevel) -> str:
    return value.name.lower()
