"""Conversations as documents, with what their reader may read of the answers."""

import base64
import json
import re
import uuid

from citewell.core.context import Caller, Context
from citewell.core.platform import Platform
from citewell.features.conversations import repository, service
from citewell.features.conversations.errors import MessageNotFoundError
from citewell.features.conversations.print_job import as_pdf
from citewell.features.conversations.schemas import (
    MAX_MESSAGES,
    ConversationExport,
    ExportForm,
    MessageRead,
)
from citewell.features.conversations.talk_parts import PartKind, TalkPart
from citewell.features.queries.schemas import StoredAnswer, StoredCitation
from citewell.kit.pagination import PageRequest

# Characters that begin a heading, list, link, picture or tag, in titles and texts of others.
_MARKUP = re.compile(r"([\\`*_\[\]<>#|!])")


async def read(
    ctx: Context, conversation_id: uuid.UUID, message_id: uuid.UUID | None = None
) -> ConversationExport:
    """A conversation, or one question of it with its answer, to be `written`.

    Raises:
        ConversationNotFoundError, MessageNotFoundError: There is none, or not for this caller.
    """
    conversation = await service.get(ctx, conversation_id)
    page = await service.messages(ctx, conversation_id, PageRequest(1, MAX_MESSAGES))
    messages = [each for each in page.items if message_id in (None, each.id)]
    if message_id is not None and not messages:
        raise MessageNotFoundError(message_id)
    return ConversationExport(conversation=conversation, messages=messages)


async def require(
    ctx: Context, conversation_id: uuid.UUID, message_id: uuid.UUID | None = None
) -> None:
    """Check that there is something to export; raises what `read` does."""
    await service.get(ctx, conversation_id)
    if message_id is not None:
        found = await repository.message(ctx.session, conversation_id, message_id)
        if found is None:
            raise MessageNotFoundError(message_id)


async def written(
    platform: Platform, caller: Caller, export: ConversationExport, form: ExportForm
) -> bytes:
    """The file of an export.

    Raises:
        BusyError: Too many PDF files are asked for at the moment.
        ComputationLimitError: The PDF file is too long to be made.
    """
    if form is ExportForm.JSON:
        shown = export.model_dump(mode="json")
        return (json.dumps(shown, ensure_ascii=False, indent=2) + "\n").encode()
    title = export.conversation.title or "Conversation"
    parts = [TalkPart(PartKind.TITLE, title), *_parts(export.messages)]
    if form is ExportForm.PDF:
        pairs = [(part.kind.value, part.text) for part in parts]
        return base64.b64decode(await platform.compute.run(caller.tenant_id, as_pdf, title, pairs))
    return ("\n\n".join(map(_markdown, parts)) + "\n").encode()


def _parts(messages: list[MessageRead]) -> list[TalkPart]:
    numbers = {message.id: number for number, message in enumerate(messages, 1)}
    parts: list[TalkPart] = []
    before: uuid.UUID | None = None
    for message in messages:
        is_first = not parts
        parts.append(TalkPart(PartKind.QUESTION, f"{numbers[message.id]}. {message.question}"))
        if message.parent_id != before and not is_first:
            parent = numbers.get(message.parent_id) if message.parent_id else None
            told = f"A branch after question {parent}." if parent else "A new beginning."
            parts.append(TalkPart(PartKind.NOTE, told))
        before = message.id
        parts += _answer(message)
    return parts


def _answer(message: MessageRead) -> list[TalkPart]:
    answer = message.answer
    if answer is None:
        told = f"No answer ({message.status}), or it is not kept any more."
        return [TalkPart(PartKind.NOTE, told)]
    parts: list[TalkPart] = []
    if answer.standalone:
        parts.append(TalkPart(PartKind.NOTE, f"Answered as: {answer.standalone}"))
    if answer.answer is not None:
        parts.append(TalkPart(PartKind.TEXT, answer.answer))
    elif answer.sentences:
        shown = [_sentence(answer, place) for place in range(len(answer.sentences))]
        parts.append(TalkPart(PartKind.TEXT, " ".join(shown)))
    else:
        parts.append(TalkPart(PartKind.NOTE, "The answer was erased with its document."))
    level, score = answer.confidence.level, answer.confidence.score
    told = f"Confidence: {level} ({score:.2f}). {answer.timestamp:%Y-%m-%d %H:%M} UTC."
    parts.append(TalkPart(PartKind.DETAIL, told))
    if answer.citations:
        parts.append(TalkPart(PartKind.SOURCES, "\n".join(map(_citation, answer.citations))))
    return parts


def _sentence(answer: StoredAnswer, place: int) -> str:
    sentence = answer.sentences[place]
    if sentence.text is None:
        return "(withheld)"
    marks = "".join(f"[{number}]" for number in sentence.citations)
    return f"{sentence.text} {marks}".strip()


def _citation(citation: StoredCitation) -> str:
    if not citation.is_readable:
        return f"[{citation.number}] a passage that you may not read"
    page = "" if citation.page is None else f", page {citation.page}"
    if citation.sheet is not None:
        page = f", sheet '{' '.join(citation.sheet.split())}'"
    quote = " ".join((citation.text or "").split())
    title = " ".join((citation.title or "").split())
    return f"[{citation.number}] {title}, version {citation.version}{page}: “{quote}”"


def _markdown(part: TalkPart) -> str:
    text = _MARKUP.sub(r"\\\1", part.text)  # what Markdown shows as it stands
    match part.kind:
        case PartKind.TITLE:
            return f"# {text}"
        case PartKind.QUESTION:
            return f"## {text}"
        case PartKind.NOTE:
            return f"*{text}*"
        case PartKind.SOURCES:
            return "\n".join(f"- {line}" for line in text.split("\n"))
        case PartKind.TEXT | PartKind.DETAIL:
            return text
