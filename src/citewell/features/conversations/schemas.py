"""Shapes of conversations."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from citewell.features.documents.schemas import DocumentState
from citewell.features.queries.schemas import StoredAnswer
from citewell.features.search.schemas import QueryRequest, StreamEvent
from citewell.kit.bodies import RequestBody
from citewell.kit.visible import VISIBLE_LINE

MAX_MESSAGES = 1_000
"""Messages of a conversation: beyond it a reader has long lost the thread."""

MAX_TITLE_CHARS = 200

Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE_CHARS), VISIBLE_LINE]


class Whose(StrEnum):
    """Whose conversations a list shows."""

    OWN = "own"
    SHARED = "shared"
    """Those of others who share them."""


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Criteria for a list of conversations."""

    whose: Whose = Whose.OWN
    search: str | None = None
    is_pinned: bool | None = None


class _Body(RequestBody):
    model_config = ConfigDict(str_strip_whitespace=True)


class ConversationCreate(_Body):
    """A conversation to begin."""

    title: Title | None = Field(default=None, description="Null: the first question gives it.")


class ConversationUpdate(_Body):
    """Changes to a conversation."""

    title: Title | None = None
    is_pinned: bool | None = None
    is_shared: bool | None = Field(
        default=None,
        description="Whether others of the organisation may read along; each of them sees of the "
        "answers what rests on passages they may read themselves.",
    )


class ConversationRead(BaseModel):
    """A conversation as the API shows it."""

    id: uuid.UUID
    title: str
    """Empty until something is asked."""
    user_id: uuid.UUID | None
    is_own: bool
    """Whether the caller can go on with it and change it."""
    is_pinned: bool
    is_shared: bool
    message_count: int
    created_at: datetime
    updated_at: datetime


class FirstQuestionRead(BaseModel):
    """A question to begin with."""

    question: str
    language: str
    """Of the document: `en`, `vi` or another code."""
    document_id: uuid.UUID
    title: str


class FirstQuestions(BaseModel):
    """Questions to begin with."""

    suggestions: list[FirstQuestionRead]


class MessageStatus(StrEnum):
    """State of a message's answer."""

    RUNNING = "running"
    DONE = "done"
    INTERRUPTED = "interrupted"
    """It ended with an error, or the server that made it is gone."""


class MessageRead(BaseModel):
    """A question of a conversation with its answer."""

    id: uuid.UUID
    status: MessageStatus
    parent_id: uuid.UUID | None
    """The message it goes on from; messages of one parent are branches."""
    question: str
    created_at: datetime
    answer: StoredAnswer | None
    """None: there is none yet, or it is not kept any more."""


class FileRead(BaseModel):
    """A file that is attached to a conversation."""

    id: uuid.UUID
    """Of its document, as citations name it."""
    filename: str
    title: str
    status: str
    """queued, processing, ready, failed, superseded or cancelled; it answers once it is ready."""
    version: int
    error: dict[str, str] | None
    mime_type: str | None
    size_bytes: int
    pages: int | None
    created_at: datetime

    @classmethod
    def of(cls, state: DocumentState) -> Self:
        """A document as a file of its conversation."""
        document, newest = state.document, state.newest
        error = None
        if newest.error_code:
            error = {"code": newest.error_code, "detail": newest.error_detail or ""}
        return cls(
            id=document.id,
            filename=document.filename,
            title=document.title,
            status=newest.status,
            version=newest.number,
            error=error,
            mime_type=newest.mime_type,
            size_bytes=newest.size_bytes,
            pages=newest.page_count,
            created_at=document.created_at,
        )


class ExportForm(StrEnum):
    """Form of an exported conversation."""

    MARKDOWN = "markdown"
    JSON = "json"
    PDF = "pdf"


class ConversationExport(BaseModel):
    """A conversation as a document."""

    conversation: ConversationRead
    messages: list[MessageRead]


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event of an answer in a conversation, with the id to come back with."""

    id: int
    """From 1, without gaps."""
    name: str
    text: str
    """Its data as JSON."""

    @classmethod
    def of(cls, number: int, event: StreamEvent) -> Self:
        """An event with its number."""
        return cls(number, event.name, json.dumps(event.data, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class AskedMessage:
    """A message as a question goes on from it."""

    id: uuid.UUID
    query_id: uuid.UUID | None
    question: str
    summary: str


@dataclass(frozen=True, slots=True)
class ConversationPlace:
    """A place in a conversation."""

    title: str
    messages: int
    """Number of all messages of the conversation."""
    path: list[AskedMessage]
    """Oldest first, each the parent of the next; empty: a new beginning, or no such message."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be added to a conversation."""

    conversation_id: uuid.UUID
    message_id: uuid.UUID
    parent_id: uuid.UUID | None
    is_at_end: bool
    """Whether it goes on from the newest message, whichever that is, instead of `parent_id`."""
    query_id: uuid.UUID | None
    question: str
    summary: str
    title: str
    """Of the conversation, if that has none."""
    at: datetime


@dataclass(frozen=True, slots=True)
class ParentOfMessage:
    """The message that one goes on from."""

    id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class MessageAnswer:
    """The stored answer that a message gets."""

    conversation_id: uuid.UUID
    query_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class StreamState:
    """State of an answer that is being made."""

    is_gone: bool
    """Whether its conversation, or a document that it is made of, was deleted."""
    is_stop_wanted: bool = False


@dataclass(frozen=True, slots=True)
class StreamProgress:
    """Events of an answer, and whether more are to come."""

    events: tuple[NumberedEvent, ...]
    is_over: bool


class ConversationQuery(QueryRequest):
    """A question to answer, by itself or in a conversation."""

    conversation_id: uuid.UUID | None = Field(
        default=None, description="A conversation to go on with; null: a question by itself."
    )
    parent_id: uuid.UUID | None = Field(
        default=None,
        description="The message it goes on from; left out: the newest one. Null: a new beginning. "
        "The parent of another message makes a branch beside it, as when a question is edited.",
    )

    @model_validator(mode="after")
    def _has_its_conversation(self) -> Self:
        if self.conversation_id is None and self.parent_id is not None:
            raise ValueError("`parent_id` needs `conversation_id`")
        return self

    @property
    def is_at_end(self) -> bool:
        """Whether it goes on from the newest message."""
        return "parent_id" not in self.model_fields_set

    def alone(self, text: str, must_mention: str = "") -> QueryRequest:
        """The question as it is answered; of a conversation standing alone, and never cached.

        Args:
            text: The question standing alone.
            must_mention: Words that a follow-up put in; they replace none of the request's own.
        """
        values = self.model_dump(exclude={"conversation_id", "parent_id"})
        if self.conversation_id is not None:
            values |= {"query": text, "cache": False}
            values["must_mention"] = self.must_mention or must_mention
        return QueryRequest(**values)
