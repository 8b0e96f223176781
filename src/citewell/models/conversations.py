"""Conversations: questions in a tree, each with a reference to its stored answer."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from citewell.core.database.base import Base, HasId, HasTimestamps, TenantScoped

_SHOW_FILES = text("SELECT set_config('citewell.conversation', :value, true)")


@asynccontextmanager
async def conversation_files_shown(session: AsyncSession) -> AsyncGenerator[None, None]:
    """Show the session the collections of conversations while the block lasts (migration 0055).

    After an error they stay visible, as the transaction has to be rolled back anyway.
    """
    await session.execute(_SHOW_FILES, {"value": "shown"})
    yield
    await session.flush()
    await session.execute(_SHOW_FILES, {"value": ""})


class Conversation(Base, HasId, TenantScoped, HasTimestamps):
    """A conversation of one user or key."""

    __tablename__ = "conversation"

    actor_id: Mapped[uuid.UUID]
    user_id: Mapped[uuid.UUID | None]
    """With the user their conversations go."""
    title: Mapped[str] = mapped_column(server_default="")
    has_own_title: Mapped[bool] = mapped_column(server_default="false")
    """Whether somebody gave it; else the first question does, or a model."""
    is_pinned: Mapped[bool] = mapped_column(server_default="false")
    has_files: Mapped[bool] = mapped_column(server_default="false")
    """Whether files were ever attached: they are in a collection of its id, which the database
    hides outside of `conversation_files_shown`, and removes with the conversation."""
    is_shared: Mapped[bool] = mapped_column(server_default="false")
    """Whether others of the tenant may read along, each what they may read themselves."""


class ConversationMessage(Base, HasId, TenantScoped):
    """A question, the message it goes on from, and its answer in the log."""

    __tablename__ = "conversation_message"

    conversation_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[uuid.UUID | None]
    """None: it begins the conversation, or is another beginning."""
    query_id: Mapped[uuid.UUID | None]
    """Of an answer that may be forgotten by now; None: there is none yet, or there never was."""
    question: Mapped[str]
    """As it was asked; `query_log` holds it standing alone."""
    summary: Mapped[str] = mapped_column(server_default="")
    """Of what was asked before the turns that this question could go on from."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AnswerStream(Base, TenantScoped):
    """An answer whose events are kept, while it is made and an hour longer."""

    __tablename__ = "answer_stream"

    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[uuid.UUID]
    documents: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    """Sources of the answer; its events are for those who may read all of them."""
    is_stop_wanted: Mapped[bool] = mapped_column(server_default="false")
    beat_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Last sign of life of the process that makes it."""
    ended_at: Mapped[datetime | None]


class AnswerStreamEvent(Base, TenantScoped):
    """Events of an answer that were written together."""

    __tablename__ = "answer_stream_event"

    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    last_id: Mapped[int] = mapped_column(primary_key=True)
    events: Mapped[list[list[Any]]] = mapped_column(JSONB)
    """`id, name, data` of each, the data as JSON in text."""
