"""The pauses and sizes of a check, one object per process (`platform.state_of(CheckPace)`)."""

from dataclasses import dataclass


@dataclass(slots=True)
class CheckPace:
    """Page sizes and pauses of checks."""

    second_look_seconds: float = 1.0
    """Delay before a fault is checked again, so that work in flight is not reported."""

    poll_seconds: float = 0.2
    """Interval between two questions whether versions that are read again are finished."""

    page: int = 100
    """Versions read by one statement: some thousand passages, about a second."""
