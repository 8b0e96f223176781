"""A tool of agents: its schema, its work, and the action that a person has to approve."""

import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from citewell.core.context import Caller
from citewell.core.platform import Platform
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.engine.answering.base import Passage
from citewell.engine.text.language import detect_language
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.schemas import DocumentState

RunAgent = Callable[[str, str], Awaitable[ToolOutput]]
"""Runs another agent, by slug, on a task."""


@dataclass(frozen=True, slots=True)
class ToolWork:
    """The things that a call works with."""

    platform: Platform
    caller: Caller
    """The run's user with the rights of this moment; every service decides by it."""
    collection_ids: Sequence[uuid.UUID] | None
    """Where the agent may look; None: everywhere the caller may."""
    key: str
    """Idempotency key of the call's effect."""
    run_agent: RunAgent


@dataclass(frozen=True, slots=True)
class AgentTool:
    """A tool: its arguments are checked by `spec.arguments` before anything is called."""

    spec: ToolTerms
    run: Callable[[ToolWork, Any], Coroutine[Any, Any, ToolOutput]]
    """Raises an `AppError` with what the model should be told."""
    action: Callable[[Platform, Any], str | None] = lambda _platform, _arguments: None
    """The action that has to be approved, in words for a person; None: nothing has to be."""
    address: Callable[[Platform, Any], str | None] = lambda _platform, _arguments: None
    """The address that a call asks without approval; it could carry text of documents there."""


def require_in_scope(work: ToolWork, state: DocumentState) -> None:
    """Treat documents outside of the agent's collections as if they were not there.

    Raises:
        DocumentNotFoundError: It is outside of them.
    """
    allowed = work.collection_ids
    if allowed is not None and state.document.collection_id not in allowed:
        raise DocumentNotFoundError(state.document.id)


def stretch_of(state: DocumentState, version: int, start: int, text: str) -> Passage:
    """A stretch of a document's text as a passage that can be cited."""
    return Passage(
        chunk_id="",
        document_id=str(state.document.id),
        title=state.document.title,
        version=version,
        page=None,
        heading=(),
        start=start,
        end=start + len(text),
        text=text,
        score=1.0,
        language=detect_language(text),
    )
