"""What the checks find."""

import uuid
from dataclasses import dataclass, field

MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    key: str
    """The same each time it is found."""
    what: str
    """For people, with the id of what it is about."""
    subject: uuid.UUID | None = None
    """The row it is about: a version, a document, a job or a file, as the check says."""


@dataclass(slots=True)
class CheckReport:
    """What one check found, and what became of it."""

    name: str
    problems: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list[str])
    """Of what is left, or else of what was found; `MOST_EXAMPLES` at most."""


@dataclass(slots=True)
class Report:
    """What the checks of a tenant found."""

    checks: list[CheckReport] = field(default_factory=list[CheckReport])

    @property
    def problems(self) -> int:
        """All that was found."""
        return sum(check.problems for check in self.checks)

    @property
    def repaired(self) -> int:
        """What of it is mended."""
        return sum(check.repaired for check in self.checks)

    @property
    def left(self) -> list[CheckReport]:
        """Checks that found what is not mended."""
        return [check for check in self.checks if check.problems > check.repaired]
