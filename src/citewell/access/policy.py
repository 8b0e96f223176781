"""The access policy: rights on documents and collections, as plain values.

A request's `Actor` and the grants that name them make an `Access`: for each verb a `Reach`. A reach
is evaluated in two ways that must agree: `Reach.admits` for one object, and
`access.statements.reach_sql` inside statements that list or rank.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """Role of a user; each role includes the rights of those below it."""

    GUEST = 0
    EMPLOYEE = 1
    MANAGER = 2
    DIRECTOR = 3


class AccessLevel(IntEnum):
    """Confidentiality of a document; a role reads its own level and those below."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3


class Scope(StrEnum):
    """Permission of a credential; `operator` is for the installation's own software."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    OPERATOR = "operator"


class Verb(StrEnum):
    """Action on a document."""

    READ = "read"
    WRITE = "write"


class Visibility(StrEnum):
    """Rule of a collection for those whom no grant names."""

    OPEN = "open"
    """Roles read by access level."""
    PRIVATE = "private"
    """Nobody reads, whatever their role."""


class Effect(StrEnum):
    """Effect of a grant on those it names. `write` includes `read`; `deny` beats everything."""

    DENY = "deny"
    READ = "read"
    WRITE = "write"


READ_LEVEL = {
    Role.GUEST: AccessLevel.PUBLIC,
    Role.EMPLOYEE: AccessLevel.INTERNAL,
    Role.MANAGER: AccessLevel.CONFIDENTIAL,
    Role.DIRECTOR: AccessLevel.RESTRICTED,
}
"""The highest level a role reads without a grant."""

WRITES_ALL_FROM = Role.MANAGER
"""Lowest role that may change everything it reads; below it only own and granted documents."""

CREATES_FROM = Role.EMPLOYEE
"""Lowest role that may add documents to any collection; below it only to collections granted for
writing. It also sees all collections that are not denied; below it only those that hold something
readable."""

MANAGES_COLLECTIONS_FROM = Role.MANAGER
"""Lowest role that may make, change and remove collections and share what it may change."""

# Below the lowest level, so that no document is admitted by its level.
NO_LEVEL = -1

OF_CONVERSATION = 9
"""Level of a file of one conversation. No role reaches it: it is read in its conversation alone,
whose owner has its collection there (`Access.in_conversation`)."""


@dataclass(frozen=True, slots=True)
class IdSet(AbstractSet[uuid.UUID]):
    """A set of ids kept as the text of a PostgreSQL array, parsed only when it is iterated.

    A user with 1,000 grants would otherwise pay for a thousand UUID objects at every search.
    """

    literal: str = "{}"
    """`{id,id,...}`, each as `str(id)`."""

    @classmethod
    def of(cls, ids: Iterable[uuid.UUID]) -> "IdSet":
        """The set of these ids."""
        return ids if isinstance(ids, IdSet) else cls("{" + ",".join(map(str, ids)) + "}")

    def __contains__(self, item: object) -> bool:
        # Ids have one length and a comma between them, so a substring match is exact.
        return isinstance(item, uuid.UUID) and str(item) in self.literal

    def __iter__(self) -> Iterator[uuid.UUID]:
        return map(uuid.UUID, filter(None, self.literal[1:-1].split(",")))

    def __len__(self) -> int:
        return 0 if self.literal == "{}" else self.literal.count(",") + 1

    def joined(self, other: "IdSet") -> "IdSet":
        """The union; an id in both may be listed twice, which changes no predicate."""
        if not (self and other):
            return self or other
        return IdSet(f"{self.literal[:-1]},{other.literal[1:]}")


NO_IDS = IdSet()


@dataclass(frozen=True, slots=True)
class Grant:
    """A rule of one object that names a user, directly or through a group."""

    object_id: uuid.UUID
    is_collection: bool
    effect: Effect


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """The facts about a document that the policy depends on."""

    id: uuid.UUID
    collection_id: uuid.UUID
    access_level: int
    created_by: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Reach:
    """The set of documents on which a verb is allowed."""

    max_level: int
    """Highest access level allowed by role; `NO_LEVEL` if the role alone allows nothing."""
    collections: AbstractSet[uuid.UUID] = NO_IDS
    documents: AbstractSet[uuid.UUID] = NO_IDS
    owner: uuid.UUID | None = None
    """Documents this user made."""
    private: AbstractSet[uuid.UUID] = NO_IDS
    """Private collections not in `collections`; in these the role opens nothing."""
    denied_collections: AbstractSet[uuid.UUID] = NO_IDS
    denied_documents: AbstractSet[uuid.UUID] = NO_IDS
    leaves_conversations_out: bool = False
    """Whether the tenant has files of conversations, of which no reach has all."""

    @property
    def is_all(self) -> bool:
        """Whether every document is within reach."""
        return self.is_all_open and not self.private and not self.leaves_conversations_out

    @property
    def is_all_open(self) -> bool:
        """Whether every document outside of private collections is within reach."""
        has_denials = self.denied_collections or self.denied_documents
        return self.max_level >= max(AccessLevel) and not has_denials

    def admits(self, document: DocumentFacts) -> bool:
        """Whether the document is within reach."""
        if document.id in self.denied_documents or (
            document.collection_id in self.denied_collections
        ):
            return False
        by_level = document.access_level <= self.max_level
        return (
            (by_level and document.collection_id not in self.private)
            or document.collection_id in self.collections
            or document.id in self.documents
            or (self.owner is not None and document.created_by == self.owner)
        )


@dataclass(frozen=True, slots=True)
class Access:
    """The reach of an actor by verb; writing also requires reading."""

    role: Role
    reaches: dict[Verb, Reach] = field(hash=False)
    manages_private: bool = False
    """Whether the actor sees that private collections exist, to manage them unread."""

    @property
    def read(self) -> Reach:
        """Documents that may be read, listed and found."""
        return self.reaches[Verb.READ]

    @property
    def write(self) -> Reach:
        """Documents that may be changed, provided they may be read."""
        return self.reaches[Verb.WRITE]

    def allows(self, verb: Verb, document: DocumentFacts) -> bool:
        """Whether the actor may do this with the document."""
        return self.read.admits(document) and self.reaches[verb].admits(document)

    def in_conversation(self, conversation_id: uuid.UUID) -> "Access":
        """The same, with the files of a conversation of the actor's.

        They are in a collection that has the id of the conversation.
        """
        files = IdSet.of([conversation_id])
        reaches = {
            verb: replace(reach, collections=IdSet.of(reach.collections).joined(files))
            for verb, reach in self.reaches.items()
        }
        return replace(self, reaches=reaches)

    def without(self, collections: IdSet) -> "Access":
        """The same, with these collections out of reach for reading, whatever is granted."""
        if not collections:
            return self
        read = self.reaches[Verb.READ]
        denied = IdSet.of(read.denied_collections).joined(collections)
        return replace(
            self, reaches={**self.reaches, Verb.READ: replace(read, denied_collections=denied)}
        )

    def beside_conversations(self) -> "Access":
        """The same, in a tenant that has files of conversations."""
        reaches = {
            verb: replace(reach, leaves_conversations_out=True)
            for verb, reach in self.reaches.items()
        }
        return replace(self, reaches=reaches)

    def may_create_in(self, collection_id: uuid.UUID) -> bool:
        """Whether the actor may add documents to the collection."""
        if collection_id in self.read.denied_collections:
            return False
        by_role = self.role >= CREATES_FROM and collection_id not in self.write.private
        return by_role or collection_id in self.write.collections

    def may_see_collection(self, collection_id: uuid.UUID, *, holds_readable: bool) -> bool:
        """Whether the actor may see a collection; `holds_readable`: a document in it."""
        if collection_id in self.read.denied_collections:
            return False
        if collection_id in self.read.private:
            return self.manages_private or holds_readable
        return self.role >= CREATES_FROM or collection_id in self.read.collections or holds_readable

    def may_change_collection(self, collection_id: uuid.UUID) -> bool:
        """Whether the actor may rename or remove a collection they may see."""
        if collection_id in self.write.private:
            return self.manages_private
        return self.role >= MANAGES_COLLECTIONS_FROM

    def may_deny(self, document: DocumentFacts) -> bool:
        """Whether the actor may make or lift a denial for a document they may change.

        Decided by role alone: a user who was merely granted a document must not deny it to others.
        """
        if document.collection_id in self.write.private:
            return False
        return document.access_level <= self.write.max_level

    def may_share_collection(self, collection_id: uuid.UUID, effect: Effect) -> bool:
        """Whether the actor may make a rule of this effect for a collection they may see.

        A rule on a collection covers all its documents, of every level, present and future. So it
        takes the same reach over the whole collection: nobody can grant, even to themselves, more
        than they have.
        """
        if self.role < MANAGES_COLLECTIONS_FROM:
            return False
        if effect is Effect.DENY:
            return collection_id not in self.read.private
        reach = self.reaches[Verb(effect.value)]
        by_role = reach.max_level >= max(AccessLevel) and collection_id not in reach.private
        return by_role or collection_id in reach.collections


def access_of(
    role: Role,
    user_id: uuid.UUID | None,
    grants: Iterable[Grant],
    private: Iterable[uuid.UUID] = (),
) -> Access:
    """The access of a role with the grants that name its holder, and the private collections."""
    named: dict[tuple[bool, Effect], set[uuid.UUID]] = {}
    for grant in grants:
        named.setdefault((grant.is_collection, grant.effect), set()).add(grant.object_id)
    named_ids = {key: IdSet.of(ids) for key, ids in named.items()}
    return access_by(role, user_id, named_ids, IdSet.of(private))


def access_by(
    role: Role,
    user_id: uuid.UUID | None,
    named: Mapping[tuple[bool, Effect], IdSet],
    private: IdSet = NO_IDS,
    *,
    reads_private: bool = True,
    manages_private: bool = False,
) -> Access:
    """As `access_of`, from sets of ids keyed by (are collections, effect).

    Args:
        role: The role.
        user_id: The user, if it is one.
        named: The objects of the rules that name the user.
        private: The private collections of the tenant.
        reads_private: False: private collections are denied, whatever is granted.
        manages_private: Whether private collections are shown to be managed.
    """

    def ids(is_collection: bool, effect: Effect) -> IdSet:
        return named.get((is_collection, effect), NO_IDS)

    def readable(is_collection: bool) -> IdSet:
        return ids(is_collection, Effect.READ).joined(ids(is_collection, Effect.WRITE))

    def closed(granted: IdSet) -> IdSet:
        if not (private and granted):
            return private
        return IdSet.of(each for each in private if each not in granted)

    denied_collections = ids(True, Effect.DENY)
    if not reads_private:
        denied_collections = denied_collections.joined(private)
    denied = denied_collections, ids(False, Effect.DENY)
    may_read, may_write = readable(True), ids(True, Effect.WRITE)
    read = Reach(READ_LEVEL[role], may_read, readable(False), None, closed(may_read), *denied)
    write = Reach(
        READ_LEVEL[role] if role >= WRITES_ALL_FROM else NO_LEVEL,
        may_write,
        ids(False, Effect.WRITE),
        user_id,
        closed(may_write),
        *denied,
    )
    return Access(role, {Verb.READ: read, Verb.WRITE: write}, manages_private)


FULL_ACCESS = access_of(Role.DIRECTOR, None, ())
"""Access of the operator and the system: all there is, private collections included."""
