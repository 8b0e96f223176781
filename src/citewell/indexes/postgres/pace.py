"""Pauses around the takeover by a new generation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TakeoverPace:
    """How long other processes get to notice that another generation answers."""

    settling_seconds: float = 5.0
    """A generation takes nothing new for so long after it took over: other processes still search
    the one before (`live.MEMORY_SECONDS`), and would not find a document at all."""

    retained_seconds: int = 60
    """A generation that was replaced can be searched for so long: longer than a request takes, and
    than a process remembers which one is live."""
