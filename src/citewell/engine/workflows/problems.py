"""Faults of a workflow's text, each with its line and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from citewell.engine.errors import EngineError

SHOWN_PROBLEMS = 20
"""Faults told at once: the rest mostly follows from the first ones."""


@dataclass(frozen=True, slots=True)
class WorkflowProblem:
    """One fault."""

    line: int
    """Line of the text, from 1."""
    path: str
    """Place in the structure, such as `nodes.2.query`."""
    message: str

    def __str__(self) -> str:
        place = f" ({self.path})" if self.path else ""
        return f"line {self.line}{place}: {self.message}"


class WorkflowSpecError(EngineError):
    """The text is no workflow that can be run."""

    def __init__(self, problems: Sequence[WorkflowProblem]) -> None:
        self.problems = tuple(problems[:SHOWN_PROBLEMS])
        more = len(problems) - len(self.problems)
        told = "; ".join(map(str, self.problems)) + (f"; and {more} more" if more else "")
        super().__init__(told)


class WorkflowStepError(EngineError):
    """A node cannot be worked out from what the nodes before it left."""
