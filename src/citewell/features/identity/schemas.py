"""Shapes of identity."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made; `secret` is shown once and never stored."""

    id: uuid.UUID
    name: str
    secret: str
