"""The pauses and sizes of a check, one object per process (`platform.state_of(CheckPace)`)."""

from dataclasses import dataclass


@dataclass(slots=True)
class CheckPace:
    """In what steps a library is looked through, and how patiently."""

    second_look_seconds: float = 1.0
    """Delay before a fault is checked again, so that work in flight is not reported."""

    poll_seconds: float = 0.2
    """Between two looks whether versions that are read again have come to an end."""

    page: int = 100
    """Versions read by one statement: some thousand passages, about a second."""
