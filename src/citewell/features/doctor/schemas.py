"""Results of the checks."""

import uuid
from dataclasses import dataclass, field

MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault found by a check."""

    key: str
    """Identity of the fault, by which a second look recognises it."""
    what: str
    """Description for people, with the id of the subject."""
    subject: uuid.UUID | None = None
    """The row it is about: a version, a document, a job or a file, as the check says."""


@dataclass(slots=True)
class CheckReport:
    """Result of one check and its repair."""

    name: str
    problems: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list[str])
    """Descriptions of at most `MOST_EXAMPLES` faults that are left, or else that were found."""


@dataclass(slots=True)
class Report:
    """Results of all checks of a tenant."""

    checks: list[CheckReport] = field(default_factory=list[CheckReport])

    @property
    def problems(self) -> int:
        """Number of faults found."""
        return sum(check.problems for check in self.checks)

    @property
    def repaired(self) -> int:
        """Number of faults repaired."""
        return sum(check.repaired for check in self.checks)

    @property
    def left(self) -> list[CheckReport]:
        """Checks with faults that are not repaired."""
        return [check for check in self.checks if check.problems > check.repaired]
