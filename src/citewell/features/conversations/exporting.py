"""Conversations as documents, with what their reader may read of the answers."""

import json
import re
import uuid

from citewell.core.context import Context
from citewell.features.conversations import repository, service
from citewell.features.conversations.errors import MessageNotFoundError
from citewell.features.conversations.schemas import (
    MAX_MESSAGES,
    ConversationExport,
    ConversationRead,
    ExportForm,
    MessageRead,
)
from citewell.features.queries.schemas import StoredAnswer, StoredCitation
from citewell.kit.pagination import PageRequest

# Characters that begin a heading, list, link, picture or tag, in titles and texts of others.
_MARKUP = re.compile(r"([\\`*_\[\]<>#|!])")


async def export(
    ctx: Context,
    conversation_id: uuid.UUID,
    form: ExportForm,
    message_id: uuid.UUID | None = None,
) -> str:
    """A conversation as text, or one question of it with its answer.

    Raises:
        ConversationNotFoundError, MessageNotFoundError: There is none, or not for this caller.
    """
    conversation = await service.get(ctx, conversation_id)
    page = await service.messages(ctx, conversation_id, PageRequest(1, MAX_MESSAGES))
    messages = [each for each in page.items if message_id in (None, each.id)]
    if message_id is not None and not messages:
        raise MessageNotFoundError(message_id)
    if form is ExportForm.JSON:
        exported = ConversationExport(conversation=conversation, messages=messages)
        return json.dumps(exported.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
    return _markdown(conversation, messages)


async def require(
    ctx: Context, conversation_id: uuid.UUID, message_id: uuid.UUID | None = None
) -> None:
    """Check that there is something to export; raises what `export` does."""
    await service.get(ctx, conversation_id)
    if message_id is not None:
        found = await repository.message(ctx.session, conversation_id, message_id)
        if found is None:
            raise MessageNotFoundError(message_id)


def _markdown(conversation: ConversationRead, messages: list[MessageRead]) -> str:
    numbers = {message.id: number for number, message in enumerate(messages, 1)}
    parts = [f"# {_plain(conversation.title or 'Conversation')}"]
    before: uuid.UUID | None = None
    for message in messages:
        parts.append(f"## {numbers[message.id]}. {_plain(message.question)}")
        if message.parent_id != before and len(parts) > 2:
            parent = numbers.get(message.parent_id) if message.parent_id else None
            parts.append(f"*A branch after question {parent}.*" if parent else "*A new beginning.*")
        before = message.id
        parts += _answer(message)
    return "\n\n".join(parts) + "\n"


def _answer(message: MessageRead) -> list[str]:
    answer = message.answer
    if answer is None:
        return [f"*No answer ({message.status}), or it is not kept any more.*"]
    parts: list[str] = []
    if answer.standalone:
        parts.append(f"*Answered as: {_plain(answer.standalone)}*")
    if answer.answer is not None:
        parts.append(_plain(answer.answer))
    else:
        shown = [_sentence(answer, place) for place in range(len(answer.sentences))]
        parts.append(" ".join(shown) or "*The answer was erased with its document.*")
    level, score = answer.confidence.level, answer.confidence.score
    parts.append(f"Confidence: {level} ({score:.2f}). {answer.timestamp:%Y-%m-%d %H:%M} UTC.")
    if answer.citations:
        parts.append("\n".join(_citation(each) for each in answer.citations))
    return parts


def _sentence(answer: StoredAnswer, place: int) -> str:
    sentence = answer.sentences[place]
    if sentence.text is None:
        return "*(withheld)*"
    marks = "".join(f"\\[{number}\\]" for number in sentence.citations)
    return f"{_plain(sentence.text)} {marks}".strip()


def _citation(citation: StoredCitation) -> str:
    if not citation.is_readable:
        return f"- \\[{citation.number}\\] a passage that you may not read"
    page = f", page {citation.page}" if citation.page is not None else ""
    quote = " ".join((citation.text or "").split())
    place = f"{_plain(citation.title or '')}, version {citation.version}{page}"
    return f"- \\[{citation.number}\\] {place}: “{_plain(quote)}”"


def _plain(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return _MARKUP.sub(r"\\\1", text)
