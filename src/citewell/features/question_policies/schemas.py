"""Shapes of a tenant's rules on questions."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from citewell.access.policy import Role
from citewell.engine.text.expressions import (
    MOST_CHARS,
    Expression,
    ExpressionError,
    expression,
    phrase,
)
from citewell.kit.bodies import RequestBody
from citewell.kit.storable import StorableText

MOST_PATTERNS = 100
"""Patterns of one tenant: each question is read once for each of them."""

MOST_SIZE = 60_000
"""Instructions of RE2's programs for all patterns of a tenant, some ten for each letter of a
phrase: four tenths of a second for a question of 4,000 characters at worst."""

MOST_COLLECTIONS = 200
"""Collections of one role; more are better said by access levels and grants."""

RoleName = Literal["guest", "employee", "manager", "director"]


class RefusedPattern(RequestBody):
    """Questions that are refused, and what is said of them."""

    model_config = ConfigDict(str_strip_whitespace=True)

    kind: Literal["phrase", "expression"] = Field(
        default="phrase",
        description="`phrase`: these words one after another; `expression`: a regular expression "
        "of the syntax of RE2, anywhere in the question. Case and missing diacritics make no "
        "difference.",
    )
    pattern: Annotated[StorableText, Field(min_length=1, max_length=MOST_CHARS)]
    message: Annotated[StorableText, Field(min_length=1, max_length=1_000)] = Field(
        description="What the asker is told."
    )

    def read(self) -> Expression:
        """The pattern as it is looked for.

        Raises:
            ExpressionError: It cannot be used.
        """
        return phrase(self.pattern) if self.kind == "phrase" else expression(self.pattern)


def _usable(patterns: list[RefusedPattern]) -> list[RefusedPattern]:
    # All here rather than each by itself, so that reading them ends where they are too many.
    size = 0
    for number, each in enumerate(patterns, 1):
        try:
            size += each.read().size
        except ExpressionError as error:
            raise ValueError(f"pattern {number} cannot be used: {error}") from None
        if size > MOST_SIZE:
            raise ValueError(f"the first {number} patterns together stand for too much")
    return patterns


Refused = Annotated[
    list[RefusedPattern],
    AfterValidator(_usable),
    Field(max_length=MOST_PATTERNS, description="All of them at once; the first that fits tells."),
]
Askable = Annotated[
    dict[RoleName, Annotated[list[uuid.UUID], Field(max_length=MOST_COLLECTIONS)]],
    Field(
        description="Collections that questions of a role are answered from, all roles at once; a "
        "role that is left out asks all it may read."
    ),
]
LongestQuestion = Annotated[
    int, Field(ge=10, le=4_000, description="Characters; null: as many as can be sent.")
]
PerUser = Annotated[
    int, Field(ge=1, le=1_000, description="Questions of one user at a time; null: any number.")
]
PerTenant = Annotated[
    int, Field(ge=1, le=10_000, description="Questions of all at a time; null: any number.")
]
Seconds = Annotated[
    int, Field(ge=1, le=3_600, description="Time of one question; null: as long as it takes.")
]


class QuestionPolicyUpdate(RequestBody):
    """Changes to the rules on questions; null takes a limit away."""

    refused: Refused | None = None
    collections: Askable | None = None
    longest_question: LongestQuestion | None = None
    concurrent_per_user: PerUser | None = None
    concurrent_per_tenant: PerTenant | None = None
    seconds: Seconds | None = None


class QuestionPolicy(BaseModel):
    """A tenant's rules on questions."""

    refused: list[RefusedPattern] = Field(default_factory=list[RefusedPattern])
    collections: dict[RoleName, list[uuid.UUID]] = Field(
        default_factory=dict[RoleName, list[uuid.UUID]]
    )
    longest_question: int | None = None
    concurrent_per_user: int | None = None
    concurrent_per_tenant: int | None = None
    seconds: int | None = None

    def askable(self, role: Role) -> list[uuid.UUID] | None:
        """Collections that a role may ask; None: all it may read."""
        return {Role[name.upper()]: ids for name, ids in self.collections.items()}.get(role)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as the rules look at it."""

    text: str
    """As the person wrote it."""
    more: tuple[str, ...] = ()
    """Other texts that a model would read as questions: of what was said before."""
    role: Role = Role.DIRECTOR
    """Of the user with whose access it is answered."""
    collection_ids: tuple[uuid.UUID, ...] = ()
    """Collections that it names."""
